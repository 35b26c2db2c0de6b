//! The C streams `stdin` and `stdout` of the process, which a plugin shares with its host.

use std::io;
use std::ptr;

use libc::{FILE, c_char, c_void, size_t};

unsafe extern "C" {
    static stdin: *mut FILE;
    static stdout: *mut FILE;
}

/// Writes to `stdout`; returns how much was taken.
pub(super) fn write(bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    // SAFETY: `stdout` is set up by the C library before any code of ours runs and stays valid;
    // `bytes` is readable for its length. The stream locks itself.
    let written = unsafe { libc::fwrite(bytes.as_ptr().cast::<c_void>(), 1, bytes.len(), stdout) };
    if written == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(written)
    }
}

/// Flushes `stdout`.
pub(super) fn flush() -> io::Result<()> {
    // SAFETY: as in `write`.
    match unsafe { libc::fflush(stdout) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reads one line of `stdin` without its line end.
pub(super) fn read_line() -> io::Result<Option<String>> {
    let mut line: *mut c_char = ptr::null_mut();
    let mut size: size_t = 0;
    // SAFETY: getline grows the buffer it is given with realloc, starting from NULL; it is freed
    // below on every path. `stdin` is valid like `stdout`.
    let length = unsafe { libc::getline(&mut line, &mut size, stdin) };
    let result = match usize::try_from(length) {
        Ok(length) => {
            // SAFETY: getline reported that many bytes in the buffer.
            let bytes = unsafe { std::slice::from_raw_parts(line.cast::<u8>(), length) };
            Ok(Some(
                String::from_utf8_lossy(bytes)
                    .trim_end_matches(['\n', '\r'])
                    .to_owned(),
            ))
        }
        // SAFETY: `stdin` is valid.
        Err(_) if unsafe { libc::ferror(stdin) } == 0 => Ok(None),
        Err(_) => Err(io::Error::last_os_error()),
    };
    // SAFETY: the buffer is NULL or was allocated by getline; nothing borrows it any more.
    unsafe { libc::free(line.cast::<c_void>()) };
    result
}
