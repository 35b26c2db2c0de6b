//! The EP11 host library, opened at run time into a checked table of functions.

use std::ffi::c_uint;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library as Handle, RTLD_GLOBAL, RTLD_NOW};

use super::interface::{
    AddModule, Admin, CkUlong, CommandBlock, GenerateKeyPair, GetXcpInfo, Init, InternalRv,
    NO_TARGET, QUERY_LIBRARY_VERSION, RemoveModule, SingleCall, UnwrapKey, VerifySingle,
};
use super::return_code;
use crate::secure_key::{CallFailure, CardType, SecureKeyError};

/// File names of the library, in the order in which they are tried.
pub const LIBRARY_NAMES: [&str; 5] = [
    "libep11.so.4",
    "libep11.so.3",
    "libep11.so.2",
    "libep11.so.1",
    "libep11.so",
];
const ALL_NAMES: &str = "libep11.so.4, .3, .2, .1, libep11.so";

macro_rules! table {
    ($($field:ident: $kind:ty = $($name:literal)|+;)*) => {
        /// The functions that are needed, all present.
        pub(super) struct Table {
            $(pub(super) $field: $kind,)*
            /// Missing in libraries of version 1.
            pub(super) add_module: Option<AddModule>,
            /// Missing in libraries of version 1.
            pub(super) remove_module: Option<RemoveModule>,
        }

        impl Table {
            fn load(handle: &Handle, library: &'static str) -> Result<Table, SecureKeyError> {
                Ok(Table {
                    $($field: {
                        const NAMES: &[&str] = &[$($name),+];
                        // SAFETY: the functions of these names have this type in all versions of
                        // the library (`ep11.h`).
                        let found = unsafe { first::<$kind>(handle, NAMES) };
                        found.map_err(|source| SecureKeyError::SymbolMissing {
                            card_type: CardType::Ep11,
                            library,
                            symbol: NAMES[0],
                            source,
                        })?
                    },)*
                    // SAFETY: as above.
                    add_module: unsafe { first(handle, &["m_add_module"]) }.ok(),
                    // SAFETY: as above.
                    remove_module: unsafe { first(handle, &["m_rm_module"]) }.ok(),
                })
            }
        }
    };
}

table! {
    init: Init = "m_init";
    get_xcp_info: GetXcpInfo = "m_get_xcp_info";
    admin: Admin = "m_admin";
    command_block: CommandBlock = "xcpa_cmdblock" | "ep11a_cmdblock";
    internal_rv: InternalRv = "xcpa_internal_rv" | "ep11a_internal_rv";
    generate_key_pair: GenerateKeyPair = "m_GenerateKeyPair";
    sign_single: SingleCall = "m_SignSingle";
    verify_single: VerifySingle = "m_VerifySingle";
    encrypt_single: SingleCall = "m_EncryptSingle";
    unwrap_key: UnwrapKey = "m_UnwrapKey";
}

/// The function that has one of these names; the error is that of the first name.
///
/// # Safety
/// Functions of these names must have the type `T`.
unsafe fn first<T: Copy>(handle: &Handle, names: &[&str]) -> Result<T, libloading::Error> {
    let mut problem = None;
    for name in names {
        // SAFETY: promised by the caller.
        match unsafe { handle.get::<T>(name.as_bytes()) } {
            Ok(symbol) => return Ok(*symbol),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    Err(problem.unwrap_or(libloading::Error::DlSymUnknown))
}

/// Version of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u8,
    pub(super) minor: u8,
    pub(super) modification: u8,
}

impl Version {
    fn from_number(number: u32) -> Version {
        let [_, major, minor, modification] = number.to_be_bytes();
        match major {
            // Before 2.0 the number made no sense.
            0 => Version {
                major: 1,
                minor: 0,
                modification: 0,
            },
            _ => Version {
                major,
                minor,
                modification,
            },
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.modification)
    }
}

/// The library, initialized. It may be called from any thread.
pub(super) struct Library {
    name: &'static str,
    pub(super) version: Version,
    pub(super) table: Table,
    /// Keeps the functions where they are.
    _handle: Handle,
}

impl Library {
    /// Opens the newest version that is installed, or that is in this directory.
    pub(super) fn open(directory: Option<&Path>) -> Result<Library, SecureKeyError> {
        let mut problem = None;
        for name in LIBRARY_NAMES {
            let path = directory.map_or_else(|| PathBuf::from(name), |it| it.join(name));
            // SAFETY: this runs the initializers of the library, which are trusted like the
            // library: it is found where the system's loader looks, or was named by the caller.
            match unsafe { Handle::open(Some(path), RTLD_NOW | RTLD_GLOBAL) } {
                Ok(handle) => return Library::initialize(handle, name),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        Err(SecureKeyError::LibraryMissing {
            card_type: CardType::Ep11,
            names: ALL_NAMES,
            source: problem.unwrap_or(libloading::Error::DlOpenUnknown),
        })
    }

    fn initialize(handle: Handle, name: &'static str) -> Result<Library, SecureKeyError> {
        let failed = |call| {
            move |failure: CallFailure| SecureKeyError::Call {
                call,
                apqn: None,
                failure,
            }
        };
        let table = Table::load(&handle, name)?;
        // SAFETY: `m_init` takes nothing and is called once for each time the library is opened,
        // as zkey does.
        let code = unsafe { (table.init)() };
        return_code::check_host(code).map_err(failed("m_init"))?;
        let mut number: c_uint = 0;
        let mut length = size_of_val(&number) as CkUlong;
        let pointer = (&raw mut number).cast();
        // SAFETY: the library writes at most `length` bytes to `number`.
        let rv = unsafe {
            (table.get_xcp_info)(pointer, &mut length, QUERY_LIBRARY_VERSION, 0, NO_TARGET)
        };
        return_code::check(rv).map_err(failed("m_get_xcp_info"))?;
        Ok(Library {
            name,
            version: Version::from_number(number),
            table,
            _handle: handle,
        })
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(Version::from_number(0x0004_0000).to_string(), "4.0.0");
        assert_eq!(Version::from_number(0x0003_0105).to_string(), "3.1.5");
        assert_eq!(Version::from_number(0x0000_0100).to_string(), "1.0.0");
    }
}
