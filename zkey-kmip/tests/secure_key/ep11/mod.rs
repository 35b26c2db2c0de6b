//! The backend for EP11 adapters, with the emulator of their library.

mod keys;

use std::path::PathBuf;
use std::sync::Mutex;

use emulated_card::{Apqn as Place, Emulator, Fault, Kind, Machine, Mode, without_symbol};
use tempfile::TempDir;
use zkey_kmip::abi::{Apqn, SecureKeyType};
use zkey_kmip::secure_key::ap_bus::{ApBus, ApqnProblem};
use zkey_kmip::secure_key::ep11::{Ep11, LIBRARY_NAMES, PkeyDevice, PkeyVerdict};
use zkey_kmip::secure_key::{
    CallFailure, CardType, Curve, DigestAlgorithm, KeySpec, ReencipherStep, Register,
    SecureKeyBackend, SecureKeyError, SignatureScheme,
};

use crate::bench::{Bench, PADDINGS, import};
use crate::{sizes, suite};

const FIRST: Place = Place::new(3, 0x39);
const SECOND: Place = Place::new(0x1a, 5);
const CURRENT_TO_NEW: ReencipherStep = ReencipherStep::CurrentToNew;
const DEVICE_REMOVED: u64 = 0x32;
const WKID_MISMATCH: u64 = 0x8001_0001;
const TRANSPORT_ERROR: u64 = 0x8001_0003;
const BLOB_ERROR: u64 = 0x8001_0004;

/// A machine with two adapters.
struct Ep11Bench {
    emulator: Emulator,
    _directory: TempDir,
}

impl Ep11Bench {
    fn new() -> Ep11Bench {
        Ep11Bench::with_library("libep11.so.4", &[])
    }

    /// With the library under this name, and without these functions.
    fn with_library(name: &str, without: &[&str]) -> Ep11Bench {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine::new(Mode::Ep11, &[FIRST, SECOND]);
        let emulator = Emulator::create(directory.path(), &machine);
        let library = emulator.install(&library(), name);
        for symbol in without {
            without_symbol(&library, symbol);
        }
        Ep11Bench {
            emulator,
            _directory: directory,
        }
    }

    fn try_open(&self, pkey: impl PkeyDevice + 'static) -> Result<Ep11, SecureKeyError> {
        let bus = ApBus::below(self.emulator.sysfs_root());
        Ep11::open_in(&self.emulator.library_directory(), bus, Box::new(pkey))
    }

    /// Working with both adapters.
    fn open(&self) -> Ep11 {
        let backend = self.try_open(Kernel::default()).unwrap();
        backend.select_apqn(&both()).unwrap();
        backend
    }

    fn fault(&self, fault: Fault) {
        self.emulator.change(|machine| machine.faults.push(fault));
    }

    fn no_fault(&self) {
        self.emulator.change(|machine| machine.faults.clear());
    }

    fn key(&self) -> Vec<u8> {
        let spec = KeySpec::Ecc(Curve::Prime256v1);
        self.open().generate_identity_key(spec).unwrap()
    }
}

impl Bench for Ep11Bench {
    fn backend(&self) -> Box<dyn SecureKeyBackend> {
        Box::new(self.open())
    }

    fn clear_key(&self, secure_key: &[u8]) -> Vec<u8> {
        ::ep11::clear_key(&self.emulator, secure_key)
    }

    fn load_new(&self) {
        self.emulator.change(|machine| machine.load_new(Kind::Wk));
    }

    fn set_new(&self) {
        self.emulator.change(|machine| machine.set(Kind::Wk));
    }

    fn has_old(&self) -> bool {
        false
    }
}

/// The shared object that cargo built together with this test.
fn library() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    executable.parent().unwrap().join("libep11.so")
}

fn apqn(place: Place) -> Apqn {
    Apqn {
        card: place.card,
        domain: place.domain,
    }
}

fn both() -> [Apqn; 2] {
    [apqn(FIRST), apqn(SECOND)]
}

/// A kernel that takes keys of these lengths, and refuses others with this number.
#[derive(Default)]
struct Kernel {
    takes: Option<(Vec<usize>, i32)>,
    asked: Mutex<Vec<usize>>,
}

impl Kernel {
    fn taking(lengths: &[usize], refusal: i32) -> Kernel {
        Kernel {
            takes: Some((lengths.to_vec(), refusal)),
            asked: Mutex::default(),
        }
    }
}

impl PkeyDevice for Kernel {
    fn verify(&self, key: &[u8]) -> PkeyVerdict {
        self.asked.lock().unwrap().push(key.len());
        match &self.takes {
            None => PkeyVerdict::Unknown,
            Some((lengths, _)) if lengths.contains(&key.len()) => PkeyVerdict::Usable,
            Some((_, refusal)) => PkeyVerdict::Refused(std::io::Error::from_raw_os_error(*refusal)),
        }
    }
}

fn sign(backend: &Ep11, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
    let algorithm = DigestAlgorithm::Sha256;
    backend.sign(key, SignatureScheme::Ecdsa, algorithm, &[7; 32])
}

/// The error must name all this, as the user needs it.
fn names(error: &SecureKeyError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn it_behaves_as_any_backend() {
    suite::run(&Ep11Bench::new());
}

#[test]
fn rsa_keys_have_any_size() {
    sizes::run(&Ep11Bench::new());
}

#[test]
fn it_tells_what_it_is() {
    let bench = Ep11Bench::new();
    let backend = bench.try_open(Kernel::default()).unwrap();
    let info = backend.info().unwrap();
    assert_eq!((info.card_type, info.master_key), (CardType::Ep11, None));
    backend.select_apqn(&both()).unwrap();
    let info = backend.info().unwrap();
    assert!(info.name.contains("libep11.so.4 4.0.0"), "{}", info.name);
    assert!(info.name.contains("CEX8P"), "{}", info.name);
    assert_eq!(info.warning, None);
    let key = bench.key();
    let master_key = backend.verify(&key).unwrap().master_key;
    assert_eq!(info.master_key, Some(master_key));
}

#[test]
fn nothing_works_before_adapters_are_selected() {
    let bench = Ep11Bench::new();
    let backend = bench.try_open(Kernel::default()).unwrap();
    let error = backend.generate_wrapping_key(2048).unwrap_err();
    assert!(matches!(error, SecureKeyError::NoApqn));
    let error = backend.select_apqn(&[]).unwrap_err();
    assert!(matches!(error, SecureKeyError::NoApqn));
}

#[test]
fn older_libraries_are_found_too() {
    for name in LIBRARY_NAMES {
        let bench = Ep11Bench::with_library(name, &[]);
        let backend = bench.try_open(Kernel::default()).unwrap();
        let name_with_version = format!("{name} ");
        assert!(backend.info().unwrap().name.contains(&name_with_version));
    }
    let bench = Ep11Bench::new();
    std::fs::remove_dir_all(bench.emulator.library_directory()).unwrap();
    let error = bench.try_open(Kernel::default()).unwrap_err();
    assert!(matches!(error, SecureKeyError::LibraryMissing { .. }));
    names(&error, &["EP11", "libep11.so.4", "install"]);
}

#[test]
fn a_missing_function_is_named() {
    for symbol in ["m_init", "m_EncryptSingle", "m_UnwrapKey"] {
        let bench = Ep11Bench::with_library("libep11.so.4", &[symbol]);
        let error = bench.try_open(Kernel::default()).unwrap_err();
        assert!(matches!(error, SecureKeyError::SymbolMissing { .. }));
        names(&error, &[symbol, "libep11.so.4"]);
    }
    let both_families = ["xcpa_cmdblock", "ep11a_cmdblock"];
    let bench = Ep11Bench::with_library("libep11.so.4", &both_families);
    let error = bench.try_open(Kernel::default()).unwrap_err();
    names(&error, &["xcpa_cmdblock"]);
}

#[test]
fn either_family_of_administrative_functions_will_do() {
    for without in [
        ["xcpa_cmdblock", "xcpa_internal_rv"],
        ["ep11a_cmdblock", "ep11a_internal_rv"],
    ] {
        let bench = Ep11Bench::with_library("libep11.so.4", &without);
        let key = bench.key();
        bench.load_new();
        let new = bench.open().reencipher(&key, CURRENT_TO_NEW).unwrap();
        bench.set_new();
        sign(&bench.open(), &new).unwrap();
    }
}

#[test]
fn libraries_of_version_1_take_lists_as_targets() {
    let bench = Ep11Bench::with_library("libep11.so.1", &["m_add_module", "m_rm_module"]);
    bench
        .emulator
        .change(|machine| machine.ep11_version = (1, 0, 0));
    let backend = bench.open();
    assert!(backend.info().unwrap().name.contains("1.0.0"));
    let key = bench.key();
    sign(&backend, &key).unwrap();
    bench.load_new();
    backend.reencipher(&key, CURRENT_TO_NEW).unwrap();
}

#[test]
fn modules_of_version_2_of_the_library_are_smaller() {
    let bench = Ep11Bench::with_library("libep11.so.2", &[]);
    bench
        .emulator
        .change(|machine| machine.ep11_version = (2, 1, 0));
    sign(&bench.open(), &bench.key()).unwrap();
}

#[test]
fn a_library_that_cannot_be_initialized_is_told() {
    let bench = Ep11Bench::new();
    bench.fault(Fault::of("m_init", -7_i64 as u64, 0));
    let error = bench.try_open(Kernel::default()).unwrap_err();
    names(&error, &["m_init", "-7", "/dev/z90crypt"]);
    bench.no_fault();
    bench.fault(Fault::of("m_add_module", -3_i64 as u64, 0).on(FIRST));
    let backend = bench.try_open(Kernel::default()).unwrap();
    let error = backend.select_apqn(&both()[..1]).unwrap_err();
    names(&error, &["03.0039", "m_add_module", "-3"]);
    assert_eq!(backend.select_apqn(&both()).unwrap(), apqn(SECOND));
}

#[test]
fn adapters_must_be_online_of_the_type_and_new_enough() {
    let bench = Ep11Bench::new();
    let backend = bench.try_open(Kernel::default()).unwrap();
    backend.check_apqns(&both()).unwrap();
    let spoil = |change: &dyn Fn(&mut Machine), problem: &dyn Fn(&ApqnProblem) -> bool| {
        let good = bench.emulator.machine();
        bench.emulator.change(change);
        for result in [
            backend.check_apqns(&both()).map(drop),
            backend.select_apqn(&[apqn(SECOND)]).map(drop),
        ] {
            match result.unwrap_err() {
                SecureKeyError::Apqn {
                    apqn: found,
                    problem: p,
                } => {
                    assert_eq!(found, apqn(SECOND));
                    assert!(problem(&p), "{p}");
                }
                other => panic!("{other}"),
            }
        }
        // The other one still works.
        assert_eq!(backend.select_apqn(&both()).unwrap(), apqn(FIRST));
        bench.emulator.change(|machine| *machine = good);
    };
    spoil(&|machine| machine.card_mut(0x1a).online = false, &|p| {
        matches!(p, ApqnProblem::Offline)
    });
    spoil(&|machine| machine.domain_mut(SECOND).online = false, &|p| {
        matches!(p, ApqnProblem::Offline)
    });
    spoil(&|machine| machine.card_mut(0x1a).mode = Mode::Cca, &|p| {
        matches!(
            p,
            ApqnProblem::WrongType {
                found: CardType::Cca,
                ..
            }
        )
    });
    spoil(&|machine| machine.card_mut(0x1a).level = 6, &|p| {
        matches!(p, ApqnProblem::Level { level: 6, .. })
    });
    spoil(&|machine| machine.card_mut(0x1a).api = 3, &|p| {
        matches!(p, ApqnProblem::Api { found: 3 })
    });
    spoil(&|machine| machine.cards.truncate(1), &|p| {
        matches!(p, ApqnProblem::NoCard)
    });
    let nowhere = bench.emulator.directory().join("nowhere");
    let without = Ep11::open_in(
        &bench.emulator.library_directory(),
        ApBus::below(nowhere),
        Box::new(Kernel::default()),
    );
    let error = without.unwrap().check_apqns(&both()).unwrap_err();
    names(&error, &["03.0039", "no such adapter"]);
}

#[test]
fn adapters_must_have_the_same_master_key() {
    let bench = Ep11Bench::new();
    let backend = bench.try_open(Kernel::default()).unwrap();
    let key = bench.key();
    assert!(backend.check_apqns(&both()).unwrap().remarks.is_empty());
    bench.load_new();
    let remarks = backend.check_apqns(&both()).unwrap().remarks;
    assert!(
        remarks.iter().any(|remark| remark.contains("1a.0005")),
        "{remarks:?}"
    );

    bench.emulator.change(|machine| {
        let domain = machine.domain_mut(SECOND);
        domain.registers.get_mut(&Kind::Wk).unwrap().set();
    });
    let error = backend.check_apqns(&both()).unwrap_err();
    assert!(matches!(error, SecureKeyError::MasterKeyMismatch { .. }));
    names(&error, &["03.0039", "1a.0005", "differ"]);
    // In the middle of a change of master keys, keys under either must go on working.
    backend.select_apqn(&[apqn(SECOND), apqn(FIRST)]).unwrap();
    sign(&backend, &key).unwrap();
    assert_eq!(backend.verify(&key).unwrap().register, Register::Current);

    bench.emulator.change(|machine| {
        let domain = machine.domain_mut(FIRST);
        domain.registers.get_mut(&Kind::Wk).unwrap().current = None;
    });
    let error = backend.check_apqns(&both()).unwrap_err();
    assert!(matches!(error, SecureKeyError::NoMasterKey { .. }));
    names(&error, &["03.0039", "master key"]);
    assert_eq!(backend.select_apqn(&both()).unwrap(), apqn(SECOND));
}

#[test]
fn the_next_adapter_is_tried_when_one_fails() {
    let bench = Ep11Bench::new();
    let key = bench.key();
    let backend = bench.open();
    for code in [DEVICE_REMOVED, TRANSPORT_ERROR] {
        bench.fault(Fault::of("m_SignSingle", code, 0).on(FIRST));
        bench.emulator.forget_calls();
        sign(&backend, &key).unwrap();
        let calls = bench.emulator.calls();
        assert_eq!(calls.last().unwrap().1, "1a.0005", "{calls:?}");
        bench.no_fault();
    }
    bench
        .emulator
        .change(|machine| machine.card_mut(3).online = false);
    sign(&backend, &key).unwrap();
    bench
        .emulator
        .change(|machine| machine.card_mut(0x1a).online = false);
    let error = sign(&backend, &key).unwrap_err();
    names(
        &error,
        &[
            "m_SignSingle",
            "03.0039",
            "0x80010003",
            "CKR_IBM_TRANSPORT_ERROR",
            "lszcrypt",
        ],
    );
    let error = backend.verify(&key).unwrap_err();
    names(&error, &["03.0039"]);
}

#[test]
fn other_failures_are_told_as_they_are() {
    let bench = Ep11Bench::new();
    let key = bench.key();
    let backend = bench.open();
    let calls: [(&str, &dyn Fn() -> Option<SecureKeyError>); 3] = [
        ("m_SignSingle", &|| sign(&backend, &key).err()),
        ("m_VerifySingle", &|| backend.verify(&key).err()),
        ("m_GenerateKeyPair", &|| {
            backend.generate_identity_key(KeySpec::DEFAULT).err()
        }),
    ];
    for (symbol, call) in calls {
        for (code, name) in [
            (0x62, "CKR_KEY_SIZE_RANGE"),
            (0x8001_000d, "CKR_IBM_STATIC_POLICY"),
        ] {
            bench.fault(Fault::of(symbol, code, 0));
            let error = call().unwrap();
            let apqns = error.to_string();
            names(
                &error,
                &[symbol, name, &format!("{code:#x}"), "policy", "03.0039"],
            );
            assert!(!apqns.contains("1a.0005"));
            bench.no_fault();
        }
        bench.fault(Fault::of(symbol, 0x7777, 0));
        names(&call().unwrap(), &[symbol, "0x7777"]);
        bench.no_fault();
        assert!(call().is_none());
    }
}
