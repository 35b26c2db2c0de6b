//! Patterns with wildcards, as zkey's host matches them.

use std::ffi::CStr;

/// Whether `text` matches `pattern` by the rules of `fnmatch(3)` without flags.
pub(crate) fn matches(pattern: &CStr, text: &CStr) -> bool {
    // SAFETY: both are NUL-terminated strings, which fnmatch only reads.
    unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), 0) == 0 }
}
