//! The list callback and the calls that a host makes from within it.

#![allow(unsafe_code)]

mod common;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use common::mock::Mock;
use zkey_kmip::abi::export::FunctionTable;
use zkey_kmip::abi::load::LoadedPlugin;
use zkey_kmip::abi::raw::{KmsFunctions, KmsProperty};
use zkey_kmip::abi::{Errno, Property};

const TABLE: KmsFunctions = FunctionTable::<Mock>::TABLE;

/// What the C callback below shares with its test.
struct Seen {
    handle: *mut c_void,
    lines: Vec<String>,
    answer: c_int,
    import: &'static CStr,
}

unsafe extern "C" fn note(
    key_id: *const c_char,
    label: *const c_char,
    key_type: *const c_char,
    key_bits: usize,
    properties: *const KmsProperty,
    count: usize,
    argz: *const c_char,
    argz_length: usize,
    private: *mut c_void,
) -> c_int {
    let seen = unsafe { &mut *private.cast::<Seen>() };
    let text = |text| unsafe { CStr::from_ptr(text) }.to_str().unwrap();
    assert_eq!(count, 1);
    let property = unsafe { &*properties };
    let argz = match argz_length {
        0 => "",
        length => {
            std::str::from_utf8(unsafe { std::slice::from_raw_parts(argz.cast::<u8>(), length) })
                .unwrap()
        }
    };
    seen.lines.push(format!(
        "{} {} {} {key_bits} {}={} {argz:?}",
        text(key_id),
        text(label),
        text(key_type),
        text(property.name),
        text(property.value)
    ));
    // zkey imports from within the callback, on the same handle.
    let mut blob = [0_u8; 672];
    let mut length = blob.len();
    let import = TABLE.import_key2.unwrap();
    let id = seen.import.as_ptr();
    let code = unsafe { import(seen.handle, id, ptr::null(), blob.as_mut_ptr(), &mut length) };
    if code == 0 { seen.answer } else { code }
}

fn list(seen: &mut Seen) -> c_int {
    let list = TABLE.list_keys.unwrap();
    unsafe {
        list(
            seen.handle,
            ptr::null(),
            ptr::null(),
            0,
            ptr::null(),
            0,
            Some(note),
            ptr::from_mut(seen).cast(),
        )
    }
}

fn last_error(handle: *mut c_void) -> Option<String> {
    let text = unsafe { TABLE.get_last_error.unwrap()(handle) };
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
}

fn seen(answer: c_int, import: &'static CStr) -> Seen {
    let handle = unsafe { TABLE.initialize.unwrap()(c"mock".as_ptr(), false) };
    Seen {
        handle,
        lines: Vec::new(),
        answer,
        import,
    }
}

#[test]
fn callback_may_call_in_again() {
    let mut seen = seen(0, c"fine");
    assert_eq!(list(&mut seen), 0);
    assert_eq!(
        seen.lines,
        [
            "one label-one (any) 256 zkey-name=name-one \"\"",
            "two label-two CCA-AESCIPHER 256 zkey-name=name-two \"first line\\0\"",
            "three label-three (any) 256 zkey-name=name-three \"first line\\0second line\\0\"",
        ]
    );
    unsafe { TABLE.terminate.unwrap()(seen.handle) };
}

#[test]
fn answer_of_the_callback_comes_back() {
    for answer in [-libc::ENOTSUP, 17, -1] {
        let mut seen = seen(answer, c"fine");
        assert_eq!(list(&mut seen), answer);
        assert_eq!(seen.lines.len(), 1);
        unsafe { TABLE.terminate.unwrap()(seen.handle) };
    }
}

#[test]
fn error_of_the_inner_call_survives() {
    for (import, code, text) in [
        (c"missing", -libc::ENOENT, "no such key: Item Not Found"),
        (
            c"panic",
            -libc::EIO,
            "internal error in the KMIP plugin: mock panics as told",
        ),
    ] {
        let mut seen = seen(0, import);
        assert_eq!(list(&mut seen), code);
        assert_eq!(last_error(seen.handle).as_deref(), Some(text));
        unsafe { TABLE.terminate.unwrap()(seen.handle) };
    }
}

#[test]
fn both_ends_together() {
    let plugin = LoadedPlugin::built_in::<Mock>();
    let session = plugin.initialize("mock".as_ref(), false).unwrap();
    let mut names = Vec::new();
    session
        .list_keys(None, &[], &[], &mut |key| {
            let imported = session.import_key(&key.key_id, None, 672).unwrap();
            assert_eq!(imported.len(), 64);
            session
                .set_key_properties(&key.key_id, &[Property::new("a", "b")])
                .unwrap();
            names.push((key.label, key.additional_info.len()));
            0
        })
        .unwrap();
    let expected = [("label-one", 0), ("label-two", 1), ("label-three", 2)];
    assert_eq!(
        names,
        expected.map(|(name, lines)| (name.to_owned(), lines))
    );

    let filter = [Property::new("volume-type", "LUKS2")];
    let error = session
        .list_keys(None, &filter, &[], &mut |_| 0)
        .unwrap_err();
    assert_eq!(
        (error.function, error.errno()),
        ("kms_list_keys", Errno::EINVAL)
    );
    let error = session
        .list_keys(Some("missing"), &[], &[], &mut |_| 0)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "No such file or directory: no such key: Item Not Found"
    );
}

#[test]
#[should_panic(expected = "the host panics")]
fn panic_of_the_host_does_not_cross_the_plugin() {
    let plugin = LoadedPlugin::built_in::<Mock>();
    let session = plugin.initialize("mock".as_ref(), false).unwrap();
    let _ = session.list_keys(None, &[], &[], &mut |_| panic!("the host panics"));
}

#[test]
fn host_reads_properties_and_generated_keys() {
    use zkey_kmip::abi::{KeyMode, SecureKeyType};
    let plugin = LoadedPlugin::built_in::<Mock>();
    let session = plugin.initialize("mock".as_ref(), false).unwrap();
    let properties = session.get_key_properties("key").unwrap();
    assert_eq!(properties[0], Property::new("description", "größer"));
    assert_eq!(properties[2], Property::removal("gone"));
    let name = [Property::new("zkey-name", "disk1")];
    let key = session
        .generate_key(SecureKeyType::CcaAesData, 0, KeyMode::Xts2, &name, &[], 136)
        .unwrap();
    assert_eq!(
        (key.key_id.as_str(), key.label.as_str(), key.blob),
        ("id-disk1", "disk1", vec![2; 64])
    );
}
