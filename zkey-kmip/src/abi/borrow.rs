//! From C arguments to borrowed Rust values and back, with every check that can be made.
//!
//! The functions are unsafe because a pointer's target cannot be checked. Their common contract:
//! a non-NULL string pointer points to a NUL-terminated string, a non-NULL array pointer to as many
//! initialised elements as its count says, and both stay unchanged for the lifetime `'a`, which
//! the caller limits to its own call, as the interface does (behaviour reference 1.4).

use std::ffi::{CStr, OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::slice;

use super::error::{Errno, PluginError};
use super::raw::{KmsApqn, KmsOption, KmsProperty};
use super::values::{Apqn, OptionValue, Property};

/// The bytes of a string, or `None` for NULL.
///
/// # Safety
/// See the module.
pub(super) unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, so NUL-terminated and unchanged for 'a by the module's contract.
    Some(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A string that may be NULL.
///
/// # Safety
/// See the module.
pub(super) unsafe fn optional_text<'a>(
    text: *const c_char,
    what: &str,
) -> Result<Option<&'a str>, PluginError> {
    // SAFETY: passed on.
    let Some(bytes) = (unsafe { bytes(text) }) else {
        return Ok(None);
    };
    std::str::from_utf8(bytes)
        .map(Some)
        .map_err(|error| PluginError::invalid(format!("{what} is not UTF-8")).caused_by(error))
}

/// A string that must not be NULL.
///
/// # Safety
/// See the module.
pub(super) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, PluginError> {
    // SAFETY: passed on.
    unsafe { optional_text(text, what) }?.ok_or_else(|| null(what))
}

/// A file name that must not be NULL.
///
/// # Safety
/// See the module.
pub(super) unsafe fn path<'a>(name: *const c_char, what: &str) -> Result<&'a Path, PluginError> {
    // SAFETY: passed on.
    let bytes = unsafe { bytes(name) }.ok_or_else(|| null(what))?;
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

/// The error for a pointer that must not be NULL.
pub(super) fn null(what: &str) -> PluginError {
    PluginError::invalid(format!("the host passed no {what}"))
}

/// An array, where NULL with a count of 0 is an empty one.
///
/// # Safety
/// See the module.
unsafe fn array<'a, T>(first: *const T, count: usize, what: &str) -> Result<&'a [T], PluginError> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(null(what));
    }
    if !first.is_aligned() || count > isize::MAX as usize / size_of::<T>() {
        return Err(PluginError::invalid(format!(
            "the host passed an impossible array of {what}"
        )));
    }
    // SAFETY: not NULL, aligned, of a possible size; `count` initialised elements by contract.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// The APQNs; `None` for NULL, whatever the count.
///
/// # Safety
/// See the module.
pub(super) unsafe fn apqns(
    first: *const KmsApqn,
    count: usize,
) -> Result<Option<Vec<Apqn>>, PluginError> {
    if first.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on.
    let apqns = unsafe { array(first, count, "APQNs") }?;
    Ok(Some(
        apqns
            .iter()
            .map(|apqn| Apqn {
                card: apqn.card,
                domain: apqn.domain,
            })
            .collect(),
    ))
}

/// The options.
///
/// # Safety
/// See the module.
pub(super) unsafe fn options<'a>(
    first: *const KmsOption,
    count: usize,
) -> Result<Vec<OptionValue<'a>>, PluginError> {
    // SAFETY: passed on.
    let options = unsafe { array(first, count, "options") }?;
    let value = |option: &KmsOption| OptionValue {
        code: option.option,
        // SAFETY: a string inside an array falls under the same contract.
        argument: unsafe { bytes(option.argument) }.map(OsStr::from_bytes),
    };
    Ok(options.iter().map(value).collect())
}

/// The properties.
///
/// # Safety
/// See the module.
pub(super) unsafe fn properties<'a>(
    first: *const KmsProperty,
    count: usize,
) -> Result<Vec<Property<'a>>, PluginError> {
    // SAFETY: passed on.
    let properties: &'a [KmsProperty] = unsafe { array(first, count, "properties") }?;
    let borrow = |property: &'a KmsProperty| {
        // SAFETY: a string inside an array falls under the same contract.
        let name = unsafe { text(property.name, "property name") }?;
        // SAFETY: as above.
        let value = unsafe { optional_text(property.value, &format!("value of {name}")) }?;
        Ok(Property {
            name: name.into(),
            value: value.map(Into::into),
        })
    };
    properties.iter().map(borrow).collect()
}

/// Writes `text` with a NUL into a buffer of `size` bytes, cut at a character boundary when it is
/// too long.
///
/// # Safety
/// `buffer` is writable for `size` bytes and does not overlap `text`.
pub(super) unsafe fn write_text(buffer: *mut c_char, size: usize, text: &str) {
    let Some(room) = size.checked_sub(1) else {
        return;
    };
    let mut length = text.len().min(room);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    // SAFETY: length + 1 <= size, so both writes stay in the buffer.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast::<u8>(), length);
        *buffer.add(length) = 0;
    }
}

/// Properties in memory of `malloc`, which the host releases with `free` (behaviour reference
/// 1.4). Frees what it holds unless it is handed over.
pub(super) struct MallocProperties {
    first: *mut KmsProperty,
    count: usize,
}

impl MallocProperties {
    /// Copies the properties.
    pub(super) fn copy_of(properties: &[Property<'_>]) -> Result<Self, PluginError> {
        // At least one element, since the host may take NULL for a failure.
        // SAFETY: calloc has no preconditions; it checks the product for overflow.
        let first = unsafe { libc::calloc(properties.len().max(1), size_of::<KmsProperty>()) };
        if first.is_null() {
            return Err(no_memory());
        }
        let copy = MallocProperties {
            first: first.cast(),
            count: properties.len(),
        };
        for (index, property) in properties.iter().enumerate() {
            let name = duplicate(&property.name, property)?;
            // SAFETY: index < count elements, all zeroed by calloc, which is a valid value.
            let target = unsafe { &mut *copy.first.add(index) };
            target.name = name;
            if let Some(value) = &property.value {
                target.value = duplicate(value, property)?;
            }
        }
        Ok(copy)
    }

    /// Hands the memory over to the host.
    pub(super) fn into_raw(self) -> (*mut KmsProperty, usize) {
        let parts = (self.first, self.count);
        std::mem::forget(self);
        parts
    }
}

impl Drop for MallocProperties {
    fn drop(&mut self) {
        // SAFETY: the array is ours, and each string in it is NULL or ours; free ignores NULL.
        unsafe {
            for index in 0..self.count {
                let property = &*self.first.add(index);
                libc::free(property.name.cast_mut().cast::<c_void>());
                libc::free(property.value.cast_mut().cast::<c_void>());
            }
            libc::free(self.first.cast::<c_void>());
        }
    }
}

/// A copy of `text` in memory of `malloc`.
fn duplicate(text: &str, property: &Property<'_>) -> Result<*const c_char, PluginError> {
    if text.bytes().any(|byte| byte == 0) {
        let message = format!("property {} holds a NUL byte", property.name.escape_debug());
        return Err(PluginError::new(Errno::EBADMSG, message));
    }
    // SAFETY: malloc has no preconditions.
    let copy = unsafe { libc::malloc(text.len() + 1) }.cast::<c_char>();
    if copy.is_null() {
        return Err(no_memory());
    }
    // SAFETY: `copy` has room for the text and its NUL, and is fresh memory.
    unsafe { write_text(copy, text.len() + 1, text) };
    Ok(copy)
}

fn no_memory() -> PluginError {
    PluginError::new(
        Errno::from_raw(libc::ENOMEM),
        "no memory for the properties of the key",
    )
}
