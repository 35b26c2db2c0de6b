//! The shared object as zkey meets it: loaded with dlopen, asked for its table.

#![allow(unsafe_code)]

mod common;

use std::collections::BTreeSet;
use std::ffi::CStr;

use object::read::elf::{Dyn, ElfFile64};
use object::{Endianness, Object, elf};
use zkey_kmip::abi::PluginCommand;
use zkey_kmip::abi::load::{LoadError, LoadedPlugin, PluginOption};
use zkey_kmip::abi::raw::KmsFunctions;

#[test]
fn exports_one_symbol() {
    let bytes = std::fs::read(common::shared_object()).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let exports = file.exports().unwrap();
    let names: Vec<_> = exports
        .iter()
        .map(|export| String::from_utf8_lossy(export.name()))
        .collect();
    assert_eq!(names, ["kms_get_functions"]);
}

#[test]
fn linked_as_zkey_links_plugins() {
    let bytes = std::fs::read(common::shared_object()).unwrap();
    let file = ElfFile64::<Endianness>::parse(&*bytes).unwrap();
    let sections = file.elf_section_table();
    let endian = file.endian();
    let (dynamic, strings) = sections.dynamic(endian, &*bytes).unwrap().unwrap();
    let strings = sections.strings(endian, &*bytes, strings).unwrap();
    let values = |tag: u32| {
        let found = dynamic
            .iter()
            .filter(move |entry| entry.tag32(endian) == Some(tag));
        found.map(|entry| entry.d_val(endian))
    };
    let names: Vec<_> = values(elf::DT_SONAME)
        .map(|offset| strings.get(u32::try_from(offset).unwrap()).unwrap())
        .collect();
    assert_eq!(names, [b"zkey-kmip.so.1"]);
    let symbolic = values(elf::DT_SYMBOLIC).next().is_some();
    let flags = values(elf::DT_FLAGS).fold(0, |all, flags| all | flags);
    assert!(symbolic || flags & u64::from(elf::DF_SYMBOLIC) != 0);
    // The code stays when a host closes the plugin: OpenSSL keeps pointers to it.
    let flags = values(elf::DT_FLAGS_1).fold(0, |all, flags| all | flags);
    assert_ne!(flags & u64::from(elf::DF_1_NODELETE), 0);
}

#[test]
fn table_is_static_and_complete() {
    let library = unsafe { libloading::Library::new(common::shared_object()) }.unwrap();
    type GetFunctions = unsafe extern "C" fn() -> *const KmsFunctions;
    let get = unsafe { library.get::<GetFunctions>(b"kms_get_functions\0") }.unwrap();
    let table = unsafe { get() };
    assert_eq!(table, unsafe { get() });
    // Every slot by its offset, independent of our structure.
    let words: [u64; 19] = unsafe { table.cast::<[u64; 19]>().read() };
    let version = words[0].to_ne_bytes();
    assert_eq!(
        u32::from_ne_bytes([version[0], version[1], version[2], version[3]]),
        2
    );
    for (slot, word) in words.iter().enumerate().skip(1) {
        assert_eq!(*word == 0, slot == 17, "slot at offset {}", slot * 8);
    }
}

/// Long name, value, short letter, argument: behaviour reference 2.1, and one more option.
const CONFIGURE: [(&str, i32, bool, Option<&str>); 21] = [
    ("gen-identity-key", 'i' as i32, true, Some("KEY-SPEC")),
    ("gen-csr", 'c' as i32, true, Some("CSR-PEM-FILE")),
    (
        "gen-self-signed-cert",
        'C' as i32,
        true,
        Some("CERT-PEM-FILE"),
    ),
    ("cert-subject", 's' as i32, true, Some("SUBJECT-RDNS")),
    ("cert-extensions", 'e' as i32, true, Some("EXTENSIONS")),
    ("renew-cert", 'N' as i32, true, Some("CERT-PEM-FILE")),
    ("csr-new-header", 'n' as i32, true, None),
    ("cert-validity-days", 'd' as i32, true, Some("DAYS")),
    ("cert-digest", 'D' as i32, true, Some("DIGEST")),
    ("cert-rsa-pss", 'P' as i32, true, None),
    ("client-cert", 'r' as i32, true, Some("CERT-PEM-FILE")),
    ("kmip-server", 'S' as i32, true, Some("SERVER")),
    ("profile", 'p' as i32, true, Some("PROFILE-NAME")),
    ("tls-ca-bundle", 'b' as i32, true, Some("CA-BUNDLE")),
    ("tls-pin-server-pubkey", 256, false, None),
    ("tls-trust-server-cert", 257, false, None),
    ("tls-dont-verify-server-cert", 258, false, None),
    ("tls-verify-hostname", 259, false, None),
    ("credential-file", 260, false, Some("FILE")),
    ("gen-wrapping-key", 'w' as i32, true, None),
    ("label", 'B' as i32, true, Some("LABEL")),
];

#[test]
fn options_of_configure() {
    let plugin = LoadedPlugin::open(&common::shared_object()).unwrap();
    let options = plugin.command_options(PluginCommand::Configure, 40);
    assert_eq!(options.len(), 26, "zkey has 40 places, sections included");
    let mut sections = 0;
    let mut values = Vec::new();
    for option in &options {
        match option {
            PluginOption::Section(_) => sections += 1,
            PluginOption::Value {
                long,
                short,
                code,
                argument,
                argument_is_optional,
                help,
            } => {
                assert!(!help.is_empty() && !argument_is_optional);
                values.push((
                    long.as_deref().unwrap(),
                    *code,
                    short.is_some(),
                    argument.as_deref(),
                ));
            }
        }
    }
    assert_eq!(sections, 5);
    assert_eq!(values, CONFIGURE);
    let unique: BTreeSet<_> = values.iter().map(|(_, code, ..)| code).collect();
    assert_eq!(unique.len(), values.len());
    assert_eq!(plugin.command_options(PluginCommand::Configure, 3).len(), 3);
}

#[test]
fn options_of_the_other_commands() {
    let plugin = LoadedPlugin::open(&common::shared_object()).unwrap();
    for (command, expected) in [
        (PluginCommand::Generate, Some(("label", 'B'))),
        (PluginCommand::Remove, Some(("state", 's'))),
        (PluginCommand::ListImport, Some(("key-type", 'K'))),
        (PluginCommand::List, None),
        (PluginCommand::Reencipher, None),
    ] {
        let options = plugin.command_options(command, 40);
        let found: Vec<_> = options
            .iter()
            .map(|option| match option {
                PluginOption::Value {
                    long: Some(long),
                    short: Some(short),
                    ..
                } => (long.as_str(), *short),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            found,
            expected.into_iter().collect::<Vec<_>>(),
            "{command:?}"
        );
    }
}

#[test]
fn table_ends_with_zeros_and_ignores_case() {
    let library = unsafe { libloading::Library::new(common::shared_object()) }.unwrap();
    type GetFunctions = unsafe extern "C" fn() -> *const KmsFunctions;
    let get = unsafe { library.get::<GetFunctions>(b"kms_get_functions\0") }.unwrap();
    let options = unsafe { (*get()).get_command_options.unwrap() };
    let entry = |name: &CStr| unsafe { options(name.as_ptr(), 40) };
    assert_eq!(entry(c"configure"), entry(c"CONFIGURE"));
    assert!(entry(c"validate").is_null());
    let end: [u64; 8] = unsafe { entry(c"remove").add(1).cast::<[u64; 8]>().read() };
    assert_eq!(end, [0; 8]);
}

#[test]
fn what_is_no_plugin_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("text.so");
    std::fs::write(&file, "not a library").unwrap();
    assert!(matches!(
        LoadedPlugin::open(&file),
        Err(LoadError::Open { .. })
    ));
    let error = LoadedPlugin::open("libc.so.6".as_ref()).unwrap_err();
    assert!(matches!(error, LoadError::NoPlugin { .. }), "{error}");
}
