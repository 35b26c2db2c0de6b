//! The library itself, and its modules: which adapters and domains a target stands for.

use std::ffi::{c_int, c_uint, c_void};

use emulated_card::Apqn;

use super::host_call;
use crate::targets;

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

const MODULE_BY_NUMBER: u64 = 2;
const MODULE_ENLARGES: u64 = 0x80;
const TARGET_INIT: u64 = !0;
const E_ARGUMENT: c_int = -2;
const E_TARGET: c_int = -3;

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
