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

mod keys;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::io::Write;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::borrow;
use super::console::{Console, HostConsole, HostOutput, one_line};
use super::error::{Errno, PluginError};
use super::kms::{Configured, Context, Kms, Reencipher};
use super::raw::{API_VERSION, KmsApqn, KmsFunctions, KmsOption, UtilOpt};
use super::values::{MasterKeyRegister, PluginCommand, ReencipherMode, SecureKeyType};

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
        generate_key: Some(keys::generate_key::<K>),
        set_key_properties: Some(keys::set_key_properties::<K>),
        get_key_properties: Some(keys::get_key_properties::<K>),
        remove_key: Some(keys::remove_key::<K>),
        list_keys: Some(keys::list_keys::<K>),
        import_key: None,
        import_key2: Some(keys::import_key2::<K>),
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
        // A NUL, which would cut it short, is a control character, too.
        let text = text.map(|text| CString::new(one_line(&text)).unwrap_or_default());
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

fn unknown(what: &str, value: c_int) -> PluginError {
    PluginError::invalid(format!("the host passed an unknown {what}: {value}"))
}
