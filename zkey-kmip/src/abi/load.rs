//! The host's end of the interface: loads a plugin and calls it through its function table, as
//! zkey does (behaviour reference 1.2, 1.5, 1.7).
//!
//! Common to all blocks below: a plugin that was loaded is trusted to keep to the interface, as
//! zkey trusts it; arguments stay alive during each call; and everything a call hands out is copied
//! before the next one.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::borrow;
use super::error::Errno;
use super::export::FunctionTable;
use super::kms::{GeneratedKey, Kms};
use super::raw::{
    FLAG_NO_SHORT, FLAG_SECTION, FUNCTIONS_V1_SIZE, GET_FUNCTIONS, KmsApqn, KmsFunctions,
    KmsOption, KmsProperty, NO_ARGUMENT, UtilOpt,
};
use super::values::{
    Apqn, KEY_ID_SIZE, KEY_LABEL_SIZE, KeyMode, MasterKeyRegister, PluginCommand, Property,
    ReencipherMode, SecureKeyType,
};

/// A plugin could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The dynamic loader refused.
    #[error("cannot load the plugin {path}", path = .path.display())]
    Open {
        /// The shared object.
        path: PathBuf,
        /// What the loader says.
        source: libloading::Error,
    },
    /// The shared object is something else.
    #[error("{path} is no plugin for a key management system", path = .path.display())]
    NoPlugin {
        /// The shared object.
        path: PathBuf,
        /// What the loader says.
        source: libloading::Error,
    },
    /// The plugin returned no table.
    #[error("the plugin {path} does not start", path = .path.display())]
    NoTable {
        /// The shared object.
        path: PathBuf,
    },
    /// The table is of a version that we do not know.
    #[error("the plugin {path} has interface version {version}, known are 1 and 2", path = .path.display())]
    Version {
        /// The shared object.
        path: PathBuf,
        /// The version.
        version: u32,
    },
}

/// A function of the plugin failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Which function.
    pub function: &'static str,
    /// What it returned; never 0.
    pub code: c_int,
    /// The last error text of the plugin.
    pub text: Option<String>,
}

impl CallError {
    fn new(function: &'static str, errno: Errno, text: &str) -> Self {
        CallError {
            function,
            code: errno.return_code(),
            text: Some(text.to_owned()),
        }
    }

    /// The errno behind the return code.
    pub fn errno(&self) -> Errno {
        Errno::from_raw(-self.code)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.errno())?;
        self.text
            .as_ref()
            .map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}

impl std::error::Error for CallError {}

/// An option that a plugin adds to a command, or a heading between such options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginOption {
    /// A heading of the help text.
    Section(String),
    /// An option.
    Value {
        /// Long name.
        long: Option<String>,
        /// Short letter.
        short: Option<char>,
        /// What the plugin knows it by.
        code: i32,
        /// Name of its argument, if it takes one.
        argument: Option<String>,
        /// Help text.
        help: String,
    },
}

/// One option of the command line, on its way to the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenOption {
    /// What the plugin knows it by.
    pub code: i32,
    /// Its argument.
    pub argument: Option<OsString>,
}

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

/// A loaded plugin.
#[derive(Debug)]
pub struct LoadedPlugin {
    functions: KmsFunctions,
    /// Keeps the code behind `functions` mapped.
    _library: Option<Library>,
}

impl LoadedPlugin {
    /// Loads the shared object `path` the way zkey does.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let owned = || path.to_owned();
        // SAFETY: runs the initialisers of the shared object, which the user chose as plugin.
        let library =
            unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map_err(|source| {
                LoadError::Open {
                    path: owned(),
                    source,
                }
            })?;
        // SAFETY: the interface defines the type behind this name.
        let table = unsafe {
            let get_functions = library
                .get::<unsafe extern "C" fn() -> *const KmsFunctions>(
                    GET_FUNCTIONS.to_bytes_with_nul(),
                )
                .map_err(|source| LoadError::NoPlugin {
                    path: owned(),
                    source,
                })?;
            get_functions()
        };
        if table.is_null() {
            return Err(LoadError::NoTable { path: owned() });
        }
        // SAFETY: the version is the first member of both table versions; the table lives as long
        // as the library does.
        let version = unsafe { ptr::addr_of!((*table).api_version).read() };
        let size = match version {
            1 => FUNCTIONS_V1_SIZE,
            2 => size_of::<KmsFunctions>(),
            version => {
                return Err(LoadError::Version {
                    path: owned(),
                    version,
                });
            }
        };
        let mut functions = MaybeUninit::<KmsFunctions>::zeroed();
        // SAFETY: the version says how many bytes the table has, never more than ours; the rest
        // stays zero, which is an empty slot.
        let functions = unsafe {
            ptr::copy_nonoverlapping(
                table.cast::<u8>(),
                functions.as_mut_ptr().cast::<u8>(),
                size,
            );
            functions.assume_init()
        };
        Ok(LoadedPlugin {
            functions,
            _library: Some(library),
        })
    }

    /// A plugin that is compiled in, behind its C function table all the same.
    pub fn built_in<K: Kms>() -> Self {
        LoadedPlugin {
            functions: FunctionTable::<K>::TABLE,
            _library: None,
        }
    }

    /// The version of the interface that the plugin speaks.
    pub fn api_version(&self) -> u32 {
        self.functions.api_version
    }

    /// `kms_bind`.
    ///
    /// # Errors
    /// The plugin refuses the directory.
    pub fn bind(&self, config_directory: &Path) -> Result<(), CallError> {
        const NAME: &str = "kms_bind";
        let path = c_path(NAME, config_directory)?;
        let function = slot(NAME, self.functions.bind)?;
        // SAFETY: see the module.
        match unsafe { function(path.as_ptr()) } {
            0 => Ok(()),
            code => Err(CallError {
                function: NAME,
                code,
                text: None,
            }),
        }
    }

    /// `kms_get_command_options`: what the plugin adds to a command, at most `room` entries.
    pub fn command_options(&self, command: PluginCommand, room: usize) -> Vec<PluginOption> {
        let Some(function) = self.functions.get_command_options else {
            return Vec::new();
        };
        let Ok(name) = CString::new(command.name()) else {
            return Vec::new();
        };
        let max = c_int::try_from(room).unwrap_or(c_int::MAX);
        // SAFETY: see the module.
        let table = unsafe { function(name.as_ptr(), max) };
        let mut options = Vec::new();
        while !table.is_null() && options.len() < room {
            // SAFETY: a table ends with an entry whose help text is NULL, where the loop ends.
            let entry = unsafe { *table.add(options.len()) };
            if entry.desc.is_null() {
                break;
            }
            // SAFETY: the strings of a table are static.
            options.push(unsafe { plugin_option(&entry) });
        }
        options
    }

    /// `kms_initialize`. When it fails, the plugin has printed why.
    ///
    /// # Errors
    /// The plugin gave no handle.
    pub fn initialize(
        &self,
        config_directory: &Path,
        verbose: bool,
    ) -> Result<Session<'_>, CallError> {
        const NAME: &str = "kms_initialize";
        let path = c_path(NAME, config_directory)?;
        let function = slot(NAME, self.functions.initialize)?;
        // SAFETY: see the module.
        let handle = unsafe { function(path.as_ptr(), verbose) };
        let handle = NonNull::new(handle).ok_or(CallError {
            function: NAME,
            code: Errno::EIO.return_code(),
            text: None,
        })?;
        Ok(Session {
            functions: &self.functions,
            handle,
            single_thread: PhantomData,
        })
    }
}

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

impl Session<'_> {
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
        let mut state = ListState {
            found,
            panic: Cell::new(None),
        };
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

struct ListState<'a> {
    found: &'a mut dyn FnMut(FoundKey) -> c_int,
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// The callback that plugins get.
unsafe extern "C" fn on_found(
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
        state.panic.set(Some(panic));
        Errno::ECANCELED.return_code()
    })
}

fn slot<F>(function: &'static str, slot: Option<F>) -> Result<F, CallError> {
    slot.ok_or_else(|| CallError::new(function, Errno::ENOTSUP, "the plugin cannot do this"))
}

fn c_text(function: &'static str, text: impl Into<Vec<u8>>) -> Result<CString, CallError> {
    CString::new(text)
        .map_err(|_| CallError::new(function, Errno::EINVAL, "an argument holds a NUL byte"))
}

fn c_path(function: &'static str, path: &Path) -> Result<CString, CallError> {
    c_text(function, path.as_os_str().as_bytes())
}

/// The text of a possibly NULL string.
///
/// # Safety
/// See `borrow`.
unsafe fn lossy(text: *const c_char) -> String {
    // SAFETY: passed on.
    let bytes = unsafe { borrow::bytes(text) };
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// The text in a buffer that we own and that was zero at first.
fn buffer_text(buffer: &[c_char]) -> String {
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
unsafe fn owned_property(property: &KmsProperty) -> Property<'static> {
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
unsafe fn plugin_option(entry: &UtilOpt) -> PluginOption {
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
        long: text(entry.option.name),
        short: letter
            .map(char::from)
            .filter(|_| entry.flags & FLAG_NO_SHORT == 0),
        code: entry.option.val,
        argument: (entry.option.has_arg != NO_ARGUMENT)
            .then(|| text(entry.argument).unwrap_or_else(|| "VALUE".to_owned())),
        help,
    }
}

/// Options as C structures, with the strings they point to.
struct COptions {
    raw: Vec<KmsOption>,
    _strings: Vec<CString>,
}

impl COptions {
    fn new(function: &'static str, options: &[GivenOption]) -> Result<Self, CallError> {
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

/// Properties as C structures, with the strings they point to.
struct CProperties {
    raw: Vec<KmsProperty>,
    _strings: Vec<CString>,
}

impl CProperties {
    fn new(function: &'static str, properties: &[Property<'_>]) -> Result<Self, CallError> {
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
        Ok(CProperties {
            raw,
            _strings: strings,
        })
    }
}
