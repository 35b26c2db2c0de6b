//! Adapters in another process, as real ones are: a library sends its calls through a socket, and
//! the test answers them.
//!
//! A message is its length (4 bytes, big-endian) and its bytes; what they mean is the library's
//! affair.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

const MAX_MESSAGE: usize = 1 << 20;

/// The socket in the directory of an emulator. While it is there, calls go to it and are taken.
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// Whether calls go to another process.
pub fn is_wanted(directory: &Path) -> bool {
    socket(directory).exists()
}

/// Sends a call and waits for the answer.
///
/// # Errors
/// Nobody answers.
pub fn call(directory: &Path, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket(directory))?;
    send(&mut stream, request)?;
    receive(&mut stream)
}

/// Answers calls until `answer` returns nothing, in the thread that calls this.
///
/// # Errors
/// The socket cannot be made.
pub fn serve(directory: &Path, mut answer: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> io::Result<()> {
    // A socket takes calls only once it listens, which is after its file is there.
    let unready = directory.join("socket.new");
    let listener = UnixListener::bind(&unready)?;
    fs::rename(&unready, socket(directory))?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        // A caller that goes away is none of the next one's business.
        let Ok(request) = receive(&mut stream) else {
            continue;
        };
        let Some(response) = answer(&request) else {
            break;
        };
        let _ = send(&mut stream, &response);
    }
    Ok(())
}

fn send(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}

fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return Err(io::Error::other("the message is too long"));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_answered_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_wanted(directory.path()));
        std::thread::scope(|scope| {
            let path = directory.path();
            let server = scope.spawn(move || {
                serve(path, |request| {
                    (request != b"end").then(|| request.iter().rev().copied().collect())
                })
            });
            while !is_wanted(path) {
                std::thread::yield_now();
            }
            let answers = ["abc", "", "end"].map(|request| call(path, request.as_bytes()));
            server.join().unwrap().unwrap();
            let [reversed, empty, ended] = answers;
            assert_eq!(reversed.unwrap(), b"cba");
            assert_eq!(empty.unwrap(), b"");
            assert!(ended.is_err());
        });
    }
}
