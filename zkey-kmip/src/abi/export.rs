//! The plugin's end of the interface: a C function table for any [`Kms`].
//!
//! Each function checks its pointers, borrows its arguments for the time of the call, keeps panics
//! from crossing into C, and turns errors into `-errno` and the last error text
//! (behaviour reference 1.4, 1.5).
//!
//! Common to all blocks below: the host passes pointers as the interface demands (see `borrow`),
//! a handle only between `kms_initialize` and `kms_terminate`, and uses a handle from one thread.
//! The plugin is only ever reached through shared references, so that the host can call in again
//! from within a list callback.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_uchar, c_void};
use std::io::Write;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::borrow;
use super::console::{Console, HostConsole, HostOutput};
use super::error::{Errno, PluginError};
use super::kms::{
    Configured, Context, GenerateRequest, ImportRequest, Kms, ListRequest, ListedKey, Reencipher,
};
use super::raw::{
    API_VERSION, KmsApqn, KmsFunctions, KmsListCallback, KmsOption, KmsProperty, UtilOpt,
};
use super::values::{
    KeyMode, MasterKeyRegister, PluginCommand, Property, ReencipherMode, SecureKeyType,
};

/// The only symbol that the shared object exports.
#[unsafe(no_mangle)]
pub extern "C" fn kms_get_functions() -> *const KmsFunctions {
    static FUNCTIONS: KmsFunctions = FunctionTable::<crate::plugin::Plugin>::TABLE;
    &FUNCTIONS
}

/// The function table of a plugin.
#[derive(Debug)]
pub struct FunctionTable<K>(PhantomData<K>);

impl<K: Kms> FunctionTable<K> {
    /// Version 2 of the interface; the slot of the version 1 import stays empty.
    pub const TABLE: KmsFunctions = KmsFunctions {
        api_version: API_VERSION,
        bind: Some(bind::<K>),
        initialize: Some(initialize::<K>),
        terminate: Some(terminate::<K>),
        get_last_error: Some(get_last_error::<K>),
        supports_key_type: Some(supports_key_type::<K>),
        display_info: Some(display_info::<K>),
        get_command_options: Some(get_command_options::<K>),
        configure: Some(configure::<K>),
        deconfigure: Some(deconfigure::<K>),
        login: Some(login::<K>),
        reencipher: Some(reencipher::<K>),
        generate_key: Some(generate_key::<K>),
        set_key_properties: Some(set_key_properties::<K>),
        get_key_properties: Some(get_key_properties::<K>),
        remove_key: Some(remove_key::<K>),
        list_keys: Some(list_keys::<K>),
        import_key: None,
        import_key2: Some(import_key2::<K>),
    };
}

/// What the opaque handle points to.
struct Handle<K> {
    kms: K,
    /// Lives here until the next call, because the host borrows it.
    last_error: RefCell<Option<CString>>,
}

impl<K> Handle<K> {
    fn set_last_error(&self, text: Option<String>) {
        let text = text.map(|text| {
            // A NUL would cut the text short.
            CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
        });
        *self.last_error.borrow_mut() = text;
    }

    fn fail(&self, error: &PluginError) -> c_int {
        self.set_last_error(Some(error.to_string()));
        error.errno().return_code()
    }
}

/// Runs `body`; a panic becomes an error.
fn guarded<T>(body: impl FnOnce() -> Result<T, PluginError>) -> Result<T, PluginError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref()).to_owned();
        // A payload may panic when it is dropped; it is better lost.
        std::mem::forget(panic);
        Err(PluginError::new(
            Errno::EIO,
            format!("internal error in the KMIP plugin: {text}"),
        ))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "panic without text"
    }
}

/// The frame of all functions with a handle.
///
/// # Safety
/// `handle` is NULL or came from `initialize::<K>` and was not given to `terminate` yet.
unsafe fn with_handle<K: Kms>(
    handle: *mut c_void,
    body: impl FnOnce(&Handle<K>) -> Result<(), PluginError>,
) -> c_int {
    // SAFETY: by contract NULL or a live Handle<K>, of which only shared references exist.
    let Some(handle) = (unsafe { handle.cast::<Handle<K>>().as_ref() }) else {
        return Errno::EINVAL.return_code();
    };
    handle.set_last_error(None);
    let result = guarded(|| body(handle));
    // What the plugin printed comes before what the host prints next, even through a pipe.
    let _ = HostOutput.flush();
    match result {
        Ok(()) => 0,
        Err(error) => handle.fail(&error),
    }
}

unsafe extern "C" fn bind<K: Kms>(config_path: *const c_char) -> c_int {
    let result = guarded(|| {
        // SAFETY: the host passes a string or NULL.
        K::bind(unsafe { borrow::path(config_path, "configuration directory") }?)
    });
    match result {
        Ok(()) => 0,
        Err(error) => {
            HostConsole.warn(&error.to_string());
            error.errno().return_code()
        }
    }
}

unsafe extern "C" fn initialize<K: Kms>(config_path: *const c_char, verbose: bool) -> *mut c_void {
    let result = guarded(|| {
        // SAFETY: the host passes a string or NULL.
        let path = unsafe { borrow::path(config_path, "configuration directory") }?;
        K::initialize(Context {
            config_directory: path.to_owned(),
            verbose,
            console: Box::new(HostConsole),
        })
    });
    match result {
        Ok(kms) => {
            let handle = Handle {
                kms,
                last_error: RefCell::new(None),
            };
            Box::into_raw(Box::new(handle)).cast()
        }
        Err(error) => {
            HostConsole.warn(&error.to_string());
            ptr::null_mut()
        }
    }
}

unsafe extern "C" fn terminate<K: Kms>(handle: *mut c_void) -> c_int {
    if handle.is_null() {
        return Errno::EINVAL.return_code();
    }
    let result = guarded(|| {
        // SAFETY: the handle came from `initialize` and the host gives it up with this call.
        drop(unsafe { Box::from_raw(handle.cast::<Handle<K>>()) });
        Ok(())
    });
    let _ = HostOutput.flush();
    result.err().map_or(0, |error| {
        HostConsole.warn(&error.to_string());
        error.errno().return_code()
    })
}

unsafe extern "C" fn get_last_error<K: Kms>(handle: *mut c_void) -> *const c_char {
    // SAFETY: NULL or a live handle, as in `with_handle`.
    let Some(handle) = (unsafe { handle.cast::<Handle<K>>().as_ref() }) else {
        return ptr::null();
    };
    let text = handle.last_error.borrow();
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

unsafe extern "C" fn supports_key_type<K: Kms>(
    handle: *mut c_void,
    key_type: *const c_char,
) -> bool {
    let mut supported = false;
    // SAFETY: the handle is as the interface demands.
    unsafe {
        with_handle::<K>(handle, |handle| {
            let name = borrow::text(key_type, "key type")?;
            supported = SecureKeyType::from_name(name)
                .is_some_and(|key_type| handle.kms.supports_key_type(key_type));
            Ok(())
        });
    }
    supported
}

unsafe extern "C" fn display_info<K: Kms>(handle: *mut c_void) -> c_int {
    // SAFETY: the handle is as the interface demands.
    unsafe { with_handle::<K>(handle, |handle| handle.kms.info(&mut HostOutput)) }
}

unsafe extern "C" fn get_command_options<K: Kms>(
    command: *const c_char,
    _max_opts: c_int,
) -> *const UtilOpt {
    let options = guarded(|| {
        // SAFETY: the host passes a string or NULL.
        let name = unsafe { borrow::text(command, "command") }?;
        Ok(PluginCommand::from_name(name).and_then(K::command_options))
    });
    options
        .ok()
        .flatten()
        .map_or(ptr::null(), <[UtilOpt]>::as_ptr)
}

unsafe extern "C" fn configure<K: Kms>(
    handle: *mut c_void,
    apqns: *const KmsApqn,
    num_apqns: usize,
    options: *const KmsOption,
    num_options: usize,
) -> c_int {
    let configured = Cell::new(Configured::Complete);
    // SAFETY: handle and arrays are as the interface demands.
    let code = unsafe {
        with_handle::<K>(handle, |handle| {
            let apqns = borrow::apqns(apqns, num_apqns)?;
            let options = borrow::options(options, num_options)?;
            configured.set(handle.kms.configure(apqns.as_deref(), &options)?);
            Ok(())
        })
    };
    match (code, configured.get()) {
        (0, Configured::Incomplete) => Errno::EAGAIN.return_code(),
        (code, _) => code,
    }
}

unsafe extern "C" fn deconfigure<K: Kms>(handle: *mut c_void) -> c_int {
    // SAFETY: the handle is as the interface demands.
    unsafe { with_handle::<K>(handle, |handle| handle.kms.deconfigure()) }
}

unsafe extern "C" fn login<K: Kms>(handle: *mut c_void) -> c_int {
    // SAFETY: the handle is as the interface demands.
    unsafe { with_handle::<K>(handle, |handle| handle.kms.login()) }
}

unsafe extern "C" fn reencipher<K: Kms>(
    handle: *mut c_void,
    mode: c_int,
    register: c_int,
    options: *const KmsOption,
    num_options: usize,
) -> c_int {
    // SAFETY: handle and array are as the interface demands.
    unsafe {
        with_handle::<K>(handle, |handle| {
            let options = borrow::options(options, num_options)?;
            handle.kms.reencipher(&Reencipher {
                mode: ReencipherMode::from_raw(mode)
                    .ok_or_else(|| unknown("re-encipher mode", mode))?,
                register: MasterKeyRegister::from_raw(register)
                    .ok_or_else(|| unknown("master key register", register))?,
                options: &options,
            })
        })
    }
}

unsafe extern "C" fn generate_key<K: Kms>(
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

unsafe extern "C" fn set_key_properties<K: Kms>(
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

unsafe extern "C" fn get_key_properties<K: Kms>(
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

unsafe extern "C" fn remove_key<K: Kms>(
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

unsafe extern "C" fn list_keys<K: Kms>(
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

unsafe extern "C" fn import_key2<K: Kms>(
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

fn unknown(what: &str, value: c_int) -> PluginError {
    PluginError::invalid(format!("the host passed an unknown {what}: {value}"))
}
