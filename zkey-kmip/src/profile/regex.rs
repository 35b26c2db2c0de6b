//! POSIX extended regular expressions, by the C library: profiles of users rely on its dialect.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

/// A compiled expression.
pub(super) struct Regex {
    /// In a box, since the C library does not promise that it can be moved.
    compiled: Box<libc::regex_t>,
}

impl Regex {
    /// Compiles `pattern`; the error is the C library's text.
    pub(super) fn new(pattern: &str) -> Result<Regex, String> {
        let pattern = CString::new(pattern).map_err(|_| "it holds a NUL byte".to_owned())?;
        let mut compiled = Box::new(MaybeUninit::<libc::regex_t>::zeroed());
        let flags = libc::REG_EXTENDED | libc::REG_NOSUB;
        // SAFETY: regcomp initialises the structure, for which there is room; the pattern is
        // NUL-terminated.
        let code = unsafe { libc::regcomp(compiled.as_mut_ptr(), pattern.as_ptr(), flags) };
        if code != 0 {
            return Err(error_text(code, compiled.as_ptr()));
        }
        // SAFETY: regcomp succeeded, so the structure is initialised; the box is of the same
        // layout, and keeps its address.
        let compiled = unsafe { Box::from_raw(Box::into_raw(compiled).cast::<libc::regex_t>()) };
        Ok(Regex { compiled })
    }

    /// Whether the expression matches anywhere in `text`, up to its first NUL byte.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let text = text.split('\0').next().unwrap_or_default();
        let Ok(text) = CString::new(text) else {
            return false;
        };
        // SAFETY: the expression is compiled, the text NUL-terminated; no matches are asked for.
        unsafe { libc::regexec(&*self.compiled, text.as_ptr(), 0, ptr::null_mut(), 0) == 0 }
    }
}

impl Drop for Regex {
    fn drop(&mut self) {
        // SAFETY: compiled by regcomp and not freed before.
        unsafe { libc::regfree(&mut *self.compiled) };
    }
}

fn error_text(code: i32, compiled: *const libc::regex_t) -> String {
    let mut text = [0 as c_char; 128];
    // SAFETY: the buffer is writable for its length; regerror ends the text with a NUL. The
    // structure is the one that regcomp failed on, as regerror demands.
    unsafe {
        libc::regerror(code, compiled, text.as_mut_ptr(), text.len());
        CStr::from_ptr(text.as_ptr())
    }
    .to_string_lossy()
    .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_is_posix_extended() {
        let matches = |pattern: &str, text: &str| Regex::new(pattern).unwrap().is_match(text);
        assert!(matches("(SKLM|GKLM) 4", "x GKLM 4.1"));
        assert!(!matches("^GKLM", "x GKLM 4.1"));
        assert!(matches("^[[:alpha:]]{4} [5..9]$", "GKLM ."));
        // `\d` is no digit, and case counts.
        assert!(!matches(r"^\d$", "5"));
        assert!(!matches("gklm", "GKLM"));
        assert!(!matches("behind", "before\0behind"));
    }

    #[test]
    fn wrong_expressions_are_told() {
        for pattern in ["(", "[a", "a{2", "*"] {
            match Regex::new(pattern) {
                Err(text) => assert!(!text.is_empty()),
                // A lone star is a literal for some.
                Ok(_) => assert_eq!(pattern, "*"),
            }
        }
        assert!(Regex::new("a\0b").is_err());
    }
}
