//! The C structures of the plugin interface (behaviour reference 1.3).
//!
//! The layouts are those of an LP64 platform, which both s390x and x86-64 are. Nothing in them
//! depends on the byte order. The assertions below make a wrong layout a compile error.

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ushort, c_void};
use std::mem::{offset_of, size_of};
use std::ptr;

/// `struct kms_apqn`: one domain of one cryptographic adapter.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KmsApqn {
    /// Number of the adapter.
    pub card: c_ushort,
    /// Number of the domain.
    pub domain: c_ushort,
}

/// `struct kms_option`: one plugin option as found on the command line.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct KmsOption {
    /// The option's `val`.
    pub option: c_int,
    /// Its argument, NULL when it has none.
    pub argument: *const c_char,
}

/// `struct kms_property`: one name/value pair of a key.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct KmsProperty {
    /// Name of the property.
    pub name: *const c_char,
    /// Value; NULL in `kms_set_key_properties` removes the property.
    pub value: *const c_char,
}

/// `struct option` of `getopt_long(3)`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct GetoptOption {
    /// Long name without the dashes, NULL for a heading.
    pub name: *const c_char,
    /// One of [`NO_ARGUMENT`], [`REQUIRED_ARGUMENT`], [`OPTIONAL_ARGUMENT`].
    pub has_arg: c_int,
    /// Not used by zkey, always NULL.
    pub flag: *mut c_int,
    /// The short letter, or a value from 256 on for an option without one.
    pub val: c_int,
}

/// `struct util_opt`: a command line option with its help text.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct UtilOpt {
    /// What getopt needs.
    pub option: GetoptOption,
    /// Name of the argument in the help text.
    pub argument: *const c_char,
    /// Help text; NULL ends the table.
    pub desc: *const c_char,
    /// A combination of [`FLAG_NO_SHORT`], [`FLAG_NO_LONG`] and [`FLAG_SECTION`].
    pub flags: c_int,
    /// The host writes its command's name here, in its own copy.
    pub command: *const c_char,
}

/// `has_arg` of an option without argument.
pub const NO_ARGUMENT: c_int = 0;
/// `has_arg` of an option that needs an argument.
pub const REQUIRED_ARGUMENT: c_int = 1;
/// `has_arg` of an option that may have an argument.
pub const OPTIONAL_ARGUMENT: c_int = 2;
/// The option has no short form.
pub const FLAG_NO_SHORT: c_int = 1;
/// The option has no long form.
pub const FLAG_NO_LONG: c_int = 2;
/// The entry is a heading of the help text.
pub const FLAG_SECTION: c_int = 4;

impl UtilOpt {
    /// The all-zero entry that ends a table.
    pub const END: UtilOpt = UtilOpt {
        option: GetoptOption {
            name: ptr::null(),
            has_arg: 0,
            flag: ptr::null_mut(),
            val: 0,
        },
        argument: ptr::null(),
        desc: ptr::null(),
        flags: 0,
        command: ptr::null(),
    };
}

/// A static table of [`UtilOpt`] entries, ended by [`UtilOpt::END`].
#[derive(Debug)]
#[repr(transparent)]
pub struct OptionTable<const N: usize>([UtilOpt; N]);

// SAFETY: the pointers in the entries are only ever those of string literals (the constructors in
// `options` take `&'static CStr`; this type is built there alone), so sharing the table between
// threads shares nothing but immutable static data.
unsafe impl<const N: usize> Sync for OptionTable<N> {}

impl<const N: usize> OptionTable<N> {
    /// Wraps the entries; the last one must be [`UtilOpt::END`].
    pub(super) const fn new(entries: [UtilOpt; N]) -> Self {
        assert!(
            N > 0 && entries[N - 1].desc.is_null(),
            "an option table needs its end marker"
        );
        OptionTable(entries)
    }

    /// The entries including the end marker.
    pub const fn entries(&self) -> &[UtilOpt] {
        &self.0
    }
}

/// `kms_list_callback`: called for each key that a listing finds. Everything it is given is
/// borrowed for the duration of the call.
pub type KmsListCallback = unsafe extern "C" fn(
    key_id: *const c_char,
    label: *const c_char,
    key_type: *const c_char,
    key_bits: usize,
    properties: *const KmsProperty,
    num_properties: usize,
    addl_info_argz: *const c_char,
    addl_info_len: usize,
    private: *mut c_void,
) -> c_int;

/// `kms_bind`.
pub type BindFn = unsafe extern "C" fn(*const c_char) -> c_int;
/// `kms_initialize`.
pub type InitializeFn = unsafe extern "C" fn(*const c_char, bool) -> *mut c_void;
/// `kms_terminate`, `kms_display_info`, `kms_deconfigure`, `kms_login`.
pub type HandleFn = unsafe extern "C" fn(*mut c_void) -> c_int;
/// `kms_get_last_error`.
pub type LastErrorFn = unsafe extern "C" fn(*mut c_void) -> *const c_char;
/// `kms_supports_key_type`.
pub type SupportsKeyTypeFn = unsafe extern "C" fn(*mut c_void, *const c_char) -> bool;
/// `kms_get_command_options`.
pub type CommandOptionsFn = unsafe extern "C" fn(*const c_char, c_int) -> *const UtilOpt;
/// `kms_configure`.
pub type ConfigureFn =
    unsafe extern "C" fn(*mut c_void, *const KmsApqn, usize, *const KmsOption, usize) -> c_int;
/// `kms_reenciper` (the interface spells it so).
pub type ReencipherFn =
    unsafe extern "C" fn(*mut c_void, c_int, c_int, *const KmsOption, usize) -> c_int;
/// `kms_generate_key`.
pub type GenerateKeyFn = unsafe extern "C" fn(
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
) -> c_int;
/// `kms_set_key_properties`.
pub type SetPropertiesFn =
    unsafe extern "C" fn(*mut c_void, *const c_char, *const KmsProperty, usize) -> c_int;
/// `kms_get_key_properties`.
pub type GetPropertiesFn =
    unsafe extern "C" fn(*mut c_void, *const c_char, *mut *mut KmsProperty, *mut usize) -> c_int;
/// `kms_remove_key`.
pub type RemoveKeyFn =
    unsafe extern "C" fn(*mut c_void, *const c_char, *const KmsOption, usize) -> c_int;
/// `kms_list_keys`.
pub type ListKeysFn = unsafe extern "C" fn(
    handle: *mut c_void,
    label_pattern: *const c_char,
    properties: *const KmsProperty,
    num_properties: usize,
    options: *const KmsOption,
    num_options: usize,
    callback: Option<KmsListCallback>,
    private: *mut c_void,
) -> c_int;
/// `kms_import_key` of version 1.
pub type ImportKeyFn =
    unsafe extern "C" fn(*mut c_void, *const c_char, *mut c_uchar, *mut usize) -> c_int;
/// `kms_import_key2` of version 2.
pub type ImportKey2Fn = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    *mut c_uchar,
    *mut usize,
) -> c_int;

/// `struct kms_functions`: what a plugin hands to zkey. A slot without function is NULL.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct KmsFunctions {
    /// 1 or 2. A table of version 1 ends before `import_key2`.
    pub api_version: c_uint,
    pub bind: Option<BindFn>,
    pub initialize: Option<InitializeFn>,
    pub terminate: Option<HandleFn>,
    pub get_last_error: Option<LastErrorFn>,
    pub supports_key_type: Option<SupportsKeyTypeFn>,
    pub display_info: Option<HandleFn>,
    pub get_command_options: Option<CommandOptionsFn>,
    pub configure: Option<ConfigureFn>,
    pub deconfigure: Option<HandleFn>,
    pub login: Option<HandleFn>,
    pub reencipher: Option<ReencipherFn>,
    pub generate_key: Option<GenerateKeyFn>,
    pub set_key_properties: Option<SetPropertiesFn>,
    pub get_key_properties: Option<GetPropertiesFn>,
    pub remove_key: Option<RemoveKeyFn>,
    pub list_keys: Option<ListKeysFn>,
    pub import_key: Option<ImportKeyFn>,
    pub import_key2: Option<ImportKey2Fn>,
}

/// The version of the interface that this crate implements.
pub const API_VERSION: c_uint = 2;
/// Size of a version 1 table, which ends before `import_key2`.
pub const FUNCTIONS_V1_SIZE: usize = 144;
/// Name of the function that a plugin exports.
pub const GET_FUNCTIONS: &std::ffi::CStr = c"kms_get_functions";

macro_rules! layout {
    ($type:ty: $size:literal { $($field:ident@$offset:literal),* $(,)? }) => {
        const _: () = {
            assert!(size_of::<$type>() == $size);
            $(assert!(offset_of!($type, $field) == $offset);)*
        };
    };
}

layout!(KmsApqn: 4 { card@0, domain@2 });
layout!(KmsOption: 16 { option@0, argument@8 });
layout!(KmsProperty: 16 { name@0, value@8 });
layout!(GetoptOption: 32 { name@0, has_arg@8, flag@16, val@24 });
layout!(UtilOpt: 64 { option@0, argument@32, desc@40, flags@48, command@56 });
layout!(KmsFunctions: 152 {
    api_version@0, bind@8, initialize@16, terminate@24, get_last_error@32, supports_key_type@40,
    display_info@48, get_command_options@56, configure@64, deconfigure@72, login@80,
    reencipher@88, generate_key@96, set_key_properties@104, get_key_properties@112,
    remove_key@120, list_keys@128, import_key@136, import_key2@144,
});
const _: () = assert!(size_of::<bool>() == 1 && size_of::<c_int>() == 4 && size_of::<usize>() == 8);
