//! What stands in for adapters on a machine that has none.

use crate::environment;
use crate::secure_key::{BACKEND_VARIABLE, ap_bus::ApBus};

/// Chooses the software backend if this machine cannot have adapters and nobody has chosen. It
/// warns on each use. The plugin, a shared object of this process, gets to know by the
/// environment.
///
/// # Safety
/// There is no other thread, which could read the environment at the same time.
pub unsafe fn choose() {
    if environment::variable(BACKEND_VARIABLE).is_none() && ApBus::system().is_none() {
        // SAFETY: by contract.
        unsafe { std::env::set_var(BACKEND_VARIABLE, "software") };
    }
}
