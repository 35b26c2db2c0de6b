//! The list callback of the host.

use std::any::Any;
use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::convert::{lossy, owned_property};
use crate::abi::error::Errno;
use crate::abi::raw::KmsProperty;
use crate::abi::values::Property;

/// One key that a listing found.
#[derive(Debug, Clone)]
pub struct FoundKey {
    /// Identifier at the key management system.
    pub key_id: String,
    /// Label.
    pub label: String,
    /// Type of secure key, as the plugin names it.
    pub key_type: String,
    /// Size of the key in bits.
    pub key_bits: usize,
    /// Its properties.
    pub properties: Vec<Property<'static>>,
    /// Further lines for the user.
    pub additional_info: Vec<String>,
}

/// What a running listing shares with its callback.
pub(super) struct ListState<'a> {
    pub(super) found: &'a mut dyn FnMut(FoundKey) -> c_int,
    pub(super) panic: Option<Box<dyn Any + Send>>,
}

/// The callback that plugins get.
///
/// # Safety
/// `private` is the [`ListState`] of the `kms_list_keys` call that is under way.
pub(super) unsafe extern "C" fn on_found(
    key_id: *const c_char,
    label: *const c_char,
    key_type: *const c_char,
    key_bits: usize,
    properties: *const KmsProperty,
    num_properties: usize,
    argz: *const c_char,
    argz_length: usize,
    private: *mut c_void,
) -> c_int {
    // SAFETY: `private` is the state of the list_keys call that is under way, used by nobody else.
    let state = unsafe { &mut *private.cast::<ListState<'_>>() };
    // SAFETY: the plugin lends strings and arrays for this call; everything is copied.
    let key = unsafe {
        let properties = match num_properties {
            0 => &[],
            count => std::slice::from_raw_parts(properties, count),
        };
        let argz: &[u8] = match argz_length {
            0 => &[],
            length => std::slice::from_raw_parts(argz.cast(), length),
        };
        FoundKey {
            key_id: lossy(key_id),
            label: lossy(label),
            key_type: lossy(key_type),
            key_bits,
            properties: properties
                .iter()
                .map(|property| owned_property(property))
                .collect(),
            additional_info: argz
                .split(|&byte| byte == 0)
                .filter(|line| !line.is_empty())
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect(),
        }
    };
    let found = &mut *state.found;
    catch_unwind(AssertUnwindSafe(|| found(key))).unwrap_or_else(|panic| {
        // A panic must not run through the plugin's frames; list_keys takes it up again.
        state.panic = Some(panic);
        Errno::ECANCELED.return_code()
    })
}
