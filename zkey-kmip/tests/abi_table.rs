//! The C function table, called as C calls it: raw pointers, wrong pointers, panics.

#![allow(unsafe_code)]

mod common;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use common::mock::{Mock, long_label};
use zkey_kmip::abi::export::FunctionTable;
use zkey_kmip::abi::raw::{KmsApqn, KmsFunctions, KmsOption, KmsProperty};

const TABLE: KmsFunctions = FunctionTable::<Mock>::TABLE;

/// A handle that is terminated at the end of the test.
struct Handle(*mut c_void);

impl Handle {
    fn new() -> Self {
        Self::of(c"mock")
    }

    fn of(directory: &CStr) -> Self {
        let handle = unsafe { TABLE.initialize.unwrap()(directory.as_ptr(), false) };
        assert!(!handle.is_null());
        Handle(handle)
    }

    fn last_error(&self) -> Option<String> {
        let text = unsafe { TABLE.get_last_error.unwrap()(self.0) };
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
    }

    fn import(&self, key_id: &CStr, key_type: *const c_char) -> (c_int, Vec<u8>) {
        let mut blob = [0_u8; 672];
        let mut length = blob.len();
        let code = unsafe {
            let import = TABLE.import_key2.unwrap();
            import(
                self.0,
                key_id.as_ptr(),
                key_type,
                blob.as_mut_ptr(),
                &mut length,
            )
        };
        (code, blob[..length].to_vec())
    }

    fn generate(&self, name: &CStr, buffers: &mut Buffers) -> c_int {
        let property = KmsProperty {
            name: c"zkey-name".as_ptr(),
            value: name.as_ptr(),
        };
        let generate = TABLE.generate_key.unwrap();
        unsafe {
            generate(
                self.0,
                c"CCA-AESDATA".as_ptr(),
                256,
                1,
                &property,
                1,
                ptr::null(),
                0,
                buffers.blob.as_mut_ptr(),
                &mut buffers.length,
                buffers.id.as_mut_ptr(),
                257,
                buffers.label.as_mut_ptr(),
                257,
            )
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        assert_eq!(unsafe { TABLE.terminate.unwrap()(self.0) }, 0);
    }
}

/// Output buffers with a guard byte behind what the plugin may write.
struct Buffers {
    blob: [u8; 65],
    length: usize,
    id: [c_char; 258],
    label: [c_char; 258],
}

impl Buffers {
    fn new() -> Self {
        Buffers {
            blob: [0x55; 65],
            length: 64,
            id: [0x55; 258],
            label: [0x55; 258],
        }
    }

    fn id(&self) -> &str {
        unsafe { CStr::from_ptr(self.id.as_ptr()) }
            .to_str()
            .unwrap()
    }

    fn label(&self) -> &str {
        unsafe { CStr::from_ptr(self.label.as_ptr()) }
            .to_str()
            .unwrap()
    }

    fn assert_guards(&self) {
        assert_eq!(
            (self.blob[64], self.id[257], self.label[257]),
            (0x55, 0x55, 0x55)
        );
    }
}

#[test]
fn version_2_without_the_version_1_import() {
    assert_eq!(TABLE.api_version, 2);
    assert!(TABLE.import_key.is_none());
    assert!(TABLE.import_key2.is_some());
}

#[test]
fn null_handles_are_refused() {
    let null = ptr::null_mut();
    unsafe {
        assert_eq!(TABLE.terminate.unwrap()(null), -libc::EINVAL);
        assert_eq!(TABLE.display_info.unwrap()(null), -libc::EINVAL);
        assert_eq!(TABLE.deconfigure.unwrap()(null), -libc::EINVAL);
        assert_eq!(TABLE.login.unwrap()(null), -libc::EINVAL);
        assert!(TABLE.get_last_error.unwrap()(null).is_null());
        assert!(!TABLE.supports_key_type.unwrap()(
            null,
            c"CCA-AESDATA".as_ptr()
        ));
        let code = TABLE.configure.unwrap()(null, ptr::null(), 0, ptr::null(), 0);
        assert_eq!(code, -libc::EINVAL);
        assert_eq!(
            TABLE.reencipher.unwrap()(null, 0, 0, ptr::null(), 0),
            -libc::EINVAL
        );
        let code = TABLE.remove_key.unwrap()(null, c"x".as_ptr(), ptr::null(), 0);
        assert_eq!(code, -libc::EINVAL);
    }
}

#[test]
fn null_arguments_are_refused_with_a_text() {
    let handle = Handle::new();
    unsafe {
        let code = TABLE.remove_key.unwrap()(handle.0, ptr::null(), ptr::null(), 0);
        assert_eq!(code, -libc::EINVAL);
        assert_eq!(
            handle.last_error().unwrap(),
            "the host passed no key identifier"
        );

        let code = TABLE.remove_key.unwrap()(handle.0, c"x".as_ptr(), ptr::null(), 1);
        assert_eq!(code, -libc::EINVAL);

        let get = TABLE.get_key_properties.unwrap();
        let code = get(handle.0, c"x".as_ptr(), ptr::null_mut(), ptr::null_mut());
        assert_eq!(code, -libc::EINVAL);

        let list = TABLE.list_keys.unwrap();
        let none = ptr::null();
        let code = list(
            handle.0,
            none,
            ptr::null(),
            0,
            ptr::null(),
            0,
            None,
            ptr::null_mut(),
        );
        assert_eq!(code, -libc::EINVAL);

        let import = TABLE.import_key2.unwrap();
        let mut length = 64;
        let id = c"x".as_ptr();
        assert_eq!(
            import(handle.0, id, none, ptr::null_mut(), &mut length),
            -libc::EINVAL
        );
        assert_eq!(
            import(handle.0, id, none, [0_u8; 64].as_mut_ptr(), ptr::null_mut()),
            -22
        );

        let nameless = KmsProperty {
            name: ptr::null(),
            value: ptr::null(),
        };
        let code = TABLE.set_key_properties.unwrap()(handle.0, c"x".as_ptr(), &nameless, 1);
        assert_eq!(code, -libc::EINVAL);
    }
    assert!(!unsafe { TABLE.supports_key_type.unwrap()(handle.0, ptr::null()) });
    assert!(unsafe { TABLE.initialize.unwrap()(ptr::null(), false) }.is_null());
    assert_eq!(unsafe { TABLE.bind.unwrap()(ptr::null()) }, -libc::EINVAL);
    assert!(unsafe { TABLE.get_command_options.unwrap()(ptr::null(), 40) }.is_null());
}

#[test]
fn panics_become_errors() {
    assert!(unsafe { TABLE.initialize.unwrap()(c"panic".as_ptr(), true) }.is_null());
    assert_eq!(
        unsafe { TABLE.bind.unwrap()(c"panic".as_ptr()) },
        -libc::EIO
    );

    let handle = Handle::new();
    let code =
        unsafe { TABLE.set_key_properties.unwrap()(handle.0, c"panic".as_ptr(), ptr::null(), 0) };
    assert_eq!(code, -libc::EIO);
    let text = handle.last_error().unwrap();
    assert!(
        text.contains("internal error") && text.contains("mock panics as told"),
        "{text}"
    );

    let panics = Handle::of(c"mock");
    let option = KmsOption {
        option: 258,
        argument: ptr::null(),
    };
    let code = unsafe { TABLE.configure.unwrap()(panics.0, ptr::null(), 0, &option, 1) };
    assert_eq!(code, -libc::EIO);
    // The handle works on.
    assert_eq!(unsafe { TABLE.login.unwrap()(panics.0) }, 0);
    assert_eq!(panics.last_error(), None);
}

#[test]
fn failures_of_bind_and_initialize() {
    assert_eq!(unsafe { TABLE.bind.unwrap()(c"fine".as_ptr()) }, 0);
    assert_eq!(
        unsafe { TABLE.bind.unwrap()(c"readonly".as_ptr()) },
        -libc::EACCES
    );
    assert!(unsafe { TABLE.initialize.unwrap()(c"broken".as_ptr(), false) }.is_null());
}

#[test]
fn last_error_is_kept_until_the_next_call() {
    let handle = Handle::new();
    assert_eq!(handle.last_error(), None);
    assert_eq!(handle.import(c"missing", ptr::null()).0, -libc::ENOENT);
    let expected = Some("no such key: Item Not Found".to_owned());
    assert_eq!(handle.last_error(), expected);
    assert_eq!(handle.last_error(), expected);
    assert_eq!(handle.import(c"there", ptr::null()).0, 0);
    assert_eq!(handle.last_error(), None);
}

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

#[test]
fn reencipher_modes() {
    let handle = Handle::new();
    let reencipher = TABLE.reencipher.unwrap();
    assert_eq!(
        unsafe { reencipher(handle.0, 3, 2, ptr::null(), 0) },
        -libc::EINVAL
    );
    assert_eq!(handle.last_error().unwrap(), "StagedComplete ToNew");
    assert_eq!(
        unsafe { reencipher(handle.0, 4, 0, ptr::null(), 0) },
        -libc::EINVAL
    );
    assert!(
        handle
            .last_error()
            .unwrap()
            .contains("unknown re-encipher mode")
    );
    assert_eq!(
        unsafe { reencipher(handle.0, 0, -1, ptr::null(), 0) },
        -libc::EINVAL
    );
}
