//! The C function table, called as C calls it: wrong pointers, panics, errors.

#![allow(unsafe_code)]

mod common;

use std::ptr;

use common::c_host::{Handle, TABLE};
use zkey_kmip::abi::raw::{KmsOption, KmsProperty};

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
