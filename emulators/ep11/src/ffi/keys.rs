//! Keys: generation, use, and unwrapping.

use std::ffi::c_ulong;

use super::{call_target, rv};
use crate::Call;
use crate::memory::{
    CkAttribute, CkMechanism, must_be_null, put, read_bytes, read_mechanism, read_single,
    read_template,
};

/// # Safety
/// Pointers and lengths go together.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_GenerateKeyPair(
    mechanism: *const CkMechanism,
    public: *const CkAttribute,
    public_count: c_ulong,
    private: *const CkAttribute,
    private_count: c_ulong,
    pin: *const u8,
    pin_length: usize,
    key: *mut u8,
    key_length: *mut usize,
    public_key: *mut u8,
    public_length: *mut usize,
    target: u64,
) -> c_ulong {
    let work = || {
        must_be_null(pin, pin_length)?;
        // SAFETY: promised by the caller.
        let call = unsafe {
            Call::GenerateKeyPair {
                mechanism: read_mechanism(mechanism)?,
                public: read_template(public, public_count)?,
                private: read_template(private, private_count)?,
            }
        };
        let outputs = call_target(target, call)?;
        // SAFETY: promised by the caller.
        unsafe {
            put(&outputs[0], key, key_length.as_mut(), |length| length)?;
            put(&outputs[1], public_key, public_length.as_mut(), |length| {
                length
            })
        }
    };
    rv(work())
}

macro_rules! singles {
    ($($symbol:ident = $call:path;)*) => {$(
        /// # Safety
        /// Pointers and lengths go together.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $symbol(
            key: *const u8,
            key_length: usize,
            mechanism: *const CkMechanism,
            data: *const u8,
            data_length: c_ulong,
            result: *mut u8,
            result_length: *mut c_ulong,
            target: u64,
        ) -> c_ulong {
            let work = || {
                // SAFETY: promised by the caller.
                let single = unsafe { read_single(key, key_length, mechanism, data, data_length)? };
                let outputs = call_target(target, $call(single))?;
                // SAFETY: promised by the caller.
                unsafe {
                    put(&outputs[0], result, result_length.as_mut(), |length| length as c_ulong)
                }
            };
            rv(work())
        }
    )*};
}

singles! {
    m_SignSingle = Call::Sign;
    m_EncryptSingle = Call::Encrypt;
    m_DecryptSingle = Call::Decrypt;
}

/// # Safety
/// Pointers and lengths go together.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_VerifySingle(
    key: *const u8,
    key_length: usize,
    mechanism: *const CkMechanism,
    data: *const u8,
    data_length: c_ulong,
    signature: *const u8,
    signature_length: c_ulong,
    target: u64,
) -> c_ulong {
    let work = || {
        // SAFETY: promised by the caller.
        let (single, signature) = unsafe {
            let single = read_single(key, key_length, mechanism, data, data_length)?;
            (single, read_bytes(signature, signature_length as usize)?)
        };
        call_target(target, Call::Verify(single, signature)).map(drop)
    };
    rv(work())
}

/// # Safety
/// Pointers and lengths go together.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_UnwrapKey(
    wrapped: *const u8,
    wrapped_length: c_ulong,
    key: *const u8,
    key_length: usize,
    mac_key: *const u8,
    mac_key_length: usize,
    pin: *const u8,
    pin_length: usize,
    mechanism: *const CkMechanism,
    template: *const CkAttribute,
    count: c_ulong,
    unwrapped: *mut u8,
    unwrapped_length: *mut usize,
    checksum: *mut u8,
    checksum_length: *mut c_ulong,
    target: u64,
) -> c_ulong {
    let work = || {
        must_be_null(mac_key, mac_key_length)?;
        must_be_null(pin, pin_length)?;
        // SAFETY: promised by the caller.
        let call = unsafe {
            Call::Unwrap {
                single: read_single(key, key_length, mechanism, wrapped, wrapped_length)?,
                template: read_template(template, count)?,
            }
        };
        let outputs = call_target(target, call)?;
        // SAFETY: promised by the caller.
        unsafe {
            put(
                &outputs[0],
                unwrapped,
                unwrapped_length.as_mut(),
                |length| length,
            )?;
            let length = checksum_length.as_mut();
            put(&outputs[1], checksum, length, |length| length as c_ulong)
        }
    };
    rv(work())
}
