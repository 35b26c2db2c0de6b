//! Between Rust values and the C structures that a host passes and gets.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use zeroize::Zeroize;

use super::{CallError, GivenOption, PluginOption};
use crate::abi::borrow;
use crate::abi::error::Errno;
use crate::abi::raw::{
    FLAG_NO_LONG, FLAG_NO_SHORT, FLAG_SECTION, KmsOption, KmsProperty, NO_ARGUMENT,
    OPTIONAL_ARGUMENT, UtilOpt,
};
use crate::abi::values::Property;

/// The function in a slot of the table.
pub(super) fn slot<F>(function: &'static str, slot: Option<F>) -> Result<F, CallError> {
    slot.ok_or_else(|| CallError::new(function, Errno::ENOTSUP, "the plugin cannot do this"))
}

/// A C string; `function` names the call it is for.
pub(super) fn c_text(
    function: &'static str,
    text: impl Into<Vec<u8>>,
) -> Result<CString, CallError> {
    CString::new(text)
        .map_err(|_| CallError::new(function, Errno::EINVAL, "an argument holds a NUL byte"))
}

/// A C string of a file name.
pub(super) fn c_path(function: &'static str, path: &Path) -> Result<CString, CallError> {
    c_text(function, path.as_os_str().as_bytes())
}

/// The text of a possibly NULL string.
///
/// # Safety
/// See `borrow`.
pub(super) unsafe fn lossy(text: *const c_char) -> String {
    // SAFETY: passed on.
    let bytes = unsafe { borrow::bytes(text) };
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// The text in a buffer that we own and that was zero at first.
pub(super) fn buffer_text(buffer: &[c_char]) -> String {
    // c_char is signed on one platform and unsigned on the other; the bytes are the same.
    let bytes: Vec<u8> = buffer
        .iter()
        .map(|&c| c.to_ne_bytes()[0])
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A copy of a property.
///
/// # Safety
/// See `borrow`.
pub(super) unsafe fn owned_property(property: &KmsProperty) -> Property<'static> {
    // SAFETY: passed on.
    let (name, value) = unsafe { (lossy(property.name), borrow::bytes(property.value)) };
    Property {
        name: name.into(),
        value: value.map(|value| String::from_utf8_lossy(value).into_owned().into()),
    }
}

/// A copy of an entry of an option table.
///
/// # Safety
/// The strings of the entry are valid.
pub(super) unsafe fn plugin_option(entry: &UtilOpt) -> PluginOption {
    // SAFETY: passed on, here and below.
    let help = unsafe { lossy(entry.desc) };
    if entry.flags & FLAG_SECTION != 0 {
        return PluginOption::Section(help);
    }
    let text = |text: *const c_char| {
        // SAFETY: passed on.
        unsafe { borrow::bytes(text) }.map(|text| String::from_utf8_lossy(text).into_owned())
    };
    let letter = u8::try_from(entry.option.val)
        .ok()
        .filter(u8::is_ascii_alphanumeric);
    PluginOption::Value {
        long: text(entry.option.name).filter(|_| entry.flags & FLAG_NO_LONG == 0),
        short: letter
            .map(char::from)
            .filter(|_| entry.flags & FLAG_NO_SHORT == 0),
        code: entry.option.val,
        argument: (entry.option.has_arg != NO_ARGUMENT)
            .then(|| text(entry.argument).unwrap_or_else(|| "VALUE".to_owned())),
        argument_is_optional: entry.option.has_arg == OPTIONAL_ARGUMENT,
        help,
    }
}

/// Options as C structures, with the strings they point to.
pub(super) struct COptions {
    pub(super) raw: Vec<KmsOption>,
    _strings: Vec<CString>,
}

impl COptions {
    pub(super) fn new(function: &'static str, options: &[GivenOption]) -> Result<Self, CallError> {
        let (mut raw, mut strings) = (Vec::new(), Vec::new());
        for option in options {
            let argument = option.argument.as_deref().map(OsStr::as_bytes);
            let argument = argument.map(|bytes| c_text(function, bytes)).transpose()?;
            // The bytes of a CString stay where they are when it moves.
            let pointer = argument.as_deref().map_or(ptr::null(), CStr::as_ptr);
            raw.push(KmsOption {
                option: option.code,
                argument: pointer,
            });
            strings.extend(argument);
        }
        Ok(COptions {
            raw,
            _strings: strings,
        })
    }
}

/// Properties as C structures, with the strings they point to, which are wiped when dropped.
pub(super) struct CProperties {
    pub(super) raw: Vec<KmsProperty>,
    strings: Vec<CString>,
}

impl Drop for CProperties {
    fn drop(&mut self) {
        for string in self.strings.drain(..) {
            string.into_bytes().zeroize();
        }
    }
}

impl CProperties {
    pub(super) fn new(
        function: &'static str,
        properties: &[Property<'_>],
    ) -> Result<Self, CallError> {
        let (mut raw, mut strings) = (Vec::new(), Vec::new());
        for property in properties {
            let name = c_text(function, property.name.as_bytes())?;
            let value = property
                .value
                .as_ref()
                .map(|value| c_text(function, value.as_bytes()));
            let value = value.transpose()?;
            let pointer = value.as_deref().map_or(ptr::null(), CStr::as_ptr);
            raw.push(KmsProperty {
                name: name.as_ptr(),
                value: pointer,
            });
            strings.push(name);
            strings.extend(value);
        }
        Ok(CProperties { raw, strings })
    }
}
