//! The backend for EP11 adapters, with the emulator of their library.

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
use crate::suite;

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

#[test]
fn keys_of_other_adapters_are_refused() {
    let bench = Ep11Bench::new();
    let other = Ep11Bench::new();
    let key = other.key();
    let backend = bench.open();
    let error = backend.verify(&key).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnknownMasterKey { .. }));
    let error = sign(&backend, &key).unwrap_err();
    let is_mismatch = |error: &SecureKeyError| {
        matches!(
            error,
            SecureKeyError::Call {
                failure: CallFailure::Ep11 {
                    rv: WKID_MISMATCH,
                    ..
                },
                ..
            }
        )
    };
    assert!(is_mismatch(&error), "{error}");
    names(&error, &["m_SignSingle", "03.0039", "another adapter"]);
    bench.load_new();
    let error = backend.reencipher(&key, CURRENT_TO_NEW).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnknownMasterKey { .. }));
}

#[test]
fn a_damaged_blob_is_refused_by_the_adapter() {
    let bench = Ep11Bench::new();
    let mut key = bench.key();
    key[16 + 100] ^= 1;
    let error = sign(&bench.open(), &key).unwrap_err();
    let code = format!("{BLOB_ERROR:#x}");
    names(&error, &["m_SignSingle", "03.0039", &code, "damaged"]);
}

#[test]
fn halves_of_different_pairs_are_found_out() {
    let bench = Ep11Bench::new();
    let (one, two) = (bench.key(), bench.key());
    let length = usize::from(u16::from_be_bytes([one[2], one[3]]));
    let mixed = [&one[..length], &two[length..]].concat();
    let error = bench.open().verify(&mixed).unwrap_err();
    names(&error, &["m_VerifySingle", "do not belong together"]);
}

#[test]
fn keys_of_the_plugin_in_c_can_do_both() {
    let bench = Ep11Bench::new();
    let backend = bench.open();
    // Its template has SIGN, DECRYPT and UNWRAP; the emulator can make such a key only from one
    // of its own.
    let key = backend.generate_wrapping_key(2048).unwrap();
    let machine = bench.emulator.machine();
    let current = machine
        .registers(FIRST, Kind::Wk)
        .unwrap()
        .current
        .clone()
        .unwrap();
    let length = usize::from(u16::from_be_bytes([key[2], key[3]]));
    let mut blob = ::ep11::blob::Blob::open(&current, &key[16..length]).unwrap();
    blob.attributes |= ::ep11::blob::attribute::SIGN | ::ep11::blob::attribute::DECRYPT;
    let mut public = ::ep11::blob::PublicKey::open(&current, &key[length..]).unwrap();
    public.attributes |= ::ep11::blob::attribute::VERIFY;
    let key = [&key[..16], &blob.seal(&current), &public.seal(&current)].concat();

    backend.verify(&key).unwrap();
    let scheme = SignatureScheme::RsaPss;
    backend
        .sign(&key, scheme, DigestAlgorithm::Sha512, &[7; 64])
        .unwrap();
    let aes = import(
        &backend,
        &key,
        SecureKeyType::Ep11Aes,
        PADDINGS[1],
        &[9; 32],
    )
    .unwrap();
    assert_eq!(bench.clear_key(&aes), [9; 32]);
}

#[test]
fn what_does_not_unwrap_is_told_without_the_reason() {
    let bench = Ep11Bench::new();
    let backend = bench.open();
    let wrapping = backend.generate_wrapping_key(2048).unwrap();
    let unwrap = |size: usize| {
        let key_type = SecureKeyType::Ep11Aes;
        import(&backend, &wrapping, key_type, PADDINGS[1], &vec![9; size])
    };
    let error = unwrap(17).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnwrapRefused { .. }));
    names(&error, &["m_UnwrapKey", "03.0039", "padding"]);
    for (code, tells_reason) in [(0x40, false), (0x62, false), (0x110, false), (0xd1, true)] {
        bench.fault(Fault::of("m_UnwrapKey", code, 0));
        let text = unwrap(32).unwrap_err().to_string();
        assert_eq!(text.contains(&format!("{code:#x}")), tells_reason, "{text}");
        bench.no_fault();
    }
    unwrap(32).unwrap();
}

#[test]
fn wrapping_keys_do_not_decrypt() {
    let bench = Ep11Bench::new();
    let key = bench.open().generate_wrapping_key(2048).unwrap();
    let attributes = u64::from_be_bytes(key[16 + 48..16 + 56].try_into().unwrap());
    assert_eq!(attributes & ::ep11::blob::attribute::DECRYPT, 0);
    assert_eq!(attributes & ::ep11::blob::attribute::SIGN, 0);
}

#[test]
fn keys_have_the_layout_of_the_hardware() {
    let bench = Ep11Bench::new();
    let backend = bench.open();
    let wrapping = backend.generate_wrapping_key(2048).unwrap();
    assert_eq!(
        (wrapping[..2].to_vec(), wrapping[4], wrapping[5]),
        (vec![0, 0], 7, 0)
    );
    assert_eq!(wrapping[6..8], 2048_u16.to_be_bytes());
    let identity = backend.generate_identity_key(KeySpec::DEFAULT).unwrap();
    assert_eq!(identity[4], 6);
    assert_eq!(identity[6..8], 521_u16.to_be_bytes());
    let aes = import(
        &backend,
        &wrapping,
        SecureKeyType::Ep11Aes,
        PADDINGS[0],
        &[9; 24],
    )
    .unwrap();
    // Header and blob have 272 bytes, the rest is zero.
    assert_eq!(
        aes[..16],
        [0, 0, 1, 16, 6, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(aes[272..], [0; 64]);
    let pattern = backend.info().unwrap().master_key.unwrap();
    for key in [&wrapping, &identity, &aes] {
        assert_eq!(key[16 + 64..16 + 66], [0x12, 0x34]);
        assert_eq!(key[16 + 32..16 + 48], pattern.0);
    }
    // The kernel may use it as protected key.
    assert_ne!(aes[16 + 53] & 0x20, 0);
}

#[test]
fn an_old_kernel_gets_keys_without_header() {
    let bench = Ep11Bench::new();
    let wrapping = bench.open().generate_wrapping_key(2048).unwrap();
    let unwrap = |kernel: Kernel| {
        let backend = bench.try_open(kernel).unwrap();
        backend.select_apqn(&both()).unwrap();
        let key = import(
            &backend,
            &wrapping,
            SecureKeyType::Ep11Aes,
            PADDINGS[2],
            &[9; 32],
        );
        key.map(|key| (backend, key))
    };
    let (_, key) = unwrap(Kernel::taking(&[336], 22)).unwrap();
    assert_eq!(key.len(), 336);
    for refusal in [22, 19] {
        let (backend, key) = unwrap(Kernel::taking(&[320], refusal)).unwrap();
        assert_eq!(key.len(), 320);
        // The header is where the session would be.
        assert_eq!(key[..8], [0, 0, 1, 0, 3, 0, 1, 0]);
        assert_eq!(key[64..66], [0x12, 0x34]);
        assert_eq!(bench.clear_key(&key), [9; 32]);
        assert_eq!(backend.verify(&key).unwrap().bits, 256);
        for at in 0..key.len() {
            let mut flipped = key.clone();
            flipped[at] ^= 0x10;
            assert!(backend.verify(&flipped).is_err(), "byte {at}");
        }
        bench.load_new();
        let new = backend.reencipher(&key, CURRENT_TO_NEW).unwrap();
        assert_eq!((new.len(), &new[..16]), (320, &key[..16]));
        assert_eq!(bench.clear_key(&new), [9; 32]);
    }
    // A kernel that takes neither is not old: no adapter of its takes the key.
    let error = unwrap(Kernel::taking(&[], 19)).unwrap_err();
    assert!(matches!(error, SecureKeyError::Kernel { .. }));
    names(&error, &["kernel", "lszcrypt", "03.0039"]);
    // Other numbers say nothing about the age.
    let error = unwrap(Kernel::taking(&[320], 5)).unwrap_err();
    assert!(matches!(error, SecureKeyError::Kernel { .. }));
}

#[test]
fn reenciphering_needs_a_committed_master_key() {
    let bench = Ep11Bench::new();
    let key = bench.key();
    let backend = bench.open();
    let demand_no_new = || {
        let error = backend.reencipher(&key, CURRENT_TO_NEW).unwrap_err();
        assert!(matches!(error, SecureKeyError::NoNewMasterKey { .. }));
        names(&error, &["03.0039", "NEW", "commit"]);
    };
    demand_no_new();
    bench.load_new();
    let commit = |is_committed: bool| {
        bench.emulator.change(|machine| {
            machine
                .all_registers_mut(Kind::Wk)
                .for_each(|registers| registers.new_is_unfinished = !is_committed);
        });
    };
    commit(false);
    demand_no_new();
    commit(true);
    // An adapter that has none does not matter.
    bench.emulator.change(|machine| {
        let domain = machine.domain_mut(FIRST);
        domain.registers.get_mut(&Kind::Wk).unwrap().new = None;
    });
    bench.emulator.forget_calls();
    let new = backend.reencipher(&key, CURRENT_TO_NEW).unwrap();
    assert_eq!(backend.verify(&new).unwrap().register, Register::New);
    // The private key and the public key's MAC, by the one adapter that can.
    let admin: Vec<_> = bench.emulator.calls();
    let admin: Vec<_> = admin.iter().filter(|(call, _)| call == "m_admin").collect();
    assert!(admin.len() == 2 && admin.iter().all(|(_, place)| place == "1a.0005"));
    let error = backend.reencipher(&key, ReencipherStep::OldToCurrent);
    assert!(matches!(
        error,
        Err(SecureKeyError::NotLoaded(Register::Old))
    ));

    bench.fault(Fault::of("m_admin", 0x50, 0));
    let error = backend.reencipher(&key, CURRENT_TO_NEW).unwrap_err();
    names(&error, &["m_admin", "1a.0005", "CKR_FUNCTION_CANCELED"]);
}
