//! Values on their way through the C function table, in both directions.

#![allow(unsafe_code)]

mod common;

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use common::c_host::{Buffers, Handle, TABLE};
use common::mock::long_label;
use zkey_kmip::abi::raw::{KmsApqn, KmsOption, KmsProperty};

#[test]
fn key_types_are_known_in_any_case() {
    let handle = Handle::new();
    let supports =
        |name: &CStr| unsafe { TABLE.supports_key_type.unwrap()(handle.0, name.as_ptr()) };
    assert!(supports(c"CCA-AESDATA") && supports(c"cca-aescipher"));
    assert!(!supports(c"EP11-AES") && !supports(c"PVSECRET-AES") && !supports(c""));

    assert_eq!(handle.import(c"x", c"(any)".as_ptr()).1[0], 0xff);
    assert_eq!(handle.import(c"x", ptr::null()).1[0], 0xff);
    assert_eq!(handle.import(c"x", c"Ep11-Aes".as_ptr()).1[0], 2);
    assert_eq!(handle.import(c"x", c"DES".as_ptr()).0, -libc::EINVAL);
}

#[test]
fn configure_passes_apqns_and_options() {
    let handle = Handle::new();
    let configure = TABLE.configure.unwrap();
    let apqns = [KmsApqn {
        card: 3,
        domain: 0x39,
    }];
    let options = [
        KmsOption {
            option: i32::from(b'S'),
            argument: c"host:5696".as_ptr(),
        },
        KmsOption {
            option: 256,
            argument: ptr::null(),
        },
    ];
    unsafe {
        assert_eq!(
            configure(handle.0, apqns.as_ptr(), 1, options.as_ptr(), 2),
            0
        );
        assert_eq!(configured(&handle)[0], "Some([\"03.0039\"])");
        assert_eq!(configured(&handle)[1], "option -S=Some(\"host:5696\")");
        assert_eq!(configured(&handle)[2], "option 256=None");
        // No list and an empty list are different things.
        assert_eq!(
            configure(handle.0, ptr::null(), 0, ptr::null(), 0),
            -libc::EAGAIN
        );
        assert_eq!(configured(&handle)[0], "None");
        assert_eq!(
            configure(handle.0, apqns.as_ptr(), 0, ptr::null(), 0),
            -libc::EAGAIN
        );
        assert_eq!(configured(&handle)[0], "Some([])");
        assert_eq!(handle.last_error(), None);
        let refused = KmsOption {
            option: 257,
            argument: ptr::null(),
        };
        assert_eq!(
            configure(handle.0, ptr::null(), 0, &refused, 1),
            -libc::ECANCELED
        );
    }
}

fn configured(handle: &Handle) -> Vec<String> {
    let (mut first, mut count) = (ptr::null_mut(), 0);
    let get = TABLE.get_key_properties.unwrap();
    assert_eq!(
        unsafe { get(handle.0, c"configured".as_ptr(), &mut first, &mut count) },
        0
    );
    unsafe { take_properties(first, count) }
        .into_iter()
        .map(|(_, value)| value.unwrap())
        .collect()
}

/// Reads and frees properties the way zkey does, with `free`.
unsafe fn take_properties(first: *mut KmsProperty, count: usize) -> Vec<(String, Option<String>)> {
    let text = |text: *const c_char| {
        (!text.is_null()).then(|| {
            let copy = unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
            unsafe { libc::free(text.cast_mut().cast()) };
            copy
        })
    };
    let properties = unsafe { std::slice::from_raw_parts(first, count) };
    let copy = properties
        .iter()
        .map(|each| (text(each.name).unwrap(), text(each.value)))
        .collect();
    unsafe { libc::free(first.cast()) };
    copy
}

#[test]
fn properties_come_in_malloc_memory() {
    let handle = Handle::new();
    let get = TABLE.get_key_properties.unwrap();
    let (mut first, mut count) = (ptr::null_mut(), 0);
    assert_eq!(
        unsafe { get(handle.0, c"key".as_ptr(), &mut first, &mut count) },
        0
    );
    let expected = [
        ("description".to_owned(), Some("größer".to_owned())),
        ("volumes".to_owned(), Some(String::new())),
        ("gone".to_owned(), None),
    ];
    assert_eq!(unsafe { take_properties(first, count) }, expected);

    let (mut first, mut count) = (ptr::null_mut(), 7);
    assert_eq!(
        unsafe { get(handle.0, c"empty".as_ptr(), &mut first, &mut count) },
        0
    );
    assert_eq!(count, 0);
    unsafe { libc::free(first.cast()) };
}

#[test]
fn a_failure_leaves_the_outputs_untouched() {
    let handle = Handle::new();
    let get = TABLE.get_key_properties.unwrap();
    for (key, errno) in [
        (c"missing", libc::ENOENT),
        (c"panic", libc::EIO),
        (c"nul", libc::EBADMSG),
    ] {
        let (mut first, mut count) = (ptr::null_mut(), 0);
        let code = unsafe { get(handle.0, key.as_ptr(), &mut first, &mut count) };
        assert_eq!(code, -errno);
        assert!(first.is_null() && count == 0);
    }
    assert!(
        handle
            .last_error()
            .unwrap()
            .contains("property bad holds a NUL byte")
    );
}

#[test]
fn removal_of_a_property_is_a_null_value() {
    let handle = Handle::new();
    let properties = [
        KmsProperty {
            name: c"description".as_ptr(),
            value: c"".as_ptr(),
        },
        KmsProperty {
            name: c"dummy-passphrase-base64".as_ptr(),
            value: ptr::null(),
        },
    ];
    let set = TABLE.set_key_properties.unwrap();
    let code = unsafe { set(handle.0, c"echo".as_ptr(), properties.as_ptr(), 2) };
    assert_eq!(code, -libc::EINVAL);
    let expected = "[description=\"\", dummy-passphrase-base64 (removed)]";
    assert_eq!(handle.last_error().unwrap(), expected);
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let handle = Handle::new();
    let latin1 = CString::new(b"gr\xf6\xdfer".to_vec()).unwrap();
    let property = KmsProperty {
        name: c"description".as_ptr(),
        value: latin1.as_ptr(),
    };
    let set = TABLE.set_key_properties.unwrap();
    assert_eq!(
        unsafe { set(handle.0, c"x".as_ptr(), &property, 1) },
        -libc::EINVAL
    );
    assert!(
        handle
            .last_error()
            .unwrap()
            .starts_with("value of description is not UTF-8")
    );
}

#[test]
fn generated_key_fills_the_buffers() {
    let handle = Handle::new();
    let mut buffers = Buffers::new();
    assert_eq!(handle.generate(c"key", &mut buffers), 0);
    assert_eq!((buffers.id(), buffers.label()), ("id-key", "key"));
    assert_eq!(buffers.blob[..64], [1; 64]);
    buffers.assert_guards();
}

#[test]
fn results_that_do_not_fit() {
    let handle = Handle::new();

    // A label is for people: it is cut, but never within a character.
    let mut buffers = Buffers::new();
    assert_eq!(handle.generate(c"long-label", &mut buffers), 0);
    assert_eq!(buffers.label().len(), 255);
    assert!(long_label().starts_with(buffers.label()));
    buffers.assert_guards();

    // An identifier that is cut names no key.
    let mut buffers = Buffers::new();
    assert_eq!(handle.generate(c"long-id", &mut buffers), -libc::ERANGE);
    assert!(
        handle
            .last_error()
            .unwrap()
            .contains(&common::mock::long_id())
    );
    buffers.assert_guards();

    let mut buffers = Buffers::new();
    assert_eq!(handle.generate(c"huge", &mut buffers), -libc::ERANGE);
    assert_eq!((buffers.blob, buffers.length), ([0x55; 65], 64));
    assert_eq!(handle.import(c"huge", ptr::null()).0, -libc::ERANGE);
}
