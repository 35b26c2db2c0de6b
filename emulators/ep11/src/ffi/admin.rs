//! Administration: blocks with commands, and what adapters answer to them.

use std::ffi::{c_long, c_uint, c_ulong};
use std::slice;

use super::{call_target, rv, version};
use crate::admin::{Command, REENCRYPT, ResponseBlock};
use crate::memory::{MAX_DATA, must_be_null, put, read_bytes};
use crate::{Call, codes, targets};

/// `struct XCPadmresp`
#[repr(C)]
pub(crate) struct AdminResponse {
    function: u32,
    domain: u32,
    domain_instance: u32,
    module: [u8; 16],
    module_number: [u8; 8],
    module_instance: [u8; 8],
    counter: [u8; 16],
    rv: c_ulong,
    reason: u32,
    payload: *const u8,
    payload_length: usize,
}

/// # Safety
/// Pointers and lengths go together.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_admin(
    response1: *mut u8,
    length1: *mut usize,
    response2: *mut u8,
    length2: *mut usize,
    command: *const u8,
    command_length: usize,
    signatures: *const u8,
    signatures_length: usize,
    target: u64,
) -> c_ulong {
    let work = || {
        must_be_null(signatures, signatures_length)?;
        if !response2.is_null() || !length2.is_null() {
            return Err(codes::ARGUMENTS_BAD);
        }
        if target & targets::GROUP != 0 && version()?.0 > 1 {
            return Err(codes::TARGET_INVALID);
        }
        // SAFETY: promised by the caller.
        let command = unsafe { read_bytes(command, command_length)? };
        let outputs = call_target(target, Call::Admin(command))?;
        // SAFETY: promised by the caller.
        unsafe { put(&outputs[0], response1, length1.as_mut(), |length| length) }
    };
    rv(work())
}

macro_rules! families {
    ($($command_block:ident, $internal_rv:ident;)*) => {$(
        /// # Safety
        /// Pointers and lengths go together.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $command_block(
            block: *mut u8,
            block_length: usize,
            function: c_uint,
            info: *const AdminResponse,
            counter: *const u8,
            payload: *const u8,
            payload_length: usize,
        ) -> c_long {
            let payload = (payload, payload_length);
            // SAFETY: promised by the caller.
            unsafe { command_block((block, block_length), function, info, counter, payload) }
        }

        /// # Safety
        /// Pointers and lengths go together, and the block lives as long as the result is used.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $internal_rv(
            block: *const u8,
            block_length: usize,
            info: *mut AdminResponse,
            rv: *mut c_ulong,
        ) -> c_long {
            // SAFETY: promised by the caller.
            unsafe { internal_rv(block, block_length, info, rv) }
        }
    )*};
}

families! {
    xcpa_cmdblock, xcpa_internal_rv;
    ep11a_cmdblock, ep11a_internal_rv;
}

/// # Safety
/// Pointers and lengths go together.
unsafe fn command_block(
    (block, block_length): (*mut u8, usize),
    function: c_uint,
    info: *const AdminResponse,
    counter: *const u8,
    (payload, payload_length): (*const u8, usize),
) -> c_long {
    const FAILED: c_long = -1;
    // SAFETY: promised by the caller; null is seen.
    let Some(info) = (unsafe { info.as_ref() }) else {
        return FAILED;
    };
    // What was not set to zero makes the adapter refuse the block.
    let is_clean = info.function == 0
        && info.domain_instance == 0
        && info.module == [0; 16]
        && info.module_number == [0; 8]
        && info.module_instance == [0; 8]
        && info.counter == [0; 16];
    if function != REENCRYPT || !counter.is_null() || !is_clean {
        return FAILED;
    }
    // SAFETY: promised by the caller.
    let Ok(payload) = (unsafe { read_bytes(payload, payload_length) }) else {
        return FAILED;
    };
    let command = Command {
        function,
        domain: info.domain,
        payload: &payload,
    };
    let mut length = block_length;
    // SAFETY: promised by the caller.
    match unsafe { put(&command.encode(), block, Some(&mut length), |length| length) } {
        Ok(()) => length as c_long,
        Err(_) => FAILED,
    }
}

/// # Safety
/// Pointers and lengths go together, and the block lives as long as the result is used.
unsafe fn internal_rv(
    block: *const u8,
    block_length: usize,
    info: *mut AdminResponse,
    rv: *mut c_ulong,
) -> c_long {
    const FAILED: c_long = -1;
    if block.is_null() || block_length > MAX_DATA {
        return FAILED;
    }
    // SAFETY: promised by the caller; null is seen.
    let (block, info, rv) = unsafe {
        let block = slice::from_raw_parts(block, block_length);
        (block, info.as_mut(), rv.as_mut())
    };
    let (Some(info), Some(rv), Some(response)) = (info, rv, ResponseBlock::decode(block)) else {
        return FAILED;
    };
    if info.domain != response.domain {
        return FAILED;
    }
    info.function = response.function;
    info.rv = response.rv.into();
    info.payload = response.payload.as_ptr();
    info.payload_length = response.payload.len();
    *rv = response.rv.into();
    0
}
