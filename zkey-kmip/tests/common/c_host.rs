//! The raw end of a C host: handles and buffers as zkey has them.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use zkey_kmip::abi::export::FunctionTable;
use zkey_kmip::abi::raw::{KmsFunctions, KmsProperty};

use super::mock::Mock;

/// The table under test.
pub const TABLE: KmsFunctions = FunctionTable::<Mock>::TABLE;

/// A handle that is terminated at the end of the test.
pub struct Handle(pub *mut c_void);

impl Handle {
    pub fn new() -> Self {
        Self::of(c"mock")
    }

    pub fn of(directory: &CStr) -> Self {
        let handle = unsafe { TABLE.initialize.unwrap()(directory.as_ptr(), false) };
        assert!(!handle.is_null());
        Handle(handle)
    }

    pub fn last_error(&self) -> Option<String> {
        let text = unsafe { TABLE.get_last_error.unwrap()(self.0) };
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
    }

    pub fn import(&self, key_id: &CStr, key_type: *const c_char) -> (c_int, Vec<u8>) {
        let mut blob = [0_u8; 672];
        let mut length = blob.len();
        let code = unsafe {
            let import = TABLE.import_key2.unwrap();
            import(
                self.0,
                key_id.as_ptr(),
                key_type,
                blob.as_mut_ptr(),
                &mut length,
            )
        };
        (code, blob[..length].to_vec())
    }

    pub fn generate(&self, name: &CStr, buffers: &mut Buffers) -> c_int {
        let property = KmsProperty {
            name: c"zkey-name".as_ptr(),
            value: name.as_ptr(),
        };
        let generate = TABLE.generate_key.unwrap();
        unsafe {
            generate(
                self.0,
                c"CCA-AESDATA".as_ptr(),
                256,
                1,
                &property,
                1,
                ptr::null(),
                0,
                buffers.blob.as_mut_ptr(),
                &mut buffers.length,
                buffers.id.as_mut_ptr(),
                257,
                buffers.label.as_mut_ptr(),
                257,
            )
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        assert_eq!(unsafe { TABLE.terminate.unwrap()(self.0) }, 0);
    }
}

/// Output buffers with a guard byte behind what the plugin may write.
pub struct Buffers {
    pub blob: [u8; 65],
    pub length: usize,
    pub id: [c_char; 258],
    pub label: [c_char; 258],
}

impl Buffers {
    pub fn new() -> Self {
        Buffers {
            blob: [0x55; 65],
            length: 64,
            id: [0x55; 258],
            label: [0x55; 258],
        }
    }

    pub fn id(&self) -> &str {
        unsafe { CStr::from_ptr(self.id.as_ptr()) }
            .to_str()
            .unwrap()
    }

    pub fn label(&self) -> &str {
        unsafe { CStr::from_ptr(self.label.as_ptr()) }
            .to_str()
            .unwrap()
    }

    pub fn assert_guards(&self) {
        assert_eq!(
            (self.blob[64], self.id[257], self.label[257]),
            (0x55, 0x55, 0x55)
        );
    }
}
