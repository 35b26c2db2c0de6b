//! The configuration directory: values as the C plugin has them, and changes as a whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zkey_kmip::abi::{Apqn, Errno, PluginError};
use zkey_kmip::config::{Config, ConfigFile, ConnectionSettings, Part, ProtocolSetting};
use zkey_kmip::properties::{Integrity, Properties};
use zkey_kmip::secure_key::{CardType, KeySpec};

const APQNS: [Apqn; 2] = [
    Apqn {
        card: 3,
        domain: 0x39,
    },
    Apqn { card: 4, domain: 1 },
];

fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o770)).unwrap();
    directory
}

fn settings<'a>() -> ConnectionSettings<'a> {
    ConnectionSettings {
        server: "kmip.example:5696",
        server_info: "Some Server 1.0",
        profile: "default",
        protocol: ProtocolSetting::Agreed { major: 1, minor: 4 },
        ca_bundle: Some(Path::new("/etc/ssl/ca.pem")),
        server_certificate: None,
        server_public_key: Some(b"public key"),
        verify_server_certificate: true,
        verify_host_name: false,
        credential_file: None,
    }
}

fn configured() -> (TempDir, Config) {
    let directory = directory();
    let mut edit = Config::open(directory.path()).unwrap().edit().unwrap();
    edit.set_apqns(&APQNS, CardType::Cca).unwrap();
    edit.set_identity_key(b"identity", KeySpec::DEFAULT)
        .unwrap();
    edit.set_client_certificate(b"certificate", "ECC").unwrap();
    edit.set_connection(&settings()).unwrap();
    edit.set_wrapping_key(b"wrapping", 2048, "id-1", Some("label"))
        .unwrap();
    let config = edit.commit().unwrap();
    (directory, config)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn values_are_those_of_the_c_plugin() {
    let (directory, _) = configured();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let values = Properties::load(&directory.path().join("kmip.conf"), Integrity::Hashed).unwrap();
    let mut values: Vec<_> = values
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    values.sort();
    let expected = [
        ("apqn-type", "CCA".to_owned()),
        ("apqns", "03.0039,04.0001".to_owned()),
        ("ca-bundle", "/etc/ssl/ca.pem".to_owned()),
        ("client-certificate", path("client-certificate.pem")),
        ("client-certificate-algorithm", "ECC".to_owned()),
        ("identity-key", path("identity-key.skey")),
        ("identity-key-algorithm", "ECC".to_owned()),
        ("identity-key-params", "secp521r1".to_owned()),
        ("kmip-server", "kmip.example:5696".to_owned()),
        ("kmip-server-info", "Some Server 1.0".to_owned()),
        ("profile", "default".to_owned()),
        ("protocol-version", "1.4".to_owned()),
        ("server-pubkey", path("server-pubkey.pem")),
        ("verify-hostname", "no".to_owned()),
        ("verify-server-cert", "yes".to_owned()),
        ("wrapping-key", path("wrapping-key.skey")),
        ("wrapping-key-algorithm", "RSA".to_owned()),
        ("wrapping-key-id", "id-1".to_owned()),
        ("wrapping-key-label", "label".to_owned()),
        ("wrapping-key-params", "2048".to_owned()),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(values, expected);
    let expected = [
        "client-certificate.pem",
        "identity-key.skey",
        "kmip.conf",
        "server-pubkey.pem",
        "wrapping-key.skey",
    ];
    assert_eq!(names(directory.path()), expected);
    for name in expected {
        let mode = fs::metadata(directory.path().join(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o660, "{name}");
    }
}

#[test]
fn what_was_written_is_read() {
    let (directory, _) = configured();
    let config = Config::open(directory.path()).unwrap();
    assert_eq!(config.missing(), None);
    assert_eq!(config.apqns().unwrap(), APQNS);
    assert_eq!(config.card_type().unwrap(), Some(CardType::Cca));
    let identity = config.identity_key().unwrap();
    assert_eq!(identity.spec(), Some(KeySpec::DEFAULT));
    assert_eq!(config.client_certificate_algorithm(), Some("ECC"));
    let connection = config.connection().unwrap();
    assert_eq!(connection.server, "kmip.example:5696");
    assert_eq!(
        connection.protocol,
        ProtocolSetting::Agreed { major: 1, minor: 4 }
    );
    assert_eq!(connection.ca_bundle, Some(PathBuf::from("/etc/ssl/ca.pem")));
    assert_eq!(connection.server_certificate, None);
    assert!(connection.server_public_key.is_some());
    assert!(connection.verify_server_certificate && !connection.verify_host_name);
    let wrapping = config.wrapping_key().unwrap();
    assert_eq!(
        (wrapping.id.as_str(), wrapping.label.as_deref()),
        ("id-1", Some("label"))
    );
    assert_eq!(config.read(ConfigFile::WrappingKey).unwrap(), b"wrapping");
}

#[test]
fn parts_are_missing_in_their_order() {
    let directory = directory();
    let mut edit = Config::open(directory.path()).unwrap().edit().unwrap();
    let missing = |edit: &zkey_kmip::config::Edit| edit.config().missing();
    assert_eq!(missing(&edit), Some(Part::Apqns));
    let error: PluginError = edit.config().require(Part::Apqns).unwrap_err().into();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(error.to_string().contains("--apqns"), "{error}");
    edit.set_apqns(&APQNS, CardType::Ep11).unwrap();
    assert_eq!(missing(&edit), Some(Part::IdentityKey));
    edit.set_identity_key(b"identity", KeySpec::Rsa(2048))
        .unwrap();
    assert_eq!(missing(&edit), Some(Part::ClientCertificate));
    edit.set_client_certificate(b"certificate", "RSA").unwrap();
    assert_eq!(missing(&edit), Some(Part::Connection));
    edit.set_connection(&settings()).unwrap();
    assert_eq!(missing(&edit), Some(Part::WrappingKey));
    edit.set_wrapping_key(b"wrapping", 2048, "id", None)
        .unwrap();
    assert_eq!(missing(&edit), None);
    edit.clear_apqns().unwrap();
    assert_eq!(missing(&edit), Some(Part::Apqns));
    assert_eq!(edit.config().card_type().unwrap(), Some(CardType::Ep11));
}

#[test]
fn what_depends_on_a_changed_part_goes_with_it() {
    let (directory, config) = configured();
    let mut edit = config.edit().unwrap();
    edit.write(ConfigFile::WrappingKeyReenciphered, b"waiting")
        .unwrap();
    edit.write(ConfigFile::IdentityKeyReenciphered, b"waiting")
        .unwrap();
    let mut edit = edit.commit().unwrap().edit().unwrap();
    edit.set_identity_key(b"other", KeySpec::Rsa(2048)).unwrap();
    edit.set_connection(&ConnectionSettings {
        ca_bundle: None,
        server_public_key: None,
        server_certificate: Some(b"certificate of the server"),
        protocol: ProtocolSetting::FromProfile,
        ..settings()
    })
    .unwrap();
    assert_eq!(edit.read(ConfigFile::IdentityKey).unwrap(), b"other");
    // Nothing happened yet.
    assert_eq!(config.read(ConfigFile::IdentityKey).unwrap(), b"identity");
    let config = edit.commit().unwrap();
    assert_eq!(config.missing(), Some(Part::ClientCertificate));
    assert_eq!(config.wrapping_key(), None);
    let connection = config.connection().unwrap();
    assert_eq!(connection.protocol, ProtocolSetting::FromProfile);
    assert_eq!(connection.ca_bundle, None);
    assert_eq!(connection.server_public_key, None);
    assert_eq!(
        names(directory.path()),
        ["identity-key.skey", "kmip.conf", "server-cert.pem"]
    );
}

#[test]
fn a_dropped_change_leaves_no_trace() {
    let (directory, config) = configured();
    let before = fs::read(directory.path().join("kmip.conf")).unwrap();
    let names_before = names(directory.path());
    let mut edit = config.edit().unwrap();
    edit.set_identity_key(b"other", KeySpec::DEFAULT).unwrap();
    edit.clear_wrapping_key().unwrap();
    drop(edit);
    assert_eq!(names(directory.path()), names_before);
    assert_eq!(
        fs::read(directory.path().join("kmip.conf")).unwrap(),
        before
    );
    let config = Config::open(directory.path()).unwrap();
    assert_eq!(config.read(ConfigFile::IdentityKey).unwrap(), b"identity");
}

#[test]
fn unknown_values_and_foreign_paths_are_kept() {
    let (directory, _) = configured();
    let path = directory.path().join("kmip.conf");
    let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
    values.set("from-the-future", "kept").unwrap();
    let elsewhere = directory.path().join("elsewhere.pem");
    fs::write(&elsewhere, "moved").unwrap();
    values
        .set("client-certificate", elsewhere.to_str().unwrap())
        .unwrap();
    values
        .set("identity-key", "/old/place/identity-key.skey")
        .unwrap();
    values.save(&path, Integrity::Hashed).unwrap();
    let config = Config::open(directory.path()).unwrap();
    assert_eq!(
        config.read(ConfigFile::ClientCertificate).unwrap(),
        b"moved"
    );
    // The repository was moved: the file of the usual name is meant.
    assert_eq!(config.read(ConfigFile::IdentityKey).unwrap(), b"identity");
    let mut edit = config.edit().unwrap();
    edit.set_apqns(&APQNS[..1], CardType::Cca).unwrap();
    edit.commit().unwrap();
    let values = Properties::load(&path, Integrity::Hashed).unwrap();
    assert_eq!(values.get("from-the-future"), Some("kept"));
    assert_eq!(values.get("apqns"), Some("03.0039"));
}

#[test]
fn a_damaged_kmip_conf_is_not_taken_for_a_missing_one() {
    let (directory, _) = configured();
    let path = directory.path().join("kmip.conf");
    let good = fs::read(&path).unwrap();
    for content in [&good[..good.len() / 2], b"apqns=03.0039\n", b""] {
        fs::write(&path, content).unwrap();
        let error: PluginError = Config::open(directory.path()).unwrap_err().into();
        assert_eq!(error.errno(), Errno::EPERM, "{error}");
        assert!(error.to_string().contains("kmip.conf"), "{error}");
    }
    fs::remove_file(&path).unwrap();
    let config = Config::open(directory.path()).unwrap();
    assert_eq!(config.missing(), Some(Part::Apqns));
}

#[test]
fn wrong_values_are_told_with_their_name() {
    for (name, value) in [
        ("apqns", "03.0039,nonsense"),
        ("apqn-type", "XYZ"),
        ("protocol-version", "latest"),
        ("verify-hostname", "perhaps"),
    ] {
        let (directory, _) = configured();
        let path = directory.path().join("kmip.conf");
        let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
        values.set(name, value).unwrap();
        values.save(&path, Integrity::Hashed).unwrap();
        let config = Config::open(directory.path()).unwrap();
        let errors: Vec<String> = [
            config.apqns().err(),
            config.card_type().err(),
            config.connection().err(),
        ]
        .into_iter()
        .flatten()
        .map(|error| error.to_string())
        .collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains(&format!("{name}={value}")), "{errors:?}");
    }
}

#[test]
fn the_directory_must_be_a_safe_one() {
    let directory = directory();
    let error = Config::open(&directory.path().join("missing")).unwrap_err();
    assert_eq!(PluginError::from(error).errno(), Errno::ENOENT);
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Config::open(&file).is_err());
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = Config::open(directory.path()).unwrap_err();
    assert_eq!(PluginError::from(error).errno(), Errno::EPERM);
}

#[test]
fn a_file_that_cannot_be_replaced_leaves_the_former_configuration() {
    let (directory, config) = configured();
    // The journal cannot be written, since a directory has its name.
    let obstacle = directory.path().join("transaction.journal");
    let mut edit = config.edit().unwrap();
    edit.set_identity_key(b"other", KeySpec::DEFAULT).unwrap();
    fs::create_dir(&obstacle).unwrap();
    assert!(edit.commit().is_err());
    fs::remove_dir(&obstacle).unwrap();
    let config = Config::open(directory.path()).unwrap();
    assert_eq!(config.missing(), None);
    assert_eq!(config.read(ConfigFile::IdentityKey).unwrap(), b"identity");
}

#[test]
fn values_with_line_ends_are_refused() {
    let (_directory, config) = configured();
    let mut edit = config.edit().unwrap();
    let error = edit.set_wrapping_key(b"wrapping", 2048, "id\nkmip-server=evil", None);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("wrapping-key-id"), "{error}");
}

#[test]
fn one_process_at_a_time_changes_the_configuration() {
    let (directory, config) = configured();
    let other = Config::open(directory.path()).unwrap();
    let mut edit = config.edit().unwrap();
    edit.set_identity_key(b"first", KeySpec::DEFAULT).unwrap();
    let error = other.edit().unwrap_err();
    assert_eq!(PluginError::from(error).errno(), Errno::EBUSY);
    // Reading is possible, and does not take away what is not complete yet.
    let reading = Config::open(directory.path()).unwrap();
    assert_eq!(reading.read(ConfigFile::IdentityKey).unwrap(), b"identity");
    edit.commit().unwrap();
    // The second one begins with what the first one left.
    let edit = other.edit().unwrap();
    let key = edit.config().identity_key().unwrap();
    assert_eq!(key.algorithm, "ECC");
    assert_eq!(edit.read(ConfigFile::IdentityKey).unwrap(), b"first");
    assert!(edit.config().client_certificate_algorithm().is_none());
}

/// The C plugin keeps values that it does not know when it configures another server.
#[test]
fn a_credential_is_for_the_server_that_it_was_given_for() {
    let (directory, config) = configured();
    assert_eq!(config.credential_file(), None);
    let path = Path::new("/etc/zkey/kmip/credential");
    let mut edit = config.edit().unwrap();
    edit.set_connection(&ConnectionSettings {
        credential_file: Some(path),
        ..settings()
    })
    .unwrap();
    let config = edit.commit().unwrap();
    assert_eq!(config.credential_file().as_deref(), Some(path));
    assert_eq!(
        config.connection().unwrap().credential_file.as_deref(),
        Some(path)
    );
    let conf = directory.path().join("kmip.conf");
    let mut values = Properties::load(&conf, Integrity::Hashed).unwrap();
    values.set("kmip-server", "other.example").unwrap();
    values.save(&conf, Integrity::Hashed).unwrap();
    let config = Config::open(directory.path()).unwrap();
    assert_eq!(config.connection().unwrap().credential_file, None);
    let mut edit = config.edit().unwrap();
    edit.set_connection(&settings()).unwrap();
    edit.commit().unwrap();
    let values = Properties::load(&conf, Integrity::Hashed).unwrap();
    assert!(values.iter().all(|(name, _)| !name.contains("credential")));
}
