//! The calls of the EP11 host library with Rust types. Lengths that it returns are checked.

use std::ptr;

use zeroize::Zeroizing;

use super::interface::{
    ADMIN_REENCRYPT, AdminResponse, Attribute, CkDomainInfo, CkUlong, DOMAIN_COMMITTED,
    DOMAIN_CURRENT, DOMAIN_NEXT, MAX_BLOB, Mechanism, QUERY_DOMAIN, SingleCall, TARGET_INIT,
    TargetHandle, XcpModule, raw_template,
};
use super::library::Library;
use super::return_code;
use crate::abi::Apqn;
use crate::secure_key::{CallFailure, MasterKeyPatterns, RegisterContent, VerificationPattern};

/// Bytes that `m_UnwrapKey` returns besides the key: a checksum of three, and the bits of the key.
const CHECKSUM: usize = 7;
/// Version 3 of the library brought version 2 of [`XcpModule`].
const VERSION_OF_MODULES_2: u8 = 3;

/// A call that failed.
#[derive(Debug)]
pub(super) struct FailedCall {
    pub(super) call: &'static str,
    pub(super) failure: CallFailure,
}

/// A generated key pair.
pub(super) struct KeyPair {
    pub(super) private: Zeroizing<Vec<u8>>,
    /// SubjectPublicKeyInfo with a MAC behind it.
    pub(super) public: Vec<u8>,
}

/// An unwrapped key.
pub(super) struct Unwrapped {
    pub(super) blob: Zeroizing<Vec<u8>>,
    /// Size of the clear key.
    pub(super) bits: u32,
}

impl Library {
    /// Makes a target for a domain, or adds the domain to `target`.
    pub(super) fn add_module(
        &self,
        apqn: Apqn,
        target: Option<TargetHandle>,
    ) -> Option<Result<TargetHandle, FailedCall>> {
        const CALL: &str = "m_add_module";
        let add_module = self.table.add_module?;
        let Ok(domain) = u8::try_from(apqn.domain) else {
            return Some(Err(nonsense(CALL, "it knows no such domain")));
        };
        let version = if self.version.major >= VERSION_OF_MODULES_2 {
            2
        } else {
            1
        };
        let flags = match target {
            None => XcpModule::BY_NUMBER,
            Some(_) => XcpModule::BY_NUMBER | XcpModule::ENLARGES,
        };
        let mut module = XcpModule::new(version, flags, apqn.card, domain);
        let mut target = target.unwrap_or(TARGET_INIT);
        // SAFETY: both point to initialized values of the types that the function takes, and the
        // library keeps neither.
        let code = unsafe { add_module(&mut module, &mut target) };
        let checked = return_code::check_host(code);
        Some(checked.map(|()| target).map_err(|failure| FailedCall {
            call: CALL,
            failure,
        }))
    }

    /// Frees a target of [`Library::add_module`].
    pub(super) fn remove_target(&self, target: TargetHandle) {
        if let Some(remove_module) = self.table.remove_module {
            // SAFETY: the target comes from `m_add_module`; without module, all of it is freed.
            // There is nothing to do if that fails.
            unsafe { remove_module(ptr::null_mut(), target) };
        }
    }

    pub(super) fn master_keys(
        &self,
        target: TargetHandle,
    ) -> Result<MasterKeyPatterns, FailedCall> {
        const CALL: &str = "m_get_xcp_info";
        let mut info = CkDomainInfo::default();
        let mut length = size_of::<CkDomainInfo>() as CkUlong;
        let pointer = (&raw mut info).cast();
        // SAFETY: the library writes at most `length` bytes to `info`, in which every bit pattern
        // is valid.
        let code =
            unsafe { (self.table.get_xcp_info)(pointer, &mut length, QUERY_DOMAIN, 0, target) };
        check(CALL, code)?;
        if (length as usize) < size_of::<CkDomainInfo>() {
            return Err(nonsense(CALL, "it told too little about the domain"));
        }
        let content = |flag, bytes: &[u8]| {
            let mut pattern = [0; 16];
            pattern.copy_from_slice(&bytes[..16]);
            if info.flags & flag == 0 {
                RegisterContent::Empty
            } else {
                RegisterContent::Key(VerificationPattern(pattern))
            }
        };
        let is_committed = info.flags & DOMAIN_COMMITTED != 0;
        Ok(MasterKeyPatterns {
            old: RegisterContent::Empty,
            current: content(DOMAIN_CURRENT, &info.wrapping_key),
            new: match content(DOMAIN_NEXT | DOMAIN_COMMITTED, &info.next_wrapping_key) {
                RegisterContent::Key(_) if !is_committed => RegisterContent::Unfinished,
                content => content,
            },
        })
    }

    pub(super) fn generate_key_pair(
        &self,
        mechanism: &Mechanism,
        public: &[Attribute<'_>],
        private: &[Attribute<'_>],
        target: TargetHandle,
    ) -> Result<KeyPair, FailedCall> {
        const CALL: &str = "m_GenerateKeyPair";
        let mut raw_mechanism = mechanism.raw();
        let mut raw_public = raw_template(public);
        let mut raw_private = raw_template(private);
        let mut key = Zeroizing::new(vec![0; MAX_BLOB]);
        let mut public_key = vec![0; MAX_BLOB];
        let mut key_length = key.len();
        let mut public_length = public_key.len();
        // SAFETY: every pointer goes with its length. Mechanism and templates point into the
        // arguments, which live longer than the call, and are only read.
        let code = unsafe {
            (self.table.generate_key_pair)(
                &mut raw_mechanism,
                raw_public.as_mut_ptr(),
                raw_public.len() as CkUlong,
                raw_private.as_mut_ptr(),
                raw_private.len() as CkUlong,
                ptr::null(),
                0,
                key.as_mut_ptr(),
                &mut key_length,
                public_key.as_mut_ptr(),
                &mut public_length,
                target,
            )
        };
        check(CALL, code)?;
        shorten(CALL, &mut key, key_length)?;
        shorten(CALL, &mut public_key, public_length)?;
        Ok(KeyPair {
            private: key,
            public: public_key,
        })
    }

    pub(super) fn sign(
        &self,
        key: &[u8],
        mechanism: &Mechanism,
        data: &[u8],
        target: TargetHandle,
    ) -> Result<Vec<u8>, FailedCall> {
        let function = self.table.sign_single;
        single("m_SignSingle", function, key, mechanism, data, target)
    }

    pub(super) fn encrypt(
        &self,
        key: &[u8],
        mechanism: &Mechanism,
        data: &[u8],
        target: TargetHandle,
    ) -> Result<Vec<u8>, FailedCall> {
        let function = self.table.encrypt_single;
        single("m_EncryptSingle", function, key, mechanism, data, target)
    }

    pub(super) fn verify(
        &self,
        public: &[u8],
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
        target: TargetHandle,
    ) -> Result<(), FailedCall> {
        let mut raw_mechanism = mechanism.raw();
        // SAFETY: every pointer goes with its length, and the function only reads, although it
        // takes pointers to what may be changed.
        let code = unsafe {
            (self.table.verify_single)(
                public.as_ptr(),
                public.len(),
                &mut raw_mechanism,
                data.as_ptr().cast_mut(),
                data.len() as CkUlong,
                signature.as_ptr().cast_mut(),
                signature.len() as CkUlong,
                target,
            )
        };
        check("m_VerifySingle", code)
    }

    pub(super) fn unwrap_key(
        &self,
        wrapped: &[u8],
        wrapping_key: &[u8],
        mechanism: &Mechanism,
        template: &[Attribute<'_>],
        target: TargetHandle,
    ) -> Result<Unwrapped, FailedCall> {
        const CALL: &str = "m_UnwrapKey";
        let mut raw_mechanism = mechanism.raw();
        let mut raw_attributes = raw_template(template);
        let mut blob = Zeroizing::new(vec![0; MAX_BLOB]);
        let mut blob_length = blob.len();
        let mut checksum = [0; CHECKSUM];
        let mut checksum_length = checksum.len() as CkUlong;
        // SAFETY: every pointer goes with its length. Mechanism and template point into the
        // arguments, which live longer than the call. The wrapped key is only read, although the
        // function takes a pointer to what may be changed.
        let code = unsafe {
            (self.table.unwrap_key)(
                wrapped.as_ptr().cast_mut(),
                wrapped.len() as CkUlong,
                wrapping_key.as_ptr(),
                wrapping_key.len(),
                ptr::null(),
                0,
                ptr::null(),
                0,
                &mut raw_mechanism,
                raw_attributes.as_mut_ptr(),
                raw_attributes.len() as CkUlong,
                blob.as_mut_ptr(),
                &mut blob_length,
                checksum.as_mut_ptr(),
                &mut checksum_length,
                target,
            )
        };
        check(CALL, code)?;
        shorten(CALL, &mut blob, blob_length)?;
        // The bits of the key are the last four bytes, big-endian.
        let bits = usize::try_from(checksum_length)
            .ok()
            .and_then(|length| checksum.get(..length)?.last_chunk().copied())
            .ok_or_else(|| nonsense(CALL, "it did not tell the size of the key"))?;
        Ok(Unwrapped {
            blob,
            bits: u32::from_be_bytes(bits),
        })
    }

    /// Puts a blob, or a public key with its MAC, under the next master key.
    pub(super) fn reencrypt(
        &self,
        apqn: Apqn,
        blob: &[u8],
        target: TargetHandle,
    ) -> Result<Zeroizing<Vec<u8>>, FailedCall> {
        let command = self.command_block(apqn, blob)?;
        let mut response_block = Zeroizing::new(vec![0; 2 * MAX_BLOB]);
        let mut length = response_block.len();
        // SAFETY: every pointer goes with its length. There is no second response, and there are
        // no signatures.
        let code = unsafe {
            (self.table.admin)(
                response_block.as_mut_ptr(),
                &mut length,
                ptr::null_mut(),
                ptr::null_mut(),
                command.as_ptr(),
                command.len(),
                ptr::null(),
                0,
                target,
            )
        };
        check("m_admin", code)?;
        shorten("m_admin", &mut response_block, length)?;
        self.payload(apqn, &response_block)
    }

    fn command_block(&self, apqn: Apqn, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, FailedCall> {
        const CALL: &str = "xcpa_cmdblock";
        let info = AdminResponse::new(apqn.domain);
        let mut command = Zeroizing::new(vec![0; 2 * MAX_BLOB]);
        // SAFETY: every pointer goes with its length; there is no transaction counter.
        let length = unsafe {
            (self.table.command_block)(
                command.as_mut_ptr(),
                command.len(),
                ADMIN_REENCRYPT,
                &info,
                ptr::null(),
                blob.as_ptr(),
                blob.len(),
            )
        };
        let length =
            usize::try_from(length).map_err(|_| nonsense(CALL, "it made no command block"))?;
        shorten(CALL, &mut command, length)?;
        Ok(command)
    }

    /// What an administrative call returned.
    fn payload(&self, apqn: Apqn, block: &[u8]) -> Result<Zeroizing<Vec<u8>>, FailedCall> {
        const CALL: &str = "xcpa_internal_rv";
        let mut info = AdminResponse::new(apqn.domain);
        let mut code: CkUlong = 0;
        // SAFETY: the block goes with its length; the other two are written to.
        let parsed =
            unsafe { (self.table.internal_rv)(block.as_ptr(), block.len(), &mut info, &mut code) };
        if parsed != 0 {
            return Err(nonsense(CALL, "the answer of the adapter cannot be read"));
        }
        check("m_admin", code)?;
        // The payload lies within the block; looked up there, a wrong pointer does no harm.
        (info.payload as usize)
            .checked_sub(block.as_ptr() as usize)
            .and_then(|start| block.get(start..)?.get(..info.payload_length))
            .map(|payload| Zeroizing::new(payload.to_vec()))
            .ok_or_else(|| nonsense(CALL, "the result is not within the answer"))
    }
}

fn single(
    call: &'static str,
    function: SingleCall,
    key: &[u8],
    mechanism: &Mechanism,
    data: &[u8],
    target: TargetHandle,
) -> Result<Vec<u8>, FailedCall> {
    let mut raw_mechanism = mechanism.raw();
    let mut result = vec![0; MAX_BLOB];
    let mut length = result.len() as CkUlong;
    // SAFETY: every pointer goes with its length. The data is only read, although the function
    // takes a pointer to what may be changed.
    let code = unsafe {
        function(
            key.as_ptr(),
            key.len(),
            &mut raw_mechanism,
            data.as_ptr().cast_mut(),
            data.len() as CkUlong,
            result.as_mut_ptr(),
            &mut length,
            target,
        )
    };
    check(call, code)?;
    shorten(call, &mut result, length as usize)?;
    Ok(result)
}

fn check(call: &'static str, rv: CkUlong) -> Result<(), FailedCall> {
    return_code::check(rv).map_err(|failure| FailedCall { call, failure })
}

fn shorten(call: &'static str, buffer: &mut Vec<u8>, length: usize) -> Result<(), FailedCall> {
    if length == 0 || length > buffer.len() {
        return Err(nonsense(call, "the result has an impossible length"));
    }
    buffer.truncate(length);
    Ok(())
}

pub(super) fn nonsense(call: &'static str, problem: &'static str) -> FailedCall {
    let failure = CallFailure::Nonsense(problem);
    FailedCall { call, failure }
}
