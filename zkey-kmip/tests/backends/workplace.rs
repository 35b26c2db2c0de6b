//! A machine with one of the backends.

use std::ffi::OsStr;
use std::fs;

use emulated_card::{Apqn, Emulator, Kind, Machine as Adapters, Mode};
use kmip::types::State;
use openssl::symm::{Cipher, encrypt};
use openssl::x509::X509;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{
    Configured, ImportRequest, Kms, OptionValue, PluginError, Property, SecureKeyType,
};
use zkey_kmip::plugin::Plugin;
use zkey_kmip::secure_key::ap_bus::ApBus;
use zkey_kmip::secure_key::cca::Cca;
use zkey_kmip::secure_key::ep11::{Ep11, PkeyDevice, PkeyVerdict};
use zkey_kmip::secure_key::software::Software;
use zkey_kmip::secure_key::{CardType, SecureKeyBackend};

use crate::machine::{APQNS, Machine, configure};

/// What makes the secure keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Software,
    Cca,
    Ep11,
}

pub(crate) const BACKENDS: [Backend; 3] = [Backend::Software, Backend::Cca, Backend::Ep11];

/// The adapters behind [`APQNS`], and one that nobody uses.
const PLACES: [Apqn; 2] = [Apqn::new(3, 0x39), Apqn::new(0x1a, 5)];

/// A machine whose plugin works with a backend.
pub(crate) struct Workplace {
    pub(crate) machine: Machine,
    backend: Backend,
    emulator: Option<Emulator>,
}

impl Workplace {
    pub(crate) fn new(backend: Backend) -> Workplace {
        let card_type = match backend {
            Backend::Software | Backend::Cca => CardType::Cca,
            Backend::Ep11 => CardType::Ep11,
        };
        let machine = Machine::with(card_type);
        let emulator = match backend {
            Backend::Software => None,
            Backend::Cca => Some((Mode::Cca, "libcsulcca.so")),
            Backend::Ep11 => Some((Mode::Ep11, "libep11.so")),
        };
        let emulator = emulator.map(|(mode, library)| {
            let directory = machine.path("adapters");
            let emulator = Emulator::create(&directory, &Adapters::new(mode, &PLACES));
            // Cargo leaves the shared objects of dependencies beside the test.
            let test = std::env::current_exe().unwrap();
            let installed = match mode {
                Mode::Ep11 => "libep11.so.4",
                _ => library,
            };
            emulator.install(&test.parent().unwrap().join(library), installed);
            emulator
        });
        Workplace {
            machine,
            backend,
            emulator,
        }
    }

    /// As a new process of zkey has it.
    pub(crate) fn plugin(&self) -> Plugin {
        let (backend, file) = (self.backend, self.machine.master_keys());
        let emulator = self.emulator.clone();
        self.machine
            .plugin_with(move |card_type| open(backend, card_type, file.clone(), emulator.as_ref()))
    }

    pub(crate) fn configure(&self, options: &[(i32, &str)]) -> Result<Configured, PluginError> {
        configure(&self.plugin(), None, options)
    }

    /// Up to a client certificate, which the authority of the machine issues.
    pub(crate) fn with_certificate(&self, identity_key: &str) -> X509 {
        let path = |name| self.machine.text_path(name);
        let (request, certificate) = (path("client.csr"), path("client.pem"));
        let options = [
            (code::GEN_IDENTITY_KEY, identity_key),
            (code::GEN_CSR, &request),
            (code::CERT_SUBJECT, "CN=client"),
        ];
        configure(&self.plugin(), Some(&APQNS), &options).unwrap();
        let issued = fs::read(request).unwrap();
        let issued = self.machine.authority.sign_request(&issued);
        fs::write(&certificate, &issued).unwrap();
        self.configure(&[(code::CLIENT_CERT, &certificate)])
            .unwrap();
        X509::from_pem(&issued).unwrap()
    }

    /// Configures the connection, with the user's answers to the questions.
    pub(crate) fn connect(
        &self,
        server: &str,
        profile: &str,
        answers: &[&str],
    ) -> Result<Configured, PluginError> {
        self.machine.terminal.will_answer(answers);
        self.configure(&[
            (code::KMIP_SERVER, server),
            (code::TLS_CA_BUNDLE, &self.machine.text_path("ca.pem")),
            (code::PROFILE, profile),
        ])
    }

    pub(crate) fn key_types(&self) -> &'static [SecureKeyType] {
        self.machine.card_type.secure_key_types()
    }

    /// Whether the secure key is made of this key.
    pub(crate) fn holds(&self, secure_key: &[u8], clear: &[u8]) -> bool {
        match (&self.emulator, self.backend) {
            (None, _) => {
                let cipher = match clear.len() {
                    16 => Cipher::aes_128_cbc(),
                    24 => Cipher::aes_192_cbc(),
                    _ => Cipher::aes_256_cbc(),
                };
                let expected = encrypt(cipher, clear, Some(&[0; 16]), &[0; 32]).unwrap();
                let pattern = self.machine.backend().verification_pattern(secure_key);
                pattern.unwrap() == expected[..32]
            }
            (Some(emulator), Backend::Ep11) => ep11::clear_key(emulator, secure_key) == clear,
            (Some(emulator), _) => {
                let found = csulcca::clear_key(emulator, PLACES[0], secure_key);
                *found.unwrap() == *clear
            }
        }
    }

    /// Puts a new master key into NEW.
    pub(crate) fn load_master_key(&self) {
        match &self.emulator {
            None => {
                self.machine.master_keys().load_new().unwrap();
            }
            Some(emulator) => emulator.change(|adapters| {
                let kinds = self.kinds();
                kinds.iter().for_each(|kind| adapters.load_new(*kind));
            }),
        }
    }

    /// Makes the new master key the current one.
    pub(crate) fn set_master_key(&self) {
        match &self.emulator {
            None => {
                self.machine.master_keys().set_new().unwrap();
            }
            Some(emulator) => emulator.change(|adapters| {
                let kinds = self.kinds();
                kinds.iter().for_each(|kind| adapters.set(*kind));
            }),
        }
    }

    fn kinds(&self) -> &'static [Kind] {
        match self.backend {
            Backend::Ep11 => &[Kind::Wk],
            Backend::Software | Backend::Cca => &[Kind::Aes, Kind::Apka],
        }
    }
}

fn open(
    backend: Backend,
    card_type: CardType,
    file: zkey_kmip::secure_key::software::MasterKeyFile,
    emulator: Option<&Emulator>,
) -> Box<dyn SecureKeyBackend> {
    let Some(emulator) = emulator else {
        return Box::new(Software::new(card_type, file));
    };
    let bus = ApBus::below(emulator.sysfs_root());
    let directory = emulator.library_directory();
    match backend {
        Backend::Ep11 => Box::new(Ep11::open_in(&directory, bus, Box::new(NoKernel)).unwrap()),
        _ => {
            let library = directory.join("libcsulcca.so");
            Box::new(Cca::new(library.as_os_str(), bus))
        }
    }
}

/// The kernel knows nothing of emulated adapters.
struct NoKernel;

impl PkeyDevice for NoKernel {
    fn verify(&self, _key: &[u8]) -> PkeyVerdict {
        PkeyVerdict::Unknown
    }
}

pub(crate) fn import(
    plugin: &Plugin,
    id: &str,
    key_type: Option<SecureKeyType>,
) -> Result<Vec<u8>, PluginError> {
    plugin.import_key(&ImportRequest {
        key_id: id,
        key_type,
        blob_capacity: 672,
    })
}

/// Removes a key, and brings it into this state at the server.
pub(crate) fn remove(plugin: &Plugin, id: &str, state: State) {
    let name = match state {
        State::DEACTIVATED => "DEACTIVATED",
        State::COMPROMISED => "COMPROMISED",
        State::DESTROYED => "DESTROYED",
        _ => "DESTROYED-COMPROMISED",
    };
    let option = OptionValue {
        code: code::STATE,
        argument: Some(OsStr::new(name)),
    };
    plugin
        .remove_key(id, &[option])
        .unwrap_or_else(|error| panic!("{name}: {error}"));
}

pub(crate) fn properties() -> [Property<'static>; 4] {
    [
        Property::new("zkey-name", "disk"),
        Property::new("description", "the key of the disk"),
        Property::new("volumes", ""),
        Property::new("volume-type", "LUKS2"),
    ]
}
