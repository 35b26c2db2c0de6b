//! The C interface. Prototypes as in `ep11.h`.

use std::ffi::{c_int, c_long, c_uint, c_ulong, c_void};
use std::slice;

use emulated_card::{Apqn, Emulator, remote};

use crate::admin::{Command, REENCRYPT, ResponseBlock};
use crate::codes::{self, Rv};
use crate::memory::{
    CkAttribute, CkMechanism, MAX_DATA, must_be_null, put, read_bytes, read_mechanism, read_single,
    read_template,
};
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

/// `struct XCP_Module`
#[repr(C)]
pub(crate) struct XcpModule {
    version: u32,
    flags: u64,
    domains: u32,
    domain_mask: [u8; 32],
    host: [u8; 257],
    port: u32,
    module_number: u32,
    handle: *mut c_void,
    last_performance: [c_uint; 256],
    api: u32,
}

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

const MODULE_BY_NUMBER: u64 = 2;
const MODULE_ENLARGES: u64 = 0x80;
const TARGET_INIT: u64 = !0;
const E_ARGUMENT: c_int = -2;
const E_TARGET: c_int = -3;
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

#[unsafe(no_mangle)]
pub(crate) extern "C" fn m_init() -> c_int {
    match host_call("m_init", None) {
        Ok(_) => 0,
        Err(code) => code,
    }
}

/// # Safety
/// Both point to what their types say.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_add_module(module: *const XcpModule, target: *mut u64) -> c_int {
    // SAFETY: promised by the caller; null is seen.
    let (Some(module), Some(target)) = (unsafe { module.as_ref() }, unsafe { target.as_mut() })
    else {
        return E_ARGUMENT;
    };
    let Some(apqn) = only_domain(module) else {
        return E_ARGUMENT;
    };
    let emulator = match host_call("m_add_module", Some(apqn)) {
        Ok(emulator) => emulator,
        Err(code) => return code,
    };
    let machine = emulator.machine();
    let version = if machine.ep11_version.0 >= 3 { 2 } else { 1 };
    if module.version != version {
        return E_ARGUMENT;
    }
    if machine.domain(apqn).is_none() {
        return E_TARGET;
    }
    let added = targets::with(|targets| match (module.flags, *target) {
        (MODULE_BY_NUMBER, TARGET_INIT) => Some(targets.add(apqn)),
        (flags, old) if flags == MODULE_BY_NUMBER | MODULE_ENLARGES => targets.enlarge(old, apqn),
        _ => None,
    });
    match added {
        Some(handle) => {
            *target = handle;
            0
        }
        None => E_TARGET,
    }
}

/// The module if it names one domain of one adapter, and nothing else.
fn only_domain(module: &XcpModule) -> Option<Apqn> {
    let mut domains = (0..256_u16)
        .filter(|domain| module.domain_mask[usize::from(domain / 8)] & (0x80 >> (domain % 8)) != 0);
    let domain = domains.next().filter(|_| domains.next().is_none())?;
    let rest_is_zero = module.domains == 0
        && module.port == 0
        && module.api == 0
        && module.handle.is_null()
        && module.host == [0; 257]
        && module.last_performance == [0; 256];
    let card = u16::try_from(module.module_number).ok()?;
    rest_is_zero.then_some(Apqn::new(card, domain))
}

/// # Safety
/// `module` is null or points to a module.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn m_rm_module(module: *const XcpModule, target: u64) -> c_int {
    if let Err(code) = host_call("m_rm_module", None) {
        return code;
    }
    if !module.is_null() {
        return E_ARGUMENT;
    }
    match targets::with(|targets| targets.remove(target)) {
        Some(()) => 0,
        None => E_TARGET,
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
