//! The functions of the table that deal with keys.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_uchar, c_void};
use std::ptr;

use super::{unknown, with_handle};
use crate::abi::borrow;
use crate::abi::error::{Errno, PluginError};
use crate::abi::kms::{GenerateRequest, ImportRequest, Kms, ListRequest, ListedKey};
use crate::abi::raw::{KmsListCallback, KmsOption, KmsProperty};
use crate::abi::values::{KeyMode, Property, SecureKeyType};

pub(super) unsafe extern "C" fn generate_key<K: Kms>(
    handle: *mut c_void,
    key_type: *const c_char,
    key_bits: usize,
    key_mode: c_int,
    properties: *const KmsProperty,
    num_properties: usize,
    options: *const KmsOption,
    num_options: usize,
    key_blob: *mut c_uchar,
    key_blob_length: *mut usize,
    key_id: *mut c_char,
    key_id_size: usize,
    key_label: *mut c_char,
    key_label_size: usize,
) -> c_int {
    // SAFETY: handle, arrays and strings are as the interface demands; the output buffers are
    // checked for NULL and are writable for the sizes that come with them.
    unsafe {
        with_handle::<K>(handle, |handle| {
            let blob_capacity = blob_capacity(key_blob, key_blob_length)?;
            if key_id.is_null() || key_id_size == 0 {
                return Err(borrow::null("buffer for the key identifier"));
            }
            if key_label.is_null() || key_label_size == 0 {
                return Err(borrow::null("buffer for the key label"));
            }
            let properties = borrow::properties(properties, num_properties)?;
            let options = borrow::options(options, num_options)?;
            let key = handle.kms.generate_key(&GenerateRequest {
                key_type: known_key_type(borrow::text(key_type, "key type")?)?,
                key_bits,
                mode: KeyMode::from_raw(key_mode).ok_or_else(|| unknown("key mode", key_mode))?,
                properties: &properties,
                options: &options,
                blob_capacity,
                key_id_capacity: key_id_size - 1,
            })?;
            if key.key_id.len() >= key_id_size || key.key_id.contains('\0') {
                // A shortened identifier would name no key, or another one.
                let message = format!(
                    "key identifier '{}' does not fit into the repository, which takes {} bytes",
                    key.key_id.escape_debug(),
                    key_id_size - 1
                );
                return Err(PluginError::new(Errno::ERANGE, message));
            }
            write_blob(key_blob, key_blob_length, &key.blob)?;
            borrow::write_text(key_id, key_id_size, &key.key_id);
            borrow::write_text(key_label, key_label_size, &key.label);
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn set_key_properties<K: Kms>(
    handle: *mut c_void,
    key_id: *const c_char,
    properties: *const KmsProperty,
    num_properties: usize,
) -> c_int {
    // SAFETY: handle, string and array are as the interface demands.
    unsafe {
        with_handle::<K>(handle, |handle| {
            let key_id = borrow::text(key_id, "key identifier")?;
            let properties = borrow::properties(properties, num_properties)?;
            handle.kms.set_key_properties(key_id, &properties)
        })
    }
}

pub(super) unsafe extern "C" fn get_key_properties<K: Kms>(
    handle: *mut c_void,
    key_id: *const c_char,
    properties: *mut *mut KmsProperty,
    num_properties: *mut usize,
) -> c_int {
    // SAFETY: handle and string are as the interface demands; the outputs are checked for NULL
    // and only written when everything succeeded.
    unsafe {
        with_handle::<K>(handle, |handle| {
            if properties.is_null() || num_properties.is_null() {
                return Err(borrow::null("place for the properties"));
            }
            let key_id = borrow::text(key_id, "key identifier")?;
            let found = handle.kms.get_key_properties(key_id)?;
            let (first, count) = borrow::MallocProperties::copy_of(&found)?.into_raw();
            *properties = first;
            *num_properties = count;
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn remove_key<K: Kms>(
    handle: *mut c_void,
    key_id: *const c_char,
    options: *const KmsOption,
    num_options: usize,
) -> c_int {
    // SAFETY: handle, string and array are as the interface demands.
    unsafe {
        with_handle::<K>(handle, |handle| {
            let key_id = borrow::text(key_id, "key identifier")?;
            handle
                .kms
                .remove_key(key_id, &borrow::options(options, num_options)?)
        })
    }
}

pub(super) unsafe extern "C" fn list_keys<K: Kms>(
    handle: *mut c_void,
    label_pattern: *const c_char,
    properties: *const KmsProperty,
    num_properties: usize,
    options: *const KmsOption,
    num_options: usize,
    callback: Option<KmsListCallback>,
    private: *mut c_void,
) -> c_int {
    // The host's own code, which must come back to it unchanged.
    let stopped = Cell::new(0);
    // SAFETY: handle, string and arrays are as the interface demands.
    let code = unsafe {
        with_handle::<K>(handle, |handle| {
            let callback = callback.ok_or_else(|| borrow::null("callback"))?;
            let properties = borrow::properties(properties, num_properties)?;
            let options = borrow::options(options, num_options)?;
            let request = ListRequest {
                label_pattern: borrow::optional_text(label_pattern, "label pattern")?,
                filter: &properties,
                options: &options,
            };
            let listed = handle.kms.list_keys(&request, &mut |key| {
                // Nothing is borrowed from the handle here: the host may call in again.
                match report(callback, private, key)? {
                    0 => Ok(()),
                    code => {
                        stopped.set(code);
                        Err(PluginError::canceled("the host ended the listing"))
                    }
                }
            });
            // When the host stopped, the last error is that of the call which made it stop.
            if stopped.get() == 0 { listed } else { Ok(()) }
        })
    };
    if stopped.get() == 0 {
        code
    } else {
        stopped.get()
    }
}

pub(super) unsafe extern "C" fn import_key2<K: Kms>(
    handle: *mut c_void,
    key_id: *const c_char,
    key_type: *const c_char,
    key_blob: *mut c_uchar,
    key_blob_length: *mut usize,
) -> c_int {
    // SAFETY: handle and strings are as the interface demands; the buffer is checked for NULL and
    // is writable for the length that comes with it.
    unsafe {
        with_handle::<K>(handle, |handle| {
            let blob_capacity = blob_capacity(key_blob, key_blob_length)?;
            let key_type = match borrow::optional_text(key_type, "key type")? {
                None => None,
                Some(any) if any.eq_ignore_ascii_case(ANY_KEY_TYPE) => None,
                Some(name) => Some(known_key_type(name)?),
            };
            let key_id = borrow::text(key_id, "key identifier")?;
            let request = ImportRequest {
                key_id,
                key_type,
                blob_capacity,
            };
            let blob = handle.kms.import_key(&request)?;
            write_blob(key_blob, key_blob_length, &blob)
        })
    }
}

/// How the interface names the key type of a key that can become any.
const ANY_KEY_TYPE: &str = "(any)";

/// Calls the host's list callback for one key.
///
/// # Safety
/// `callback` can be called with `private`.
unsafe fn report(
    callback: KmsListCallback,
    private: *mut c_void,
    key: &ListedKey<'_>,
) -> Result<c_int, PluginError> {
    let key_id = c_string(key.key_id)?;
    let label = c_string(key.label)?;
    let key_type = c_string(key.key_type.map_or(ANY_KEY_TYPE, SecureKeyType::name))?;
    let strings = key
        .properties
        .iter()
        .map(c_property)
        .collect::<Result<Vec<_>, _>>()?;
    let properties: Vec<KmsProperty> = strings
        .iter()
        .map(|(name, value)| KmsProperty {
            name: name.as_ptr(),
            value: value.as_ref().map_or(ptr::null(), |value| value.as_ptr()),
        })
        .collect();
    let mut argz = Vec::new();
    for line in key.additional_info {
        argz.extend_from_slice(c_string(line)?.to_bytes_with_nul());
    }
    let argz_start = if argz.is_empty() {
        ptr::null()
    } else {
        argz.as_ptr().cast()
    };
    // SAFETY: all pointers are to strings and arrays that live until the end of this function,
    // which is longer than the callback may use them.
    Ok(unsafe {
        callback(
            key_id.as_ptr(),
            label.as_ptr(),
            key_type.as_ptr(),
            key.key_bits,
            properties.as_ptr(),
            properties.len(),
            argz_start,
            argz.len(),
            private,
        )
    })
}

fn c_property(property: &Property<'_>) -> Result<(CString, Option<CString>), PluginError> {
    Ok((
        c_string(&property.name)?,
        property.value.as_deref().map(c_string).transpose()?,
    ))
}

fn c_string(text: &str) -> Result<CString, PluginError> {
    CString::new(text).map_err(|error| {
        PluginError::new(
            Errno::EBADMSG,
            "text of the key management system holds a NUL byte",
        )
        .caused_by(error)
    })
}

/// The size of the host's buffer for a secure key.
///
/// # Safety
/// `length` is NULL or points to the size.
unsafe fn blob_capacity(blob: *mut c_uchar, length: *const usize) -> Result<usize, PluginError> {
    if blob.is_null() || length.is_null() {
        return Err(borrow::null("buffer for the secure key"));
    }
    // SAFETY: not NULL, so it points to the size by contract.
    Ok(unsafe { *length })
}

/// Copies a secure key into the host's buffer.
///
/// # Safety
/// `target` is writable for `*length` bytes, `length` itself is writable.
unsafe fn write_blob(
    target: *mut c_uchar,
    length: *mut usize,
    blob: &[u8],
) -> Result<(), PluginError> {
    // SAFETY: readable and writable by contract; the copy is within the size found there.
    unsafe {
        if blob.len() > *length {
            let message = format!(
                "secure key of {} bytes does not fit into {}",
                blob.len(),
                *length
            );
            return Err(PluginError::new(Errno::ERANGE, message));
        }
        ptr::copy_nonoverlapping(blob.as_ptr(), target, blob.len());
        *length = blob.len();
    }
    Ok(())
}

fn known_key_type(name: &str) -> Result<SecureKeyType, PluginError> {
    SecureKeyType::from_name(name)
        .ok_or_else(|| PluginError::invalid(format!("key type '{name}' is not supported")))
}
