//! What the functions of the EP11 host library return.

use super::interface::CkUlong;
use crate::secure_key::CallFailure;

macro_rules! codes {
    ($($number:literal $constant:ident $name:literal $explanation:literal;)*) => {
        $(const $constant: u64 = $number;)*

        /// The frequent codes: name, and what to do.
        const EXPLANATIONS: &[(u64, &str)] = &[
            $(($constant, concat!($name, ", ", $explanation)),)*
        ];
    };
}

codes! {
    0x05 GENERAL_ERROR "CKR_GENERAL_ERROR"
        "the adapter failed: look into the kernel's log";
    0x06 FUNCTION_FAILED "CKR_FUNCTION_FAILED"
        "the adapter could not do it: look into the kernel's log";
    0x07 ARGUMENTS_BAD "CKR_ARGUMENTS_BAD"
        "library and adapter do not understand the call: check that their versions fit together";
    0x13 ATTRIBUTE_VALUE_INVALID "CKR_ATTRIBUTE_VALUE_INVALID"
        "the adapter does not know such keys";
    0x20 DATA_INVALID "CKR_DATA_INVALID"
        "the adapter does not take this data";
    0x21 DATA_LEN_RANGE "CKR_DATA_LEN_RANGE"
        "the adapter does not take data of this length";
    0x30 DEVICE_ERROR "CKR_DEVICE_ERROR"
        "the adapter failed: check with lszcrypt that it is online";
    0x31 DEVICE_MEMORY "CKR_DEVICE_MEMORY"
        "the adapter has no memory left: try again";
    0x32 DEVICE_REMOVED "CKR_DEVICE_REMOVED"
        "the adapter is gone: check with lszcrypt that it is online";
    0x40 ENCRYPTED_DATA_INVALID "CKR_ENCRYPTED_DATA_INVALID"
        "the key is damaged or belongs to another adapter";
    0x41 ENCRYPTED_DATA_LEN_RANGE "CKR_ENCRYPTED_DATA_LEN_RANGE"
        "the data has a wrong length";
    0x50 FUNCTION_CANCELED "CKR_FUNCTION_CANCELED"
        "a policy of the domain forbids it: check the control points of the domain with the TKE";
    0x54 FUNCTION_NOT_SUPPORTED "CKR_FUNCTION_NOT_SUPPORTED"
        "the adapter is too old: update its firmware";
    0x60 KEY_HANDLE_INVALID "CKR_KEY_HANDLE_INVALID"
        "the key is damaged or belongs to another adapter";
    0x62 KEY_SIZE_RANGE "CKR_KEY_SIZE_RANGE"
        "the adapter, or a policy of the domain, does not allow keys of this size";
    0x63 KEY_TYPE_INCONSISTENT "CKR_KEY_TYPE_INCONSISTENT"
        "the key is of another type than needed";
    0x68 KEY_FUNCTION_NOT_PERMITTED "CKR_KEY_FUNCTION_NOT_PERMITTED"
        "the key was not generated for this use";
    0x70 MECHANISM_INVALID "CKR_MECHANISM_INVALID"
        "the adapter, or a policy of the domain, does not know or allow this mechanism";
    0x71 MECHANISM_PARAM_INVALID "CKR_MECHANISM_PARAM_INVALID"
        "the adapter does not know these parameters of the mechanism";
    0xc0 SIGNATURE_INVALID "CKR_SIGNATURE_INVALID"
        "public and private key do not belong together";
    0xc1 SIGNATURE_LEN_RANGE "CKR_SIGNATURE_LEN_RANGE"
        "public and private key do not belong together";
    0xd0 TEMPLATE_INCOMPLETE "CKR_TEMPLATE_INCOMPLETE"
        "the adapter wants more attributes";
    0xd1 TEMPLATE_INCONSISTENT "CKR_TEMPLATE_INCONSISTENT"
        "the adapter, or a policy of the domain, does not allow a key with these attributes";
    0xe0 TOKEN_NOT_PRESENT "CKR_TOKEN_NOT_PRESENT"
        "there is no such adapter: check it with lszcrypt";
    0x110 WRAPPED_KEY_INVALID "CKR_WRAPPED_KEY_INVALID"
        "the wrapped key is damaged";
    0x112 WRAPPED_KEY_LEN_RANGE "CKR_WRAPPED_KEY_LEN_RANGE"
        "the wrapped key has a wrong length";
    0x113 WRAPPING_KEY_HANDLE_INVALID "CKR_WRAPPING_KEY_HANDLE_INVALID"
        "the wrapping key is damaged or belongs to another adapter";
    0x140 CURVE_NOT_SUPPORTED "CKR_CURVE_NOT_SUPPORTED"
        "the adapter does not know this elliptic curve: choose another one";
    0x150 BUFFER_TOO_SMALL "CKR_BUFFER_TOO_SMALL"
        "the result is longer than expected";
    0x80010001 WKID_MISMATCH "CKR_IBM_WKID_MISMATCH"
        "the key is enciphered under another master key than the one in the CURRENT register: it belongs to another adapter, or the master key was changed without re-enciphering";
    0x80010002 INTERNAL_ERROR "CKR_IBM_INTERNAL_ERROR"
        "the adapter failed: look into the kernel's log";
    0x80010003 TRANSPORT_ERROR "CKR_IBM_TRANSPORT_ERROR"
        "the adapter does not answer: check with lszcrypt that it is online";
    0x80010004 BLOB_ERROR "CKR_IBM_BLOB_ERROR"
        "the key is damaged";
    0x80010005 BLOBKEY_CONFLICT "CKR_IBM_BLOBKEY_CONFLICT"
        "the master key was changed meanwhile: try again";
    0x80010006 MODE_CONFLICT "CKR_IBM_MODE_CONFLICT"
        "the key was made in another mode of operation of the domain";
    0x80010009 WK_NOT_INITIALIZED "CKR_IBM_WK_NOT_INITIALIZED"
        "the domain has no master key: load one with the TKE";
    0x8001000b REQUEST_TIMEOUT "CKR_IBM_REQ_TIMEOUT"
        "the adapter gave up: try again";
    0x8001000d STATIC_POLICY "CKR_IBM_STATIC_POLICY"
        "a policy of the domain forbids it: check the control points of the domain with the TKE";
    0x80010010 TRANSPORT_LIMIT "CKR_IBM_TRANSPORT_LIMIT"
        "the result is longer than allowed";
    0x80010011 FCV_NOT_SET "CKR_IBM_FCV_NOT_SET"
        "the adapter has no function control vector: complete its set-up";
    0x80010030 TARGET_INVALID "CKR_IBM_TARGET_INVALID"
        "the library cannot reach the adapter: check with lszcrypt that it is online, and the rights on /dev/z90crypt";
    0x80010101 ERROR_STATE "CKR_IBM_ERROR_STATE"
        "a self test of the adapter failed: look into the kernel's log";
}

/// The failure that a `CK_RV` stands for.
pub(super) fn check(rv: CkUlong) -> Result<(), CallFailure> {
    // 64 bits wherever the library exists.
    #[allow(clippy::useless_conversion)]
    let rv = u64::from(rv);
    if rv == 0 {
        return Ok(());
    }
    let explanation = EXPLANATIONS
        .iter()
        .find(|(code, _)| *code == rv)
        .map(|(_, explanation)| *explanation);
    Err(CallFailure::Ep11 { rv, explanation })
}

/// The failure that a return value of `m_init` or `m_add_module` stands for (`XCP_E...`).
pub(super) fn check_host(code: i32) -> Result<(), CallFailure> {
    let explanation = match code {
        0 => return Ok(()),
        -1 => Some("XCP_EINTERNAL, the library is in an inconsistent state"),
        -2 => Some("XCP_EARG, library and caller do not fit together"),
        -3 => Some("XCP_ETARGET, there is no such adapter or domain: check it with lszcrypt"),
        -4 => Some("XCP_EMEMORY, there is no memory left"),
        -5 => Some("XCP_EMUTEX, a lock of the library is invalid"),
        -6 => Some("XCP_EINIT, the library cannot be initialized"),
        -7 => Some("XCP_EDEVICE, check the rights on /dev/z90crypt"),
        -8 => Some("XCP_EGROUP, the group of adapters cannot be used"),
        -9 => Some("XCP_ESIZE, library and caller do not fit together"),
        -10 => Some("XCP_EINVALID, library and caller do not fit together"),
        -11 => Some("XCP_ERESPONSE, the adapter gave a bad answer: look into the kernel's log"),
        -12 => Some("XCP_EAPI, library and firmware of the adapter do not fit together"),
        _ => None,
    };
    Err(CallFailure::Ep11Host { code, explanation })
}

/// Whether another adapter might do better: this one failed, or has another master key.
pub(in super::super) fn is_of_adapter(rv: u64) -> bool {
    matches!(
        rv,
        GENERAL_ERROR
            | DEVICE_ERROR
            | DEVICE_MEMORY
            | DEVICE_REMOVED
            | TOKEN_NOT_PRESENT
            | WKID_MISMATCH
            | INTERNAL_ERROR
            | TRANSPORT_ERROR
            | BLOBKEY_CONFLICT
            | WK_NOT_INITIALIZED
            | REQUEST_TIMEOUT
            | TARGET_INVALID
            | ERROR_STATE
    )
}

/// Whether it is the fault of a wrapped key or of what is in it.
///
/// These must not be told apart: an attacker who can have keys unwrapped could learn from the
/// difference what was inside.
pub(super) fn blames_wrapped_key(rv: u64) -> bool {
    matches!(
        rv,
        FUNCTION_FAILED
            | DATA_INVALID
            | DATA_LEN_RANGE
            | ENCRYPTED_DATA_INVALID
            | ENCRYPTED_DATA_LEN_RANGE
            | KEY_SIZE_RANGE
            | WRAPPED_KEY_INVALID
            | WRAPPED_KEY_LEN_RANGE
    )
}
