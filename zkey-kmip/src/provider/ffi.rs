//! Declarations of `openssl/core.h`, `openssl/core_dispatch.h` and of functions that the binding
//! lacks.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_void};
use std::mem;
use std::ptr;

use openssl_sys::{EVP_PKEY, OSSL_LIB_CTX, OSSL_PARAM};

/// `OSSL_DISPATCH`: a function by its number.
#[repr(C)]
pub(super) struct Dispatch {
    function_id: c_int,
    function: Option<unsafe extern "C" fn()>,
}

impl Dispatch {
    /// Ends a table.
    pub(super) const END: Dispatch = Dispatch {
        function_id: 0,
        function: None,
    };
}

/// A constructor for each function, which checks its type.
macro_rules! functions {
    ($($name:ident = $id:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        impl Dispatch {
            $(pub(super) const fn $name(
                function: unsafe extern "C" fn($($argument),*) $(-> $result)?,
            ) -> Dispatch {
                // SAFETY: pointers to functions are all alike; OpenSSL casts it back to the type
                // that `core_dispatch.h` gives to this number, which is the one here.
                let function = unsafe {
                    mem::transmute::<
                        unsafe extern "C" fn($($argument),*) $(-> $result)?,
                        unsafe extern "C" fn(),
                    >(function)
                };
                Dispatch {
                    function_id: $id,
                    function: Some(function),
                }
            })*
        }
    };
}

/// `OSSL_CALLBACK`
pub(super) type Callback = unsafe extern "C" fn(*const OSSL_PARAM, *mut c_void) -> c_int;

functions! {
    provider_query_operation = 1027: fn(*mut c_void, c_int, *mut c_int) -> *const Algorithm;

    keymgmt_gen_init = 2: fn(*mut c_void, c_int, *const OSSL_PARAM) -> *mut c_void;
    keymgmt_gen_set_params = 4: fn(*mut c_void, *const OSSL_PARAM) -> c_int;
    keymgmt_gen_settable_params = 5: fn(*mut c_void, *mut c_void) -> *const OSSL_PARAM;
    keymgmt_gen = 6: fn(*mut c_void, Option<Callback>, *mut c_void) -> *mut c_void;
    keymgmt_gen_cleanup = 7: fn(*mut c_void);
    keymgmt_free = 10: fn(*mut c_void);
    keymgmt_get_params = 11: fn(*mut c_void, *mut OSSL_PARAM) -> c_int;
    keymgmt_gettable_params = 12: fn(*mut c_void) -> *const OSSL_PARAM;
    keymgmt_query_operation_name = 20: fn(c_int) -> *const c_char;
    keymgmt_has = 21: fn(*const c_void, c_int) -> c_int;
    keymgmt_export = 42: fn(*mut c_void, c_int, Option<Callback>, *mut c_void) -> c_int;
    keymgmt_export_types = 43: fn(c_int) -> *const OSSL_PARAM;

    signature_newctx = 1: fn(*mut c_void, *const c_char) -> *mut c_void;
    signature_digest_sign_init = 8:
        fn(*mut c_void, *const c_char, *mut c_void, *const OSSL_PARAM) -> c_int;
    signature_digest_sign = 11:
        fn(*mut c_void, *mut c_uchar, *mut usize, usize, *const c_uchar, usize) -> c_int;
    signature_freectx = 16: fn(*mut c_void);
    signature_get_ctx_params = 18: fn(*mut c_void, *mut OSSL_PARAM) -> c_int;
    signature_gettable_ctx_params = 19: fn(*mut c_void, *mut c_void) -> *const OSSL_PARAM;
    signature_set_ctx_params = 20: fn(*mut c_void, *const OSSL_PARAM) -> c_int;
    signature_settable_ctx_params = 21: fn(*mut c_void, *mut c_void) -> *const OSSL_PARAM;
}

/// `OSSL_OP_KEYMGMT`
pub(super) const OPERATION_KEYMGMT: c_int = 10;
/// `OSSL_OP_SIGNATURE`
pub(super) const OPERATION_SIGNATURE: c_int = 12;

/// `OSSL_KEYMGMT_SELECT_PRIVATE_KEY`
pub(super) const SELECT_PRIVATE_KEY: c_int = 1;
/// `OSSL_KEYMGMT_SELECT_PUBLIC_KEY`
pub(super) const SELECT_PUBLIC_KEY: c_int = 2;

/// `OSSL_ALGORITHM`: names, separated by colons, properties, and functions.
#[repr(C)]
pub(super) struct Algorithm {
    names: *const c_char,
    properties: *const c_char,
    implementation: *const Dispatch,
    description: *const c_char,
}

// SAFETY: it points to constants.
unsafe impl Sync for Algorithm {}

impl Algorithm {
    /// Ends a table.
    pub(super) const END: Algorithm = Algorithm {
        names: ptr::null(),
        properties: ptr::null(),
        implementation: ptr::null(),
        description: ptr::null(),
    };

    /// `implementation` must end with [`Dispatch::END`].
    pub(super) const fn new(
        names: &'static CStr,
        properties: &'static CStr,
        implementation: &'static [Dispatch],
    ) -> Algorithm {
        Algorithm {
            names: names.as_ptr(),
            properties: properties.as_ptr(),
            implementation: implementation.as_ptr(),
            description: ptr::null(),
        }
    }
}

/// `OSSL_PARAM_INTEGER` in native byte order.
pub(super) const TYPE_INTEGER: c_uint = 1;
/// `OSSL_PARAM_UNSIGNED_INTEGER` in native byte order.
pub(super) const TYPE_UNSIGNED_INTEGER: c_uint = 2;
/// `OSSL_PARAM_UTF8_STRING`
pub(super) const TYPE_UTF8_STRING: c_uint = 4;
/// `OSSL_PARAM_OCTET_STRING`
pub(super) const TYPE_OCTET_STRING: c_uint = 5;

/// `OSSL_provider_init_fn`
pub(super) type ProviderInit = unsafe extern "C" fn(
    *const c_void,
    *const Dispatch,
    *mut *const Dispatch,
    *mut *mut c_void,
) -> c_int;

unsafe extern "C" {
    pub(super) fn OSSL_PROVIDER_add_builtin(
        library: *mut OSSL_LIB_CTX,
        name: *const c_char,
        init: ProviderInit,
    ) -> c_int;
    pub(super) fn OSSL_PARAM_get_int(parameter: *const OSSL_PARAM, value: *mut c_int) -> c_int;
    pub(super) fn OSSL_PARAM_get_uint64(parameter: *const OSSL_PARAM, value: *mut u64) -> c_int;
    pub(super) fn OSSL_PARAM_set_int(parameter: *mut OSSL_PARAM, value: c_int) -> c_int;
    pub(super) fn OSSL_PARAM_set_utf8_string(
        parameter: *mut OSSL_PARAM,
        value: *const c_char,
    ) -> c_int;
    pub(super) fn OSSL_PARAM_set_octet_string(
        parameter: *mut OSSL_PARAM,
        value: *const c_void,
        length: usize,
    ) -> c_int;
    pub(super) fn EVP_PKEY_get_default_digest_nid(key: *mut EVP_PKEY, nid: *mut c_int) -> c_int;
}
