//! The backend for CCA coprocessors, with the emulated host library and adapters.

mod keys;

use std::fs;
use std::path::{Path, PathBuf};

use emulated_card::{
    Apqn as Emulated, Emulator, Fault, Kind, Machine, MasterKey, Mode, without_symbol,
};
use tempfile::TempDir;
use zkey_kmip::abi::{Apqn, SecureKeyType};
use zkey_kmip::secure_key::ap_bus::ApBus;
use zkey_kmip::secure_key::cca::Cca;
use zkey_kmip::secure_key::{
    CallFailure, Curve, DigestAlgorithm, KeyKind, KeySpec, ReencipherStep, Register,
    SecureKeyBackend, SecureKeyError, SignatureScheme,
};

use crate::bench::{Bench, PADDINGS, import, signs};
use crate::{sizes, suite};

const CARDS: [(u16, u16); 3] = [(3, 0x39), (3, 0x3a), (0x1a, 0x39)];

/// A machine with three APQNs on two adapters.
pub(crate) struct Coprocessors {
    _directory: TempDir,
    pub(crate) emulator: Emulator,
}

impl Coprocessors {
    pub(crate) fn new() -> Coprocessors {
        let cards = CARDS.map(|(card, domain)| Emulated::new(card, domain));
        Coprocessors::with(&Machine::new(Mode::Cca, &cards))
    }

    fn with(machine: &Machine) -> Coprocessors {
        let directory = tempfile::tempdir().unwrap();
        let emulator = Emulator::create(directory.path(), machine);
        emulator.install(&built_library(), "libcsulcca.so");
        Coprocessors {
            _directory: directory,
            emulator,
        }
    }

    fn library(&self) -> PathBuf {
        self.emulator.library_directory().join("libcsulcca.so")
    }

    /// As a new process would have it, with no adapter yet.
    fn open(&self) -> Cca {
        let bus = ApBus::below(self.emulator.sysfs_root());
        Cca::new(self.library().as_os_str(), bus)
    }

    pub(crate) fn selected(&self, apqns: &[Apqn]) -> Cca {
        let backend = self.open();
        assert_eq!(backend.select_apqn(apqns).unwrap(), apqns[0]);
        backend
    }

    fn first(&self) -> Cca {
        self.selected(&apqns()[..1])
    }

    fn fail(&self, call: &str, code: u64, reason: u64) {
        let fault = Fault::of(call, code, reason);
        self.emulator.change(|machine| machine.faults = vec![fault]);
    }

    fn repair(&self) {
        self.emulator.change(|machine| machine.faults.clear());
    }
}

impl Bench for Coprocessors {
    fn backend(&self) -> Box<dyn SecureKeyBackend> {
        Box::new(self.selected(&apqns()))
    }

    fn clear_key(&self, secure_key: &[u8]) -> Vec<u8> {
        let apqn = Emulated::new(CARDS[0].0, CARDS[0].1);
        let clear = csulcca::clear_key(&self.emulator, apqn, secure_key);
        clear.unwrap().to_vec()
    }

    fn load_new(&self) {
        self.emulator.change(|machine| {
            machine.load_new(Kind::Aes);
            machine.load_new(Kind::Apka);
        });
    }

    fn set_new(&self) {
        self.emulator.change(|machine| {
            machine.set(Kind::Aes);
            machine.set(Kind::Apka);
        });
    }

    fn has_old(&self) -> bool {
        true
    }
}

/// Cargo leaves the shared objects of dependencies beside the test.
fn built_library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().join("libcsulcca.so")
}

fn apqns() -> [Apqn; 3] {
    CARDS.map(|(card, domain)| Apqn { card, domain })
}

fn emulated(apqn: Apqn) -> Emulated {
    Emulated::new(apqn.card, apqn.domain)
}

fn small_key(backend: &dyn SecureKeyBackend) -> Vec<u8> {
    let spec = KeySpec::Ecc(Curve::Prime256v1);
    backend.generate_identity_key(spec).unwrap()
}

fn sign(backend: &dyn SecureKeyBackend, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
    let scheme = SignatureScheme::Ecdsa;
    backend.sign(key, scheme, DigestAlgorithm::Sha256, &[7; 32])
}

fn cca_code(error: &SecureKeyError) -> Option<(i64, i64)> {
    match error {
        SecureKeyError::Call {
            failure:
                CallFailure::Cca {
                    return_code,
                    reason_code,
                    ..
                },
            ..
        } => Some((*return_code, *reason_code)),
        _ => None,
    }
}

/// Each text must be in the message.
#[track_caller]
fn tells(error: &SecureKeyError, texts: &[&str]) {
    let message = error.to_string();
    for text in texts {
        assert!(message.contains(text), "`{text}` is not in: {message}");
    }
}

#[test]
fn it_behaves_as_any_backend() {
    suite::run(&Coprocessors::new());
}

#[test]
fn rsa_keys_have_any_size() {
    sizes::run(&Coprocessors::new());
}

#[test]
fn signatures_are_made_by_the_adapter_only() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let key = small_key(&backend);
    coprocessors.emulator.forget_calls();
    sign(&backend, &key).unwrap();
    let calls = coprocessors.emulator.calls();
    assert_eq!(calls, [("CSNDDSG".to_owned(), "03.0039".to_owned())]);
}

#[test]
fn the_apqn_is_found_by_serial_number_and_domain() {
    let coprocessors = Coprocessors::new();
    for apqn in apqns() {
        let backend = coprocessors.selected(&[apqn]);
        coprocessors.emulator.forget_calls();
        small_key(&backend);
        for (call, place) in coprocessors.emulator.calls() {
            assert_eq!(place, apqn.to_string(), "{call}");
        }
        let name = backend.info().unwrap().name;
        assert!(name.contains("8.2.30"), "{name}");
    }
}

#[test]
fn two_backends_do_not_disturb_each_other() {
    let (one, other) = (Coprocessors::new(), Coprocessors::new());
    let first = one.selected(&apqns()[..1]);
    let second = other.selected(&apqns()[2..]);
    let key = small_key(&first);
    tells(
        &sign(&second, &key).unwrap_err(),
        &["CSNDDSG", "1a.0039", "8", "48"],
    );
    sign(&first, &key).unwrap();
}

#[test]
fn what_cannot_be_used_is_said_and_the_next_one_taken() {
    let coprocessors = Coprocessors::new();
    let [first, second, third] = apqns();
    type Change = fn(&mut Machine);
    let changes: [(Change, &str); 6] = [
        (|machine| machine.card_mut(3).online = false, "not online"),
        (
            |machine| machine.domain_mut(Emulated::new(3, 0x39)).online = false,
            "not online",
        ),
        (|machine| machine.card_mut(3).mode = Mode::Ep11, "type EP11"),
        (
            |machine| machine.card_mut(3).mode = Mode::Accelerator,
            "neither CCA nor EP11",
        ),
        (|machine| machine.card_mut(3).level = 2, "CEX3"),
        (
            |machine| machine.card_mut(3).serial.clear(),
            "serial number",
        ),
    ];
    let good = coprocessors.emulator.machine();
    for (change, text) in changes {
        coprocessors.emulator.change(change);
        let error = coprocessors.open().select_apqn(&[first]).unwrap_err();
        tells(&error, &["03.0039", text]);
        assert!(coprocessors.open().check_apqns(&[third, first]).is_err());
        let chosen = coprocessors.open().select_apqn(&[first, third]).unwrap();
        assert_eq!(chosen, third);
        coprocessors
            .emulator
            .change(|machine| *machine = good.clone());
    }
    let unknown = Apqn { card: 9, domain: 1 };
    let error = coprocessors.open().select_apqn(&[unknown]).unwrap_err();
    tells(&error, &["09.0001", "no such adapter"]);
    let unknown = Apqn { card: 3, domain: 1 };
    let error = coprocessors.open().select_apqn(&[unknown]).unwrap_err();
    tells(&error, &["03.0001", "no such domain"]);
    let error = coprocessors.open().select_apqn(&[]).unwrap_err();
    assert!(matches!(error, SecureKeyError::NoApqn));
    let chosen = coprocessors.open().select_apqn(&[unknown, second]);
    assert_eq!(chosen.unwrap(), second);
    // Without AP bus there are no adapters.
    let backend = Cca::new(coprocessors.library().as_os_str(), None);
    assert!(backend.select_apqn(&[first]).is_err());
    assert!(backend.check_apqns(&[first]).is_err());
}

#[test]
fn an_adapter_that_the_library_does_not_know_is_said() {
    let coprocessors = Coprocessors::new();
    let serial = "bus/ap/devices/card03/serialnr";
    fs::write(
        coprocessors.emulator.sysfs_root().join(serial),
        "OTHER123\n",
    )
    .unwrap();
    let error = coprocessors.open().select_apqn(&apqns()[..1]).unwrap_err();
    tells(&error, &["03.0039", "OTHER123", "host library"]);
}

#[test]
fn a_missing_library_is_said() {
    let coprocessors = Coprocessors::new();
    fs::remove_file(coprocessors.library()).unwrap();
    let error = coprocessors.open().select_apqn(&apqns()).unwrap_err();
    tells(
        &error,
        &["libcsulcca.so", "CCA", "ZKEY_KMIP_BACKEND=software"],
    );
    assert!(std::error::Error::source(&error).is_some());
    fs::write(coprocessors.library(), "no library").unwrap();
    assert!(coprocessors.open().select_apqn(&apqns()).is_err());
}

#[test]
fn each_missing_function_is_named() {
    let coprocessors = Coprocessors::new();
    for verb in [
        "CSUACFV", "CSUACFQ", "CSUACRA", "CSUACRD", "CSNBKTC", "CSNBKTC2", "CSNBKTB2", "CSNBKTR2",
        "CSNBRKA", "CSNDPKG", "CSNDPKB", "CSNDKTC", "CSNDDSG", "CSNDPKD", "CSNDSYI",
    ] {
        let library = coprocessors.emulator.install(&built_library(), verb);
        without_symbol(&library, verb);
        let bus = ApBus::below(coprocessors.emulator.sysfs_root());
        let backend = Cca::new(library.as_os_str(), bus);
        let error = backend.select_apqn(&apqns()).unwrap_err();
        fs::remove_file(library).unwrap();
        assert!(
            matches!(error, SecureKeyError::SymbolMissing { .. }),
            "{verb}"
        );
        tells(&error, &[verb, "libcsulcca.so", "newer version"]);
    }
}

#[test]
fn when_an_adapter_fails_the_next_one_is_used() {
    let coprocessors = Coprocessors::new();
    let [first, second, third] = apqns();
    let backend = coprocessors.selected(&[first, second, third]);
    let key = small_key(&backend);
    for (broken, next) in [(first, second), (second, first)] {
        let fault = Fault::of("CSNDDSG", 12, 338).on(emulated(broken));
        coprocessors
            .emulator
            .change(|machine| machine.faults = vec![fault]);
        coprocessors.emulator.forget_calls();
        sign(&backend, &key).unwrap();
        let calls = coprocessors.emulator.calls();
        let signed = calls.iter().filter(|(call, _)| call == "CSNDDSG");
        let places: Vec<_> = signed.map(|(_, place)| place.clone()).collect();
        assert_eq!(places, [broken.to_string(), next.to_string()]);
    }
    // A whole adapter, with both of its domains.
    coprocessors.repair();
    coprocessors
        .emulator
        .change(|machine| machine.card_mut(3).online = false);
    sign(&backend, &key).unwrap();
    coprocessors
        .emulator
        .change(|machine| machine.card_mut(0x1a).online = false);
    let error = sign(&backend, &key).unwrap_err();
    tells(
        &error,
        &["CSNDDSG", "return code 12", "reason code 338", "online"],
    );
    coprocessors
        .emulator
        .change(|machine| machine.card_mut(3).online = true);
    sign(&backend, &key).unwrap();
}

#[test]
fn a_refusal_is_no_reason_to_try_another_adapter() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.selected(&apqns());
    let key = small_key(&backend);
    coprocessors.fail("CSNDDSG", 8, 90);
    coprocessors.emulator.forget_calls();
    let error = sign(&backend, &key).unwrap_err();
    tells(
        &error,
        &[
            "CSNDDSG",
            "03.0039",
            "return code 8",
            "reason code 90",
            "access control",
        ],
    );
    assert_eq!(coprocessors.emulator.count("CSNDDSG"), 1);
    // Codes that nobody explains are told, too.
    coprocessors.fail("CSNDDSG", 8, 4711);
    tells(
        &sign(&backend, &key).unwrap_err(),
        &["return code 8", "reason code 4711"],
    );
}

#[test]
fn each_verb_that_fails_is_named() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    let identity_key = small_key(&backend);
    let make = |key_type| import(&backend, &wrapping_key, key_type, PADDINGS[0], &[7; 32]);
    let keys = [SecureKeyType::CcaAesData, SecureKeyType::CcaAesCipher].map(|t| make(t).unwrap());
    coprocessors.load_new();
    let step = ReencipherStep::CurrentToNew;
    type Operation<'o> = &'o dyn Fn() -> Result<Vec<u8>, SecureKeyError>;
    let cases: [(&str, Operation<'_>); 12] = [
        ("CSNDPKB", &|| backend.generate_wrapping_key(512)),
        ("CSNDPKG", &|| {
            backend.generate_identity_key(KeySpec::DEFAULT)
        }),
        ("CSNDDSG", &|| sign(&backend, &identity_key)),
        ("CSNDSYI", &|| make(SecureKeyType::CcaAesData)),
        ("CSNBKTB2", &|| make(SecureKeyType::CcaAesCipher)),
        ("CSNBKTR2", &|| make(SecureKeyType::CcaAesCipher)),
        ("CSNBRKA", &|| make(SecureKeyType::CcaAesCipher)),
        ("CSUACFQ", &|| make(SecureKeyType::CcaAesCipher)),
        ("CSNDKTC", &|| backend.reencipher(&identity_key, step)),
        ("CSNBKTC", &|| backend.reencipher(&keys[0], step)),
        ("CSNBKTC2", &|| backend.reencipher(&keys[1], step)),
        ("CSUACFQ", &|| backend.reencipher(&identity_key, step)),
    ];
    for (verb, operation) in cases {
        coprocessors.fail(verb, 16, 336);
        let error = operation().unwrap_err();
        tells(
            &error,
            &[verb, "03.0039", "return code 16", "reason code 336", "log"],
        );
        coprocessors.repair();
        operation().unwrap();
    }
    for verb in ["CSUACFV", "CSUACFQ", "CSUACRA"] {
        coprocessors.fail(verb, 12, 338);
        let error = coprocessors.open().select_apqn(&apqns()[..1]).unwrap_err();
        tells(
            &error,
            &[verb, "03.0039", "return code 12", "reason code 338"],
        );
    }
}

#[test]
fn old_libraries_that_know_no_restricted_pairs_make_the_common_ones() {
    // The C plugin makes those, so this is also what its files hold.
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    coprocessors
        .emulator
        .change(|machine| machine.cca_version = "5.2.0".to_owned());
    let identity = backend.generate_identity_key(KeySpec::Rsa(1024)).unwrap();
    let wrapping = backend.generate_wrapping_key(1024).unwrap();
    coprocessors
        .emulator
        .change(|machine| machine.cca_version = "8.2.30z".to_owned());
    for key in [&identity, &wrapping] {
        assert_eq!(backend.verify(key).unwrap().kind, KeyKind::Identity);
        assert!(signs(
            &backend,
            key,
            SignatureScheme::RsaPss,
            DigestAlgorithm::Sha256
        ));
        import(
            &backend,
            key,
            SecureKeyType::CcaAesData,
            PADDINGS[1],
            &[7; 16],
        )
        .unwrap();
    }
}
