//! Calls to an initialised plugin.

use std::ffi::{CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::ptr::{self, NonNull};

use super::convert::{COptions, CProperties, buffer_text, c_text, owned_property, slot};
use super::listing::{FoundKey, ListState, on_found};
use super::{CallError, GivenOption};
use crate::abi::borrow;
use crate::abi::kms::GeneratedKey;
use crate::abi::raw::{KmsApqn, KmsFunctions, KmsProperty};
use crate::abi::values::{
    Apqn, KEY_ID_SIZE, KEY_LABEL_SIZE, KeyMode, MasterKeyRegister, Property, ReencipherMode,
    SecureKeyType,
};

/// An initialised plugin; ends with `kms_terminate` when dropped.
#[derive(Debug)]
pub struct Session<'p> {
    functions: &'p KmsFunctions,
    handle: NonNull<c_void>,
    /// A handle belongs to one thread.
    single_thread: PhantomData<*const ()>,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(terminate) = self.functions.terminate {
            // SAFETY: the handle is live, and this is its last use.
            unsafe { terminate(self.handle.as_ptr()) };
        }
    }
}

impl<'p> Session<'p> {
    /// Takes over a handle that `kms_initialize` of these functions returned.
    pub(super) fn new(functions: &'p KmsFunctions, handle: NonNull<c_void>) -> Self {
        Session {
            functions,
            handle,
            single_thread: PhantomData,
        }
    }

    fn handle(&self) -> *mut c_void {
        self.handle.as_ptr()
    }

    fn check(&self, function: &'static str, code: c_int) -> Result<(), CallError> {
        if code == 0 {
            return Ok(());
        }
        let text = self.functions.get_last_error.and_then(|get| {
            // SAFETY: the text is valid until the next call, and copied at once.
            unsafe { borrow::bytes(get(self.handle())) }
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        });
        Err(CallError {
            function,
            code,
            text,
        })
    }

    /// `kms_supports_key_type`.
    pub fn supports_key_type(&self, key_type: SecureKeyType) -> bool {
        let (Some(function), Ok(name)) = (
            self.functions.supports_key_type,
            CString::new(key_type.name()),
        ) else {
            return false;
        };
        // SAFETY: see the module.
        unsafe { function(self.handle(), name.as_ptr()) }
    }

    /// `kms_display_info`: prints to standard output.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn display_info(&self) -> Result<(), CallError> {
        const NAME: &str = "kms_display_info";
        let function = slot(NAME, self.functions.display_info)?;
        // SAFETY: see the module.
        self.check(NAME, unsafe { function(self.handle()) })
    }

    /// `kms_configure`; fails with `EAGAIN` when more configuration is needed.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn configure(
        &self,
        apqns: Option<&[Apqn]>,
        options: &[GivenOption],
    ) -> Result<(), CallError> {
        const NAME: &str = "kms_configure";
        let function = slot(NAME, self.functions.configure)?;
        let options = COptions::new(NAME, options)?;
        let raw: Option<Vec<KmsApqn>> = apqns.map(|apqns| {
            apqns
                .iter()
                .map(|apqn| KmsApqn {
                    card: apqn.card,
                    domain: apqn.domain,
                })
                .collect()
        });
        // An empty list is a pointer with count 0, no list is NULL.
        let first = raw.as_ref().map_or(ptr::null(), |raw| raw.as_ptr());
        let count = raw.as_ref().map_or(0, Vec::len);
        // SAFETY: see the module.
        let code = unsafe {
            function(
                self.handle(),
                first,
                count,
                options.raw.as_ptr(),
                options.raw.len(),
            )
        };
        self.check(NAME, code)
    }

    /// `kms_deconfigure`.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn deconfigure(&self) -> Result<(), CallError> {
        const NAME: &str = "kms_deconfigure";
        let Some(function) = self.functions.deconfigure else {
            return Ok(());
        };
        // SAFETY: see the module.
        self.check(NAME, unsafe { function(self.handle()) })
    }

    /// `kms_login`.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn login(&self) -> Result<(), CallError> {
        const NAME: &str = "kms_login";
        let Some(function) = self.functions.login else {
            return Ok(());
        };
        // SAFETY: see the module.
        self.check(NAME, unsafe { function(self.handle()) })
    }

    /// `kms_reenciper`.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn reencipher(
        &self,
        mode: ReencipherMode,
        register: MasterKeyRegister,
        options: &[GivenOption],
    ) -> Result<(), CallError> {
        const NAME: &str = "kms_reenciper";
        let function = slot(NAME, self.functions.reencipher)?;
        let options = COptions::new(NAME, options)?;
        let (first, count) = (options.raw.as_ptr(), options.raw.len());
        // SAFETY: see the module.
        let code = unsafe { function(self.handle(), mode.raw(), register.raw(), first, count) };
        self.check(NAME, code)
    }

    /// `kms_generate_key`; `blob_size` is the size of a secure key of this type.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn generate_key(
        &self,
        key_type: SecureKeyType,
        key_bits: usize,
        mode: KeyMode,
        properties: &[Property<'_>],
        options: &[GivenOption],
        blob_size: usize,
    ) -> Result<GeneratedKey, CallError> {
        const NAME: &str = "kms_generate_key";
        let function = slot(NAME, self.functions.generate_key)?;
        let name = c_text(NAME, key_type.name())?;
        let properties = CProperties::new(NAME, properties)?;
        let options = COptions::new(NAME, options)?;
        let mut blob = vec![0_u8; blob_size];
        let mut blob_length = blob.len();
        let mut key_id: [c_char; KEY_ID_SIZE + 1] = [0; KEY_ID_SIZE + 1];
        let mut label: [c_char; KEY_LABEL_SIZE + 1] = [0; KEY_LABEL_SIZE + 1];
        // SAFETY: see the module; each buffer comes with its size.
        let code = unsafe {
            function(
                self.handle(),
                name.as_ptr(),
                key_bits,
                mode.raw(),
                properties.raw.as_ptr(),
                properties.raw.len(),
                options.raw.as_ptr(),
                options.raw.len(),
                blob.as_mut_ptr(),
                &mut blob_length,
                key_id.as_mut_ptr(),
                key_id.len(),
                label.as_mut_ptr(),
                label.len(),
            )
        };
        self.check(NAME, code)?;
        blob.truncate(blob_length);
        Ok(GeneratedKey {
            blob,
            key_id: buffer_text(&key_id),
            label: buffer_text(&label),
        })
    }

    /// `kms_set_key_properties`.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn set_key_properties(
        &self,
        key_id: &str,
        properties: &[Property<'_>],
    ) -> Result<(), CallError> {
        const NAME: &str = "kms_set_key_properties";
        let function = slot(NAME, self.functions.set_key_properties)?;
        let key_id = c_text(NAME, key_id)?;
        let properties = CProperties::new(NAME, properties)?;
        let (first, count) = (properties.raw.as_ptr(), properties.raw.len());
        // SAFETY: see the module.
        self.check(NAME, unsafe {
            function(self.handle(), key_id.as_ptr(), first, count)
        })
    }

    /// `kms_get_key_properties`.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn get_key_properties(&self, key_id: &str) -> Result<Vec<Property<'static>>, CallError> {
        const NAME: &str = "kms_get_key_properties";
        let function = slot(NAME, self.functions.get_key_properties)?;
        let key_id = c_text(NAME, key_id)?;
        let mut first: *mut KmsProperty = ptr::null_mut();
        let mut count = 0;
        // SAFETY: see the module.
        let code = unsafe { function(self.handle(), key_id.as_ptr(), &mut first, &mut count) };
        let mut properties = Vec::new();
        // SAFETY: the plugin left NULL, or `count` elements of malloc memory with strings of
        // malloc memory, which belong to the host, also after a failure.
        unsafe {
            if !first.is_null() {
                for property in std::slice::from_raw_parts(first, count) {
                    properties.push(owned_property(property));
                    libc::free(property.name.cast_mut().cast());
                    libc::free(property.value.cast_mut().cast());
                }
                libc::free(first.cast());
            }
        }
        self.check(NAME, code).map(|()| properties)
    }

    /// `kms_remove_key`.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn remove_key(&self, key_id: &str, options: &[GivenOption]) -> Result<(), CallError> {
        const NAME: &str = "kms_remove_key";
        let function = slot(NAME, self.functions.remove_key)?;
        let key_id = c_text(NAME, key_id)?;
        let options = COptions::new(NAME, options)?;
        let (first, count) = (options.raw.as_ptr(), options.raw.len());
        // SAFETY: see the module.
        self.check(NAME, unsafe {
            function(self.handle(), key_id.as_ptr(), first, count)
        })
    }

    /// `kms_list_keys`: calls `found` for each key. A code other than 0 from it ends the listing
    /// and comes back as error. `found` may use this session.
    ///
    /// # Errors
    /// As the plugin or `found` says.
    pub fn list_keys(
        &self,
        label_pattern: Option<&str>,
        filter: &[Property<'_>],
        options: &[GivenOption],
        found: &mut dyn FnMut(FoundKey) -> c_int,
    ) -> Result<(), CallError> {
        const NAME: &str = "kms_list_keys";
        let function = slot(NAME, self.functions.list_keys)?;
        let pattern = label_pattern
            .map(|pattern| c_text(NAME, pattern))
            .transpose()?;
        let properties = CProperties::new(NAME, filter)?;
        let options = COptions::new(NAME, options)?;
        let mut state = ListState { found, panic: None };
        // SAFETY: see the module; the state outlives the call, and `on_found` alone touches it.
        let code = unsafe {
            function(
                self.handle(),
                pattern
                    .as_ref()
                    .map_or(ptr::null(), |pattern| pattern.as_ptr()),
                properties.raw.as_ptr(),
                properties.raw.len(),
                options.raw.as_ptr(),
                options.raw.len(),
                Some(on_found),
                ptr::from_mut(&mut state).cast(),
            )
        };
        if let Some(panic) = state.panic.take() {
            resume_unwind(panic);
        }
        self.check(NAME, code)
    }

    /// `kms_import_key2`, or `kms_import_key` of an old plugin; `room` is the size of the buffer.
    ///
    /// # Errors
    /// As the plugin says.
    pub fn import_key(
        &self,
        key_id: &str,
        key_type: Option<SecureKeyType>,
        room: usize,
    ) -> Result<Vec<u8>, CallError> {
        const NAME: &str = "kms_import_key2";
        const NAME_V1: &str = "kms_import_key";
        let key_id = c_text(NAME, key_id)?;
        let key_type = key_type
            .map(|key_type| c_text(NAME, key_type.name()))
            .transpose()?;
        let mut blob = vec![0_u8; room];
        let mut length = blob.len();
        let (target, id) = (blob.as_mut_ptr(), key_id.as_ptr());
        if let Some(function) = self.functions.import_key2 {
            let key_type = key_type.as_ref().map_or(ptr::null(), |name| name.as_ptr());
            // SAFETY: see the module; the buffer comes with its size.
            let code = unsafe { function(self.handle(), id, key_type, target, &mut length) };
            self.check(NAME, code)?;
        } else {
            let function = slot(NAME_V1, self.functions.import_key)?;
            // SAFETY: as above.
            self.check(NAME_V1, unsafe {
                function(self.handle(), id, target, &mut length)
            })?;
        }
        blob.truncate(length);
        Ok(blob)
    }
}
