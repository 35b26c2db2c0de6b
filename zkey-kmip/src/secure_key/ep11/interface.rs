//! The C interface of the EP11 host library: structures and constants, as in zkey's `ep11.h`,
//! `libseckey/sk_ep11.c` and PKCS #11 2.40.

use std::ffi::{c_int, c_long, c_uint, c_ulong, c_void};
use std::ptr;

/// `CK_ULONG` and `CK_RV`.
pub(super) type CkUlong = c_ulong;
/// `target_t`: what a call is for.
pub(super) type TargetHandle = u64;

/// A target that [`AddModule`] is to make.
pub(super) const TARGET_INIT: TargetHandle = !0;
/// No target, for questions that the library itself answers.
pub(super) const NO_TARGET: TargetHandle = 0;
/// A target with this bit stands for several APQNs.
pub(super) const TARGET_GROUP: TargetHandle = 1 << 63;

/// Room for any blob, `MAX_BLOBSIZE`.
pub(super) const MAX_BLOB: usize = 8192;
/// Bytes of a wrapping key verification pattern as the adapter tells it; blobs have the first 16.
pub(super) const FULL_PATTERN: usize = 32;

pub(super) type Init = unsafe extern "C" fn() -> c_int;
pub(super) type AddModule = unsafe extern "C" fn(*mut XcpModule, *mut TargetHandle) -> c_int;
pub(super) type RemoveModule = unsafe extern "C" fn(*mut XcpModule, TargetHandle) -> c_int;
pub(super) type GetXcpInfo =
    unsafe extern "C" fn(*mut c_void, *mut CkUlong, c_uint, c_uint, TargetHandle) -> CkUlong;
pub(super) type Admin = unsafe extern "C" fn(
    *mut u8,
    *mut usize,
    *mut u8,
    *mut usize,
    *const u8,
    usize,
    *const u8,
    usize,
    TargetHandle,
) -> CkUlong;
pub(super) type CommandBlock = unsafe extern "C" fn(
    *mut u8,
    usize,
    c_uint,
    *const AdminResponse,
    *const u8,
    *const u8,
    usize,
) -> c_long;
pub(super) type InternalRv =
    unsafe extern "C" fn(*const u8, usize, *mut AdminResponse, *mut CkUlong) -> c_long;
pub(super) type GenerateKeyPair = unsafe extern "C" fn(
    *mut CkMechanism,
    *mut CkAttribute,
    CkUlong,
    *mut CkAttribute,
    CkUlong,
    *const u8,
    usize,
    *mut u8,
    *mut usize,
    *mut u8,
    *mut usize,
    TargetHandle,
) -> CkUlong;
/// `m_SignSingle` and `m_EncryptSingle`.
pub(super) type SingleCall = unsafe extern "C" fn(
    *const u8,
    usize,
    *mut CkMechanism,
    *mut u8,
    CkUlong,
    *mut u8,
    *mut CkUlong,
    TargetHandle,
) -> CkUlong;
pub(super) type VerifySingle = unsafe extern "C" fn(
    *const u8,
    usize,
    *mut CkMechanism,
    *mut u8,
    CkUlong,
    *mut u8,
    CkUlong,
    TargetHandle,
) -> CkUlong;
pub(super) type UnwrapKey = unsafe extern "C" fn(
    *mut u8,
    CkUlong,
    *const u8,
    usize,
    *const u8,
    usize,
    *const u8,
    usize,
    *mut CkMechanism,
    *mut CkAttribute,
    CkUlong,
    *mut u8,
    *mut usize,
    *mut u8,
    *mut CkUlong,
    TargetHandle,
) -> CkUlong;

/// `struct XCP_Module` with the fields of version 2.
#[repr(C)]
pub(super) struct XcpModule {
    pub(super) version: u32,
    pub(super) flags: u64,
    domains: u32,
    pub(super) domain_mask: [u8; 32],
    socket_host: [u8; 257],
    socket_port: u32,
    pub(super) module_number: u32,
    module_handle: *mut c_void,
    last_performance: [c_uint; 256],
    api: u32,
}

impl XcpModule {
    /// `XCP_MFL_MODULE`: the module is named by its number.
    pub(super) const BY_NUMBER: u64 = 2;
    /// `XCP_MFL_ALW_TGT_ADD`: a target may be enlarged.
    pub(super) const ENLARGES: u64 = 0x80;

    /// One domain of one adapter.
    pub(super) fn new(version: u32, flags: u64, card: u16, domain: u8) -> XcpModule {
        let mut domain_mask = [0; 32];
        domain_mask[usize::from(domain / 8)] = 0x80 >> (domain % 8);
        XcpModule {
            version,
            flags,
            domains: 0,
            domain_mask,
            socket_host: [0; 257],
            socket_port: 0,
            module_number: u32::from(card),
            module_handle: ptr::null_mut(),
            last_performance: [0; 256],
            api: 0,
        }
    }
}

/// `ep11_target_t`: how libraries without `m_add_module` take targets.
#[repr(C)]
#[derive(Debug)]
pub(super) struct TargetList {
    format: i16,
    length: i16,
    apqns: [i16; 512],
}

impl TargetList {
    /// One APQN.
    pub(super) fn new(card: u16, domain: u16) -> TargetList {
        let mut apqns = [0; 512];
        // The field is a bit pattern; numbers of adapters and domains are below 256.
        apqns[0] = card as i16;
        apqns[1] = domain as i16;
        TargetList {
            format: 0,
            length: 1,
            apqns,
        }
    }
}

/// `struct XCPadmresp`.
#[repr(C)]
pub(super) struct AdminResponse {
    function: u32,
    pub(super) domain: u32,
    domain_instance: u32,
    module: [u8; 16],
    module_number: [u8; 8],
    module_instance: [u8; 8],
    transaction_counter: [u8; 16],
    rv: CkUlong,
    reason: u32,
    pub(super) payload: *const u8,
    pub(super) payload_length: usize,
}

impl AdminResponse {
    pub(super) fn new(domain: u16) -> AdminResponse {
        AdminResponse {
            function: 0,
            domain: u32::from(domain),
            domain_instance: 0,
            module: [0; 16],
            module_number: [0; 8],
            module_instance: [0; 8],
            transaction_counter: [0; 16],
            rv: 0,
            reason: 0,
            payload: ptr::null(),
            payload_length: 0,
        }
    }
}

/// `CK_IBM_DOMAIN_INFO`.
#[repr(C)]
#[derive(Default)]
pub(super) struct CkDomainInfo {
    domain: CkUlong,
    pub(super) wrapping_key: [u8; FULL_PATTERN],
    pub(super) next_wrapping_key: [u8; FULL_PATTERN],
    pub(super) flags: CkUlong,
    mode: [u8; 8],
}

/// `CK_IBM_DOM_CURR_WK`: there is a current wrapping key.
pub(super) const DOMAIN_CURRENT: CkUlong = 2;
/// `CK_IBM_DOM_NEXT_WK`: there is a next one.
pub(super) const DOMAIN_NEXT: CkUlong = 4;
/// `CK_IBM_DOM_COMMITTED_NWK`: the next one is committed.
pub(super) const DOMAIN_COMMITTED: CkUlong = 8;

/// `CK_IBM_XCPHQ_VERSION`: the version of the library.
pub(super) const QUERY_LIBRARY_VERSION: c_uint = 0xff00_0001;
/// `CK_IBM_XCPQ_DOMAIN`: [`CkDomainInfo`].
pub(super) const QUERY_DOMAIN: c_uint = 3;
/// `XCP_ADM_REENCRYPT`: put a blob under the next wrapping key.
pub(super) const ADMIN_REENCRYPT: c_uint = 25;

/// `CK_MECHANISM`.
#[repr(C)]
pub(super) struct CkMechanism {
    mechanism: CkUlong,
    parameter: *mut c_void,
    parameter_length: CkUlong,
}

/// `CK_RSA_PKCS_PSS_PARAMS`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct PssParameters {
    pub(super) hash: CkUlong,
    pub(super) mask: CkUlong,
    pub(super) salt_length: CkUlong,
}

/// `CK_RSA_PKCS_OAEP_PARAMS` without label.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct OaepParameters {
    hash: CkUlong,
    mask: CkUlong,
    source: CkUlong,
    /// A null pointer.
    source_data: usize,
    source_length: CkUlong,
}

impl OaepParameters {
    pub(super) fn new(hash: CkUlong, mask: CkUlong) -> OaepParameters {
        OaepParameters {
            hash,
            mask,
            source: 0,
            source_data: 0,
            source_length: 0,
        }
    }
}

/// The mechanisms that are used.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mechanism {
    RsaKeyPair,
    EcKeyPair,
    RsaPkcs,
    RsaOaep(OaepParameters),
    RsaPss(PssParameters),
    Ecdsa,
    AesEcb,
}

impl Mechanism {
    /// For the library. It points into `self` and must not outlive it.
    pub(super) fn raw(&self) -> CkMechanism {
        fn parameter<T>(parameters: &T) -> (*mut c_void, usize) {
            (ptr::from_ref(parameters).cast_mut().cast(), size_of::<T>())
        }
        let (parameter, length) = match self {
            Mechanism::RsaOaep(parameters) => parameter(parameters),
            Mechanism::RsaPss(parameters) => parameter(parameters),
            _ => (ptr::null_mut(), 0),
        };
        CkMechanism {
            mechanism: self.number(),
            parameter,
            parameter_length: length as CkUlong,
        }
    }

    const fn number(self) -> CkUlong {
        match self {
            Mechanism::RsaKeyPair => 0x0000,
            Mechanism::RsaPkcs => 0x0001,
            Mechanism::RsaOaep(_) => 0x0009,
            Mechanism::RsaPss(_) => 0x000d,
            Mechanism::EcKeyPair => 0x1040,
            Mechanism::Ecdsa => 0x1041,
            Mechanism::AesEcb => 0x1081,
        }
    }
}

/// `CK_ATTRIBUTE`.
#[repr(C)]
pub(super) struct CkAttribute {
    kind: CkUlong,
    value: *mut c_void,
    length: CkUlong,
}

/// One entry of a template.
pub(super) struct Attribute<'a>(pub(super) CkUlong, pub(super) Value<'a>);

/// The value of an attribute.
pub(super) enum Value<'a> {
    Flag(bool),
    Number(CkUlong),
    Bytes(&'a [u8]),
}

/// The attributes that templates have.
pub(super) mod attribute {
    use super::CkUlong;

    pub(in super::super) const CLASS: CkUlong = 0x000;
    pub(in super::super) const KEY_TYPE: CkUlong = 0x100;
    pub(in super::super) const SENSITIVE: CkUlong = 0x103;
    pub(in super::super) const ENCRYPT: CkUlong = 0x104;
    pub(in super::super) const DECRYPT: CkUlong = 0x105;
    pub(in super::super) const WRAP: CkUlong = 0x106;
    pub(in super::super) const UNWRAP: CkUlong = 0x107;
    pub(in super::super) const SIGN: CkUlong = 0x108;
    pub(in super::super) const VERIFY: CkUlong = 0x10a;
    pub(in super::super) const DERIVE: CkUlong = 0x10c;
    pub(in super::super) const MODULUS_BITS: CkUlong = 0x121;
    pub(in super::super) const PUBLIC_EXPONENT: CkUlong = 0x122;
    pub(in super::super) const EC_PARAMS: CkUlong = 0x180;
    /// IBM's: the kernel may use the key as protected key.
    pub(in super::super) const PROTECTED_KEY_EXTRACTABLE: CkUlong = 0x8001_000c;

    /// `CKO_SECRET_KEY`.
    pub(in super::super) const SECRET_KEY: CkUlong = 4;
    /// `CKK_AES`.
    pub(in super::super) const AES: CkUlong = 0x1f;
}

/// The templates for the library. They point into `attributes` and must not outlive it.
pub(super) fn raw_template(attributes: &[Attribute<'_>]) -> Vec<CkAttribute> {
    static FLAGS: [u8; 2] = [0, 1];
    let raw = |Attribute(kind, value): &Attribute<'_>| {
        let (pointer, length): (*const c_void, usize) = match value {
            Value::Flag(flag) => (ptr::from_ref(&FLAGS[usize::from(*flag)]).cast(), 1),
            Value::Number(number) => (ptr::from_ref(number).cast(), size_of::<CkUlong>()),
            Value::Bytes(bytes) => (bytes.as_ptr().cast(), bytes.len()),
        };
        CkAttribute {
            kind: *kind,
            value: pointer.cast_mut(),
            length: length as CkUlong,
        }
    };
    attributes.iter().map(raw).collect()
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// The offsets that a C compiler gives on 64-bit Linux, x86-64 as well as s390x.
    #[test]
    fn the_layout_is_that_of_c() {
        assert_eq!(offset_of!(XcpModule, flags), 8);
        assert_eq!(offset_of!(XcpModule, domain_mask), 20);
        assert_eq!(offset_of!(XcpModule, socket_port), 312);
        assert_eq!(offset_of!(XcpModule, module_number), 316);
        assert_eq!(offset_of!(XcpModule, last_performance), 328);
        assert_eq!(size_of::<XcpModule>(), 1360);
        assert_eq!(offset_of!(AdminResponse, rv), 64);
        assert_eq!(offset_of!(AdminResponse, payload), 80);
        assert_eq!(size_of::<AdminResponse>(), 96);
        assert_eq!(offset_of!(CkDomainInfo, flags), 72);
        assert_eq!(size_of::<CkDomainInfo>(), 88);
        assert_eq!(size_of::<TargetList>(), 1028);
        assert_eq!(size_of::<OaepParameters>(), 40);
    }
}
