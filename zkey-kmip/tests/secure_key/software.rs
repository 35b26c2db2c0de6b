//! The backend for machines without coprocessors.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use openssl::symm::{Cipher, Crypter, Mode};
use tempfile::TempDir;
use zkey_kmip::abi::SecureKeyType;
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};
use zkey_kmip::secure_key::{
    CardType, Curve, KeySpec, ReencipherStep, Register, SecureKeyBackend, SecureKeyError,
    UnwrapRequest, tls_identity,
};

use crate::bench::{Bench, PADDINGS, public_key, wrap};
use crate::{sizes, suite};

struct Machine {
    directory: TempDir,
}

impl Machine {
    fn new() -> Machine {
        Machine {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("master-key")
    }

    fn file(&self) -> MasterKeyFile {
        MasterKeyFile::at(self.path())
    }

    /// As a new process would see it.
    fn backend(&self, card_type: CardType) -> Software {
        Software::new(card_type, self.file())
    }
}

fn small_key(backend: &dyn SecureKeyBackend) -> Vec<u8> {
    backend
        .generate_identity_key(KeySpec::Ecc(Curve::Prime256v1))
        .unwrap()
}

fn aes_key(backend: &dyn SecureKeyBackend, key_type: SecureKeyType, clear: &[u8]) -> Vec<u8> {
    let wrapping_key = backend.generate_wrapping_key(2048).unwrap();
    let public = public_key(backend, &wrapping_key);
    let padding = PADDINGS[0];
    let request = UnwrapRequest {
        wrapping_key: &wrapping_key,
        padding,
        wrapped: &wrap(&public, padding, clear),
        key_type,
    };
    backend.unwrap_aes_key(&request).unwrap().token
}

/// What [`Software::verification_pattern`] must be for this key.
fn zeros_under(clear: &[u8], cipher: Cipher) -> Vec<u8> {
    let mut crypter = Crypter::new(cipher, Mode::Encrypt, clear, Some(&[0; 16])).unwrap();
    crypter.pad(false);
    let mut out = vec![0; 64];
    let length = crypter.update(&[0; 32], &mut out).unwrap();
    out.truncate(length);
    out
}

/// For the suite. There is no way to get at a key in the clear, but its verification pattern
/// tells whether it is one of those that the suite uses.
struct SoftwareBench(Machine, CardType);

impl Bench for SoftwareBench {
    fn backend(&self) -> Box<dyn SecureKeyBackend> {
        Box::new(self.0.backend(self.1))
    }

    fn clear_key(&self, secure_key: &[u8]) -> Vec<u8> {
        let backend = self.0.backend(self.1);
        let found = backend.verification_pattern(secure_key).unwrap();
        let of = |clear: &[u8]| match clear.len() {
            16 => zeros_under(clear, Cipher::aes_128_cbc()),
            24 => zeros_under(clear, Cipher::aes_192_cbc()),
            _ => zeros_under(clear, Cipher::aes_256_cbc()),
        };
        [vec![7; 32]]
            .into_iter()
            .chain([16, 24, 32].map(|size| (0..size).collect()))
            .find(|clear| of(clear) == found)
            .unwrap()
    }

    fn load_new(&self) {
        self.0.file().load_new().unwrap();
    }

    fn set_new(&self) {
        self.0.file().set_new().unwrap();
    }

    fn has_old(&self) -> bool {
        true
    }
}

#[test]
fn cca_behaves_as_any_backend() {
    suite::run(&SoftwareBench(Machine::new(), CardType::Cca));
}

#[test]
fn ep11_behaves_as_any_backend() {
    suite::run(&SoftwareBench(Machine::new(), CardType::Ep11));
}

#[test]
fn rsa_keys_have_any_size() {
    sizes::run(&SoftwareBench(Machine::new(), CardType::Ep11));
}

#[test]
fn it_warns() {
    let machine = Machine::new();
    let info = machine.backend(CardType::Cca).info().unwrap();
    let warning = info.warning.unwrap();
    assert!(warning.contains("software") && warning.contains("master-key"));
    assert_eq!(info.master_key, None);
}

#[test]
fn the_master_keys_are_for_their_owner_only() {
    let machine = Machine::new();
    let key = small_key(&machine.backend(CardType::Cca));
    let mode = fs::metadata(machine.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(machine.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = machine.backend(CardType::Cca).verify(&key).unwrap_err();
        assert!(
            error.to_string().contains(&format!("{mode:04o}")),
            "{error}"
        );
    }
    fs::set_permissions(machine.path(), fs::Permissions::from_mode(0o400)).unwrap();
    machine.backend(CardType::Cca).verify(&key).unwrap();
}

#[test]
fn a_damaged_master_key_file_is_told_and_never_replaced() {
    let machine = Machine::new();
    let key = small_key(&machine.backend(CardType::Cca));
    let good = fs::read(machine.path()).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let start = text.find("current=").unwrap() + "current=".len();
    let mut flipped = good.clone();
    flipped[start] = if flipped[start] == b'0' { b'1' } else { b'0' };
    let without_keys = text.lines().next().unwrap().as_bytes().to_vec();
    for content in [flipped, good[..start + 40].to_vec(), without_keys, vec![]] {
        fs::write(machine.path(), &content).unwrap();
        let backend = machine.backend(CardType::Cca);
        assert!(backend.verify(&key).is_err());
        let error = backend.generate_identity_key(KeySpec::DEFAULT).unwrap_err();
        assert!(
            matches!(error, SecureKeyError::MasterKeyFile { .. }),
            "{error}"
        );
        assert_eq!(fs::read(machine.path()).unwrap(), content);
    }
    fs::remove_file(machine.path()).unwrap();
    fs::create_dir(machine.path()).unwrap();
    assert!(machine.backend(CardType::Cca).verify(&key).is_err());
}

#[test]
fn using_a_key_makes_no_master_key() {
    let machine = Machine::new();
    let key = small_key(&Machine::new().backend(CardType::Cca));
    assert!(machine.backend(CardType::Cca).verify(&key).is_err());
    assert!(!machine.path().exists());
}

#[test]
fn keys_of_another_machine_are_refused() {
    let machine = Machine::new();
    let other = Machine::new();
    let backend = other.backend(CardType::Ep11);
    small_key(&backend);
    for key in [
        small_key(&machine.backend(CardType::Ep11)),
        aes_key(
            &machine.backend(CardType::Ep11),
            SecureKeyType::Ep11Aes,
            &[7; 32],
        ),
    ] {
        let error = backend.verify(&key).unwrap_err();
        assert!(
            matches!(error, SecureKeyError::UnknownMasterKey { .. }),
            "{error}"
        );
        let error = backend.reencipher(&key, ReencipherStep::CurrentToNew);
        assert!(error.is_err());
    }
}

#[test]
fn a_change_of_the_master_key_goes_through_the_registers() {
    let machine = Machine::new();
    let cca = machine.backend(CardType::Cca);
    let clear = [7; 32];
    let keys = [
        small_key(&cca),
        cca.generate_wrapping_key(2048).unwrap(),
        aes_key(&cca, SecureKeyType::CcaAesData, &clear),
        aes_key(&cca, SecureKeyType::CcaAesCipher, &clear),
        aes_key(
            &machine.backend(CardType::Ep11),
            SecureKeyType::Ep11Aes,
            &clear,
        ),
    ];
    let step = ReencipherStep::CurrentToNew;
    for key in &keys {
        let error = cca.reencipher(key, step).unwrap_err();
        assert!(
            matches!(error, SecureKeyError::NotLoaded(Register::New)),
            "{error}"
        );
    }

    let pattern = machine.file().load_new().unwrap();
    assert_eq!(machine.file().load_new().unwrap(), pattern);
    let loaded = machine.backend(CardType::Cca);
    let mut reenciphered = Vec::new();
    for key in &keys {
        let new = loaded.reencipher(key, step).unwrap();
        assert_eq!(new.len(), key.len());
        let status = loaded.verify(&new).unwrap();
        assert_eq!(
            (status.register, status.master_key),
            (Register::New, pattern)
        );
        assert!(loaded.reencipher(&new, step).is_err());
        reenciphered.push(new);
    }
    // Not to be used before the master key is set.
    let loaded: Arc<dyn SecureKeyBackend> = Arc::new(loaded);
    let error = tls_identity(&loaded, &reenciphered[0]).unwrap_err();
    assert!(
        matches!(error, SecureKeyError::WrongRegister { .. }),
        "{error}"
    );

    machine.file().set_new().unwrap();
    let set = machine.backend(CardType::Cca);
    let error = machine.file().set_new().unwrap_err();
    assert!(matches!(error, SecureKeyError::NotLoaded(Register::New)));
    for (old, new) in keys.iter().zip(&reenciphered) {
        assert_eq!(set.verify(old).unwrap().register, Register::Old);
        assert_eq!(set.verify(new).unwrap().register, Register::Current);
        let late = set.reencipher(old, ReencipherStep::OldToCurrent).unwrap();
        assert_eq!(set.verify(&late).unwrap().register, Register::Current);
    }
    assert_eq!(
        public_key(&set, &reenciphered[0])
            .public_key_to_der()
            .unwrap(),
        cca.public_key(&keys[0]).unwrap()
    );
    let shared: Arc<dyn SecureKeyBackend> = Arc::new(machine.backend(CardType::Cca));
    tls_identity(&shared, &reenciphered[0]).unwrap();
    for key in &reenciphered[2..] {
        let expected = zeros_under(&clear, Cipher::aes_256_cbc());
        assert_eq!(set.verification_pattern(key).unwrap(), expected);
    }

    // After the next change the oldest keys are lost.
    machine.file().load_new().unwrap();
    machine.file().set_new().unwrap();
    assert!(machine.backend(CardType::Cca).verify(&keys[0]).is_err());
}

#[test]
fn ep11_keys_without_header_stay_so() {
    let machine = Machine::new();
    let backend = machine.backend(CardType::Ep11);
    let key = aes_key(&backend, SecureKeyType::Ep11Aes, &[7; 24]);
    // What the plugin does for old kernels: the header takes the place of the session.
    let mut bare = key[16..].to_vec();
    bare[..8].copy_from_slice(&[0, 0, 1, 64, 3, 0, 0, 192]);
    assert_eq!(backend.verify(&bare).unwrap().bits, 192);
    assert_eq!(
        backend.verification_pattern(&bare).unwrap(),
        backend.verification_pattern(&key).unwrap()
    );
    for at in 0..bare.len() {
        let mut flipped = bare.clone();
        flipped[at] ^= 0x10;
        assert!(backend.verify(&flipped).is_err(), "byte {at}");
    }
    machine.file().load_new().unwrap();
    let backend = machine.backend(CardType::Ep11);
    let new = backend
        .reencipher(&bare, ReencipherStep::CurrentToNew)
        .unwrap();
    assert_eq!(new.len(), 320);
    assert_eq!(new[..8], bare[..8]);
    assert_eq!(backend.verify(&new).unwrap().register, Register::New);
}

#[test]
fn pairs_have_the_pattern_of_xts() {
    let machine = Machine::new();
    let backend = machine.backend(CardType::Cca);
    let halves = [[1; 32], [2; 32]];
    let pair: Vec<u8> = halves
        .iter()
        .flat_map(|half| aes_key(&backend, SecureKeyType::CcaAesData, half))
        .collect();
    let expected = zeros_under(&halves.concat(), Cipher::aes_256_xts());
    assert_eq!(backend.verification_pattern(&pair).unwrap(), expected);
}

#[test]
fn the_layout_is_that_of_the_hardware() {
    let machine = Machine::new();
    let cca = machine.backend(CardType::Cca);
    let data = aes_key(&cca, SecureKeyType::CcaAesData, &[7; 32]);
    assert_eq!((data[0], data[4]), (1, 4));
    assert_eq!(data[56..60], [1, 0, 0, 32]);
    let cipher = aes_key(&cca, SecureKeyType::CcaAesCipher, &[7; 32]);
    assert_eq!((cipher[0], cipher[4], cipher[8]), (1, 5, 3));
    assert_eq!(cipher[2..4], [0, 136]);
    // 640 bits of payload for 256 bits of key, exportable to CPACF.
    assert_eq!(cipher[38..40], [2, 128]);
    assert_eq!(cipher[50] & 0x08, 0x08);
    // Both name the same master key in eight bytes.
    assert_eq!(data[8..16], cipher[10..18]);
    let ep11 = aes_key(
        &machine.backend(CardType::Ep11),
        SecureKeyType::Ep11Aes,
        &[7; 32],
    );
    assert_eq!(ep11[..8], [0, 0, 1, 80, 6, 0, 1, 0]);
    assert_eq!(ep11[16 + 64..16 + 66], [0x12, 0x34]);
    assert_eq!(ep11[48..56], data[8..16]);
}
