//! The host's end of the interface: loads a plugin and calls it through its function table, as
//! zkey does (behaviour reference 1.2, 1.5, 1.7).
//!
//! Common to all blocks of this module: a plugin that was loaded is trusted to keep to the
//! interface, as zkey trusts it; arguments stay alive during each call; and everything a call hands
//! out is copied before the next one.

mod convert;
mod listing;
mod session;

use std::ffi::{CString, OsString, c_int};
use std::fmt;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use self::convert::{c_path, plugin_option, slot};
pub use self::listing::FoundKey;
pub use self::session::Session;
use super::error::Errno;
use super::export::FunctionTable;
use super::kms::Kms;
use super::raw::{FUNCTIONS_V1_SIZE, GET_FUNCTIONS, KmsFunctions};
use super::values::PluginCommand;

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
        /// Whether the option can do without its argument.
        argument_is_optional: bool,
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
        Ok(Session::new(&self.functions, handle))
    }
}
