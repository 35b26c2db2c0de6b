//! Parameters by name (`OSSL_PARAM(3)`).

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

use openssl_sys::{
    OSSL_PARAM, OSSL_PARAM_get_utf8_string_ptr, OSSL_PARAM_locate, OSSL_PARAM_locate_const,
};

use super::ffi::{self, TYPE_INTEGER, TYPE_OCTET_STRING, TYPE_UNSIGNED_INTEGER, TYPE_UTF8_STRING};

/// Parameters that OpenSSL gives.
pub(super) struct Given(*const OSSL_PARAM);

impl Given {
    /// # Safety
    /// `list` is NULL, or an array with its end that stays as it is while this lives.
    pub(super) unsafe fn new(list: *const OSSL_PARAM) -> Given {
        Given(list)
    }

    pub(super) fn text(&self, name: &CStr) -> Option<&CStr> {
        let parameter = self.find(name)?;
        let mut text: *const c_char = ptr::null();
        // SAFETY: the parameter is one of the list; what comes back is its string, which has a
        // NUL by definition.
        unsafe {
            let found = OSSL_PARAM_get_utf8_string_ptr(parameter, &mut text) == 1;
            (found && !text.is_null()).then(|| CStr::from_ptr(text))
        }
    }

    pub(super) fn int(&self, name: &CStr) -> Option<c_int> {
        let mut value = 0;
        // SAFETY: the parameter is one of the list, and the value has its place.
        let found = unsafe { ffi::OSSL_PARAM_get_int(self.find(name)?, &mut value) == 1 };
        found.then_some(value)
    }

    pub(super) fn number(&self, name: &CStr) -> Option<u64> {
        let mut value = 0;
        // SAFETY: the parameter is one of the list, and the value has its place.
        let found = unsafe { ffi::OSSL_PARAM_get_uint64(self.find(name)?, &mut value) == 1 };
        found.then_some(value)
    }

    pub(super) fn has(&self, name: &CStr) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &CStr) -> Option<*const OSSL_PARAM> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the list is as `new` demands.
        let found = unsafe { OSSL_PARAM_locate_const(self.0, name.as_ptr()) };
        (!found.is_null()).then_some(found)
    }
}

/// Parameters that OpenSSL wants filled. Those that are not known stay as they are.
pub(super) struct Wanted(*mut OSSL_PARAM);

impl Wanted {
    /// # Safety
    /// `list` is NULL, or an array with its end that nobody else touches while this lives, and
    /// whose buffers have the sizes that it says.
    pub(super) unsafe fn new(list: *mut OSSL_PARAM) -> Wanted {
        Wanted(list)
    }

    pub(super) fn set_int(&self, name: &CStr, value: c_int) -> Result<(), String> {
        // SAFETY: the parameter is one of the list; OpenSSL heeds the size of its buffer.
        self.set(name, |one| unsafe { ffi::OSSL_PARAM_set_int(one, value) })
    }

    pub(super) fn set_text(&self, name: &CStr, value: &CStr) -> Result<(), String> {
        // SAFETY: as above, and the value ends with NUL.
        self.set(name, |one| unsafe {
            ffi::OSSL_PARAM_set_utf8_string(one, value.as_ptr())
        })
    }

    pub(super) fn set_octets(&self, name: &CStr, value: &[u8]) -> Result<(), String> {
        // SAFETY: as above, and the value is as long as is said.
        self.set(name, |one| unsafe {
            ffi::OSSL_PARAM_set_octet_string(one, value.as_ptr().cast(), value.len())
        })
    }

    fn set(&self, name: &CStr, set: impl Fn(*mut OSSL_PARAM) -> c_int) -> Result<(), String> {
        if self.0.is_null() {
            return Ok(());
        }
        // SAFETY: the list is as `new` demands.
        let found = unsafe { OSSL_PARAM_locate(self.0, name.as_ptr()) };
        if found.is_null() || set(found) == 1 {
            Ok(())
        } else {
            Err(format!("OpenSSL left no room for {name:?}"))
        }
    }
}

/// A list of parameters: descriptions without values, or with values to be read.
#[repr(transparent)]
pub(super) struct List<const N: usize>([OSSL_PARAM; N]);

// SAFETY: the lists that are shared are constants without values.
unsafe impl<const N: usize> Sync for List<N> {}

impl<const N: usize> List<N> {
    /// `parameters` must end with [`END`].
    pub(super) const fn new(parameters: [OSSL_PARAM; N]) -> List<N> {
        List(parameters)
    }

    pub(super) const fn as_ptr(&self) -> *const OSSL_PARAM {
        self.0.as_ptr()
    }
}

pub(super) const END: OSSL_PARAM = parameter(ptr::null(), 0, ptr::null(), 0);

pub(super) const fn integer(name: &'static CStr) -> OSSL_PARAM {
    parameter(name.as_ptr(), TYPE_INTEGER, ptr::null(), 0)
}

pub(super) const fn unsigned(name: &'static CStr) -> OSSL_PARAM {
    parameter(name.as_ptr(), TYPE_UNSIGNED_INTEGER, ptr::null(), 0)
}

pub(super) const fn text(name: &'static CStr) -> OSSL_PARAM {
    parameter(name.as_ptr(), TYPE_UTF8_STRING, ptr::null(), 0)
}

pub(super) const fn octets(name: &'static CStr) -> OSSL_PARAM {
    parameter(name.as_ptr(), TYPE_OCTET_STRING, ptr::null(), 0)
}

/// A text that must outlive the parameter.
pub(super) fn text_of(name: &'static CStr, value: &CStr) -> OSSL_PARAM {
    let size = value.count_bytes();
    parameter(name.as_ptr(), TYPE_UTF8_STRING, value.as_ptr().cast(), size)
}

/// Octets that must outlive the parameter.
pub(super) fn octets_of(name: &'static CStr, value: &[u8]) -> OSSL_PARAM {
    let data = value.as_ptr().cast();
    parameter(name.as_ptr(), TYPE_OCTET_STRING, data, value.len())
}

/// A number in native byte order that must outlive the parameter.
pub(super) fn unsigned_of(name: &'static CStr, value: &[u8]) -> OSSL_PARAM {
    let data = value.as_ptr().cast();
    parameter(name.as_ptr(), TYPE_UNSIGNED_INTEGER, data, value.len())
}

const fn parameter(
    key: *const c_char,
    data_type: c_uint,
    data: *const c_void,
    data_size: usize,
) -> OSSL_PARAM {
    OSSL_PARAM {
        key,
        data_type,
        // OpenSSL only reads parameters that are given, and takes descriptions for what they are.
        data: data.cast_mut(),
        data_size,
        // `OSSL_PARAM_UNMODIFIED`
        return_size: usize::MAX,
    }
}
