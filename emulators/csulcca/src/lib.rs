//! An emulator of `libcsulcca.so`, the host library of CCA coprocessors, for tests.
//!
//! The shared object exports the C symbols of the fifteen verbs that zkey and the plugin use. The
//! adapters behind it are those of an [`emulated_card::Emulator`]. Cryptography is real; tokens
//! have the layouts of the hardware, big-endian, with check values and master key verification
//! patterns, and their private parts lie under the emulated master keys.
//!
//! It is as strict as the real library, or stricter: a rule array must be exactly one of those
//! that are known to be right, lengths must fit, reserved parameters must be empty; otherwise a
//! verb fails with return and reason code as documented ([`codes`]) and changes nothing.
//!
//! As with the real library, `CSU_DEFAULT_DOMAIN` and `CSU_DEFAULT_ADAPTER` are read when the
//! library is loaded (here: at its first call), not later.
//!
//! [`execute`] is the library without its C interface: one call of a verb on the state of one
//! loaded library. If the emulator has a socket ([`emulated_card::remote`]), calls go through it
//! and another process answers them with [`answer`].

mod adapter;
pub mod codes;
#[allow(unsafe_code)]
pub mod ffi;
mod pair;
mod secure_key;
mod verbs;

use emulated_card::{Apqn, Emulator, Kind};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use adapter::Adapter;
use codes::Code;

/// A parameter of a verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parameter {
    /// Count and rule array; as result, what comes back in its place.
    Rules(Vec<u8>),
    /// Length and data. Before the call, all the room there is; after it, what was filled.
    Buffer(Vec<u8>),
    /// Data of a known length.
    Fixed(Vec<u8>),
    /// A number.
    Number(i64),
    /// A pointer was null.
    Missing,
}

/// What a loaded library remembers between calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `CSU_DEFAULT_DOMAIN`
    pub default_domain: Option<String>,
    /// `CSU_DEFAULT_ADAPTER`
    pub default_adapter: Option<String>,
    /// The adapter that was allocated, counted from 1 among those that are online.
    pub allocated: Option<usize>,
    /// Whether any adapter may be used if none was allocated was switched off.
    pub no_automatic_choice: bool,
}

/// One call on its way to the adapter.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// State of the library.
    pub session: Session,
    /// Symbol of the verb.
    pub verb: String,
    /// Its parameters after the first four.
    pub parameters: Vec<Parameter>,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Response {
    /// State of the library.
    pub session: Session,
    /// Return and reason code.
    pub code: Code,
    /// The parameters as they are now; those before the call, if it failed.
    pub parameters: Vec<Parameter>,
}

/// Executes a verb.
pub fn execute(emulator: &Emulator, request: Request) -> Response {
    let Request {
        mut session,
        verb,
        parameters,
    } = request;
    let before = session.clone();
    let mut after = parameters.clone();
    let adapter = Adapter::new(emulator.machine(), &mut session);
    let apqn = adapter.apqn();
    emulator.note(&verb, apqn);
    let code = match adapter.machine.fault(&verb, apqn) {
        Some(fault) => Code(fault.code as i64, fault.reason as i64),
        None => verbs::run(&verb, adapter, &mut after).unwrap_or_else(|code| code),
    };
    if code.is_failure() {
        return Response {
            session: before,
            code,
            parameters,
        };
    }
    Response {
        session,
        code,
        parameters: after,
    }
}

/// Answers a message of a library whose adapters are in this process.
///
/// # Panics
/// The message is none of this library.
pub fn answer(emulator: &Emulator, message: &[u8]) -> Vec<u8> {
    let request = serde_json::from_slice(message).expect("a request");
    serde_json::to_vec(&execute(emulator, request)).expect("a response")
}

/// The AES key in a secure key of the adapter `apqn`, for tests that must know it.
pub fn clear_key(emulator: &Emulator, apqn: Apqn, token: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let machine = emulator.machine();
    let registers = machine.registers(apqn, Kind::Aes)?;
    let (key, _) = secure_key::SecureKey::open(token, registers).ok()?;
    Some(key.clear)
}
