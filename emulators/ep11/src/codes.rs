//! Return codes (`pkcs11.h`, `ep11.h`).

use serde::{Deserialize, Serialize};

/// A `CK_RV` other than `CKR_OK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rv(pub u64);

macro_rules! codes {
    ($($constant:ident = $number:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $constant: Rv = Rv($number);)*
    };
}

codes! {
    ARGUMENTS_BAD = 0x07, "A pointer or length that must not be so.";
    ATTRIBUTE_TYPE_INVALID = 0x12, "An attribute that does not belong there.";
    ATTRIBUTE_VALUE_INVALID = 0x13, "An attribute with an impossible value.";
    DATA_INVALID = 0x20, "Data of a wrong form.";
    DATA_LEN_RANGE = 0x21, "Data of a wrong length.";
    ENCRYPTED_DATA_INVALID = 0x40, "Encrypted data that does not decrypt.";
    ENCRYPTED_DATA_LEN_RANGE = 0x41, "Encrypted data of a wrong length.";
    KEY_SIZE_RANGE = 0x62, "A size that keys do not have.";
    KEY_TYPE_INCONSISTENT = 0x63, "A key of another type.";
    KEY_FUNCTION_NOT_PERMITTED = 0x68, "A key that may not do this.";
    MECHANISM_INVALID = 0x70, "An unknown mechanism.";
    MECHANISM_PARAM_INVALID = 0x71, "Parameters that the mechanism does not have.";
    SIGNATURE_INVALID = 0xc0, "A signature by another key or of other data.";
    SIGNATURE_LEN_RANGE = 0xc1, "A signature of a wrong length.";
    TEMPLATE_INCOMPLETE = 0xd0, "An attribute is missing.";
    TEMPLATE_INCONSISTENT = 0xd1, "Attributes that contradict each other.";
    WRAPPED_KEY_INVALID = 0x110, "A wrapped key that does not unwrap.";
    WRAPPED_KEY_LEN_RANGE = 0x112, "A wrapped key of a wrong length.";
    CURVE_NOT_SUPPORTED = 0x140, "An unknown curve.";
    BUFFER_TOO_SMALL = 0x150, "No room for the result.";
    WKID_MISMATCH = 0x8001_0001, "A blob under another wrapping key.";
    TRANSPORT_ERROR = 0x8001_0003, "An adapter that does not answer.";
    BLOB_ERROR = 0x8001_0004, "A damaged blob.";
    WK_NOT_INITIALIZED = 0x8001_0009, "There is no wrapping key.";
    TARGET_INVALID = 0x8001_0030, "There is no such target.";
}
