//! An emulator of `libep11.so.4`, the host library of EP11 coprocessors, for tests.
//!
//! The shared object exports the C symbols that zkey and the plugin use, those for administrative
//! blocks in both families (`xcpa_`, `ep11a_`). The adapters behind it are those of an
//! [`emulated_card::Emulator`]. Cryptography is real. Blobs have the layout of the hardware: see
//! [`blob`].
//!
//! It is as strict as the real library, or stricter: templates must have exactly the attributes
//! that are known to be right, lengths must fit, and what must be null must be null; otherwise a
//! call fails with a documented code ([`codes`]) and changes nothing. A target that was not added,
//! or was removed, is refused.
//!
//! If the emulated library has version 1, targets are pointers to lists, as in those days; the
//! functions for modules are still there and must be taken away
//! ([`emulated_card::without_symbol`]).
//!
//! [`execute`] is the library without its C interface: one call for one domain. If the emulator
//! has a socket ([`emulated_card::remote`]), calls go through it and another process answers them
//! with [`answer`].

pub mod admin;
pub mod blob;
pub mod codes;
#[allow(unsafe_code)]
mod ffi;
#[allow(unsafe_code)]
mod memory;
mod pairs;
mod secret;
#[allow(unsafe_code)]
mod targets;
mod template;

use emulated_card::{Apqn, Emulator, Kind, Machine, MasterKey, Mode, Register, Registers};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use blob::{Blob, Content};
use codes::Rv;

pub use template::Template;

/// A mechanism with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mechanism {
    /// `CKM_...`
    pub number: u64,
    /// Its parameters.
    pub parameter: Parameter,
}

/// Parameters of a mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parameter {
    /// None.
    None,
    /// `CK_RSA_PKCS_PSS_PARAMS`: hash, mask generation function, length of the salt.
    Pss(u64, u64, u64),
    /// `CK_RSA_PKCS_OAEP_PARAMS` without label: hash, mask generation function.
    Oaep(u64, u64),
}

/// A call for an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// `m_get_xcp_info` for the domain: current and next wrapping key, flags (big-endian).
    DomainInfo,
    /// `m_GenerateKeyPair`: blob, public key.
    GenerateKeyPair {
        /// The mechanism.
        mechanism: Mechanism,
        /// Template of the public key.
        public: Template,
        /// Template of the private key.
        private: Template,
    },
    /// `m_SignSingle`: signature.
    Sign(Single),
    /// `m_EncryptSingle`: what was encrypted.
    Encrypt(Single),
    /// `m_DecryptSingle`: what was decrypted.
    Decrypt(Single),
    /// `m_VerifySingle`: nothing.
    Verify(Single, Vec<u8>),
    /// `m_UnwrapKey`: blob, checksum with bits.
    Unwrap {
        /// Key and wrapped key.
        single: Single,
        /// Template of the new key.
        template: Template,
    },
    /// `m_admin`: response block.
    Admin(Vec<u8>),
}

/// A key and what to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Single {
    /// The key.
    pub key: Vec<u8>,
    /// How.
    pub mechanism: Mechanism,
    /// The data.
    pub data: Vec<u8>,
}

impl Call {
    /// The C symbol.
    pub fn symbol(&self) -> &'static str {
        match self {
            Call::DomainInfo => "m_get_xcp_info",
            Call::GenerateKeyPair { .. } => "m_GenerateKeyPair",
            Call::Sign(_) => "m_SignSingle",
            Call::Encrypt(_) => "m_EncryptSingle",
            Call::Decrypt(_) => "m_DecryptSingle",
            Call::Verify(..) => "m_VerifySingle",
            Call::Unwrap { .. } => "m_UnwrapKey",
            Call::Admin(_) => "m_admin",
        }
    }
}

/// A call on its way to the adapter.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The domain.
    pub apqn: Apqn,
    /// What to do.
    pub call: Call,
}

/// What comes back: outputs in their order, or a `CK_RV`.
pub type Response = Result<Vec<Vec<u8>>, Rv>;

/// One call.
pub fn execute(emulator: &Emulator, request: &Request) -> Response {
    let machine = emulator.machine();
    let (apqn, symbol) = (request.apqn, request.call.symbol());
    emulator.note(symbol, Some(apqn));
    if let Some(fault) = machine.fault(symbol, Some(apqn)) {
        return Err(Rv(fault.code));
    }
    let domain = Domain::find(&machine, apqn)?;
    match &request.call {
        Call::DomainInfo => Ok(domain.info()),
        Call::GenerateKeyPair {
            mechanism,
            public,
            private,
        } => pairs::generate(&domain, mechanism, public, private),
        Call::Sign(single) => pairs::sign(&domain, single),
        Call::Verify(single, signature) => pairs::verify(&domain, single, signature),
        Call::Encrypt(single) => secret::encrypt(&domain, single),
        Call::Decrypt(single) => pairs::decrypt(&domain, single),
        Call::Unwrap { single, template } => secret::unwrap(&domain, single, template),
        Call::Admin(command) => admin::execute(&domain, apqn, command),
    }
}

/// Answers one message of [`emulated_card::remote`].
///
/// # Panics
/// It is none of this library.
pub fn answer(emulator: &Emulator, message: &[u8]) -> Vec<u8> {
    let request: Request = serde_json::from_slice(message).expect("a request");
    serde_json::to_vec(&execute(emulator, &request)).expect("JSON")
}

/// The AES key in a secure key, with or without header, under any register: what no adapter would
/// ever tell.
///
/// # Panics
/// It is none of this machine.
pub fn clear_key(emulator: &Emulator, secure_key: &[u8]) -> Vec<u8> {
    let length = usize::from(u16::from_be_bytes([secure_key[2], secure_key[3]]));
    let mut blob = match secure_key[4] {
        6 => secure_key[16..length].to_vec(),
        _ => secure_key[..length].to_vec(),
    };
    if secure_key[4] == 3 {
        blob[..16].fill(0);
    }
    let mut machine = emulator.machine();
    let mut all = machine.all_registers_mut(Kind::Wk);
    let key = all.find_map(|registers| {
        let (_, key) = registers.find(&blob[32..48])?;
        Some(key.clone())
    });
    let key = key.expect("a master key of this machine");
    match Blob::open(&key, &blob).expect("a blob").content {
        Content::Aes(key) => key.to_vec(),
        Content::Private(_) => panic!("this is no AES key"),
    }
}

/// A domain that answers.
struct Domain<'m> {
    registers: &'m Registers,
    /// Ordinal number of the interface.
    api: u32,
}

impl<'m> Domain<'m> {
    fn find(machine: &'m Machine, apqn: Apqn) -> Result<Domain<'m>, Rv> {
        let card = machine.cards.iter().find(|card| card.number == apqn.card);
        let card = card.filter(|card| card.mode == Mode::Ep11);
        let api = card.ok_or(codes::TARGET_INVALID)?.api;
        let registers = machine
            .registers(apqn, Kind::Wk)
            .ok_or(codes::TARGET_INVALID)?;
        if machine.is_online(apqn) {
            Ok(Domain { registers, api })
        } else {
            Err(codes::TRANSPORT_ERROR)
        }
    }

    /// The wrapping key in use.
    fn current(&self) -> Result<&MasterKey, Rv> {
        let current = self.registers.get(Register::Current);
        current.ok_or(codes::WK_NOT_INITIALIZED)
    }

    fn open(&self, blob: &[u8]) -> Result<Blob, Rv> {
        Blob::open(self.current()?, blob)
    }

    fn info(&self) -> Vec<Vec<u8>> {
        const CURRENT: u64 = 2;
        const NEXT: u64 = 4;
        const COMMITTED: u64 = 8;
        const IMPRINTED: u64 = 0x10;
        const PROTECTED_KEYS: u64 = 0x20;
        let registers = self.registers;
        let pattern = |key: &Option<MasterKey>| {
            let pattern = key.as_ref().map_or([0; 32], MasterKey::pattern);
            pattern.to_vec()
        };
        let mut flags = IMPRINTED | PROTECTED_KEYS;
        if registers.current.is_some() {
            flags |= CURRENT;
        }
        if registers.new.is_some() {
            flags |= NEXT;
        }
        if registers.get(Register::New).is_some() {
            flags |= COMMITTED;
        }
        vec![
            pattern(&registers.current),
            pattern(&registers.new),
            flags.to_be_bytes().to_vec(),
        ]
    }
}

/// Clear data that is wiped.
type Clear = Zeroizing<Vec<u8>>;
