//! The C interface. Prototypes as in `ep11.h`.

mod admin;
mod keys;
mod modules;

use std::ffi::{c_int, c_uint, c_ulong, c_void};
use std::slice;

use emulated_card::{Apqn, Emulator, remote};

use crate::codes::{self, Rv};
use crate::memory::put;
use crate::{Call, Request, Response, execute, targets};

/// `CK_IBM_DOMAIN_INFO`
#[repr(C)]
struct CkDomainInfo {
    domain: c_ulong,
    current: [u8; 32],
    next: [u8; 32],
    flags: c_ulong,
    mode: [u8; 8],
}

const E_INIT: c_int = -6;

/// Something of this loaded library. An exported function would not do: when several copies are
/// loaded, its name means that of the first.
static IN_THIS_LIBRARY: u8 = 0;

fn emulator() -> Option<Emulator> {
    Emulator::of_library((&raw const IN_THIS_LIBRARY).cast())
}

/// The fault of a call that is not for an adapter; the call is noted.
fn host_call(symbol: &str, apqn: Option<Apqn>) -> Result<Emulator, c_int> {
    let emulator = emulator().ok_or(E_INIT)?;
    emulator.note(symbol, apqn);
    match emulator.machine().fault(symbol, apqn) {
        // Negative numbers are stored as what they are in 64 bits.
        Some(fault) => Err(fault.code as c_int),
        None => Ok(emulator),
    }
}

/// # Safety
/// `info` has room for `length` bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_get_xcp_info(
    info: *mut c_void,
    length: *mut c_ulong,
    query: c_uint,
    subquery: c_uint,
    target: u64,
) -> c_ulong {
    const LIBRARY_VERSION: c_uint = 0xff00_0001;
    const DOMAIN: c_uint = 3;
    let work = || {
        let bytes = match (query, subquery, target) {
            (LIBRARY_VERSION, 0, 0) => {
                let emulator = emulator().ok_or(codes::TRANSPORT_ERROR)?;
                let machine = emulator.machine();
                if let Some(fault) = machine.fault("m_get_xcp_info", None) {
                    return Err(Rv(fault.code));
                }
                let (major, minor, modification) = machine.ep11_version;
                let number = match major {
                    // As it was in those days.
                    0 | 1 => 0x100,
                    _ => u32::from_be_bytes([0, major, minor, modification]),
                };
                number.to_ne_bytes().to_vec()
            }
            (DOMAIN, 0, _) => {
                let (apqn, outputs) = call_with_apqn(target, Call::DomainInfo)?;
                domain_info(apqn, &outputs)
            }
            _ => return Err(codes::ARGUMENTS_BAD),
        };
        // SAFETY: promised by the caller.
        unsafe {
            put(&bytes, info.cast(), length.as_mut(), |bytes| {
                bytes as c_ulong
            })
        }
    };
    rv(work())
}

/// `CK_IBM_DOMAIN_INFO` as it lies in memory.
fn domain_info(apqn: Apqn, outputs: &[Vec<u8>]) -> Vec<u8> {
    let mut flags = [0; 8];
    flags.copy_from_slice(&outputs[2]);
    let mut info = CkDomainInfo {
        domain: apqn.domain.into(),
        current: [0; 32],
        next: [0; 32],
        flags: u64::from_be_bytes(flags) as c_ulong,
        mode: [0; 8],
    };
    info.current.copy_from_slice(&outputs[0]);
    info.next.copy_from_slice(&outputs[1]);
    let pointer = (&raw const info).cast::<u8>();
    // SAFETY: the structure has no padding between its fields, all of which are initialized.
    unsafe { slice::from_raw_parts(pointer, size_of::<CkDomainInfo>()) }.to_vec()
}

fn version() -> Result<(u8, u8, u8), Rv> {
    let emulator = emulator().ok_or(codes::TRANSPORT_ERROR)?;
    Ok(emulator.machine().ep11_version)
}

fn call_target(target: u64, call: Call) -> Response {
    call_with_apqn(target, call).map(|(_, outputs)| outputs)
}

fn call_with_apqn(target: u64, call: Call) -> Result<(Apqn, Vec<Vec<u8>>), Rv> {
    let emulator = emulator().ok_or(codes::TRANSPORT_ERROR)?;
    let machine = emulator.machine();
    let apqn = if machine.ep11_version.0 <= 1 {
        // SAFETY: callers of version 1 pass pointers.
        unsafe { targets::of_list(target)? }
    } else {
        targets::with(|targets| targets.domain(&machine, target))?
    };
    let request = Request { apqn, call };
    if !remote::is_wanted(emulator.directory()) {
        return Ok((apqn, execute(&emulator, &request)?));
    }
    let message = serde_json::to_vec(&request).expect("JSON");
    let answer = remote::call(emulator.directory(), &message);
    let answer = answer.map_err(|_| codes::TRANSPORT_ERROR)?;
    let response: Response = serde_json::from_slice(&answer).expect("a response");
    Ok((apqn, response?))
}

fn rv(result: Result<(), Rv>) -> c_ulong {
    match result {
        Ok(()) => 0,
        Err(Rv(code)) => code as c_ulong,
    }
}
