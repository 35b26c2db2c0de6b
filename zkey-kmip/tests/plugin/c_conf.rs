//! Configurations that go from the C plugin to this one and back. What the C plugin writes and reads
//! (behaviour reference 3) is written down here anew, apart from the plugin's own code.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use openssl::sha::Sha256;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{
    Configured, KeyMode, Kms, MasterKeyRegister, Property, Reencipher, ReencipherMode,
};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{APQNS, Machine, PROFILE_2X, configure, generate, info};
use crate::ready::{DATA, is_key_of};

type Entries = Vec<(String, String)>;

/// `kmip.conf` in the order of the C plugin's own steps.
const ORDER: [&str; 24] = [
    "apqns",
    "apqn-type",
    "identity-key",
    "identity-key-algorithm",
    "identity-key-params",
    "client-certificate",
    "client-certificate-algorithm",
    "kmip-server",
    "profile",
    "ca-bundle",
    "verify-server-cert",
    "verify-hostname",
    "kmip-server-info",
    "protocol-version",
    "server-cert",
    "server-pubkey",
    "wrapping-key",
    "wrapping-key-algorithm",
    "wrapping-key-params",
    "wrapping-key-id",
    "wrapping-key-label",
    "identity-key-reenc",
    "wrapping-key-reenc",
    "__hash__",
];

fn hash(entries: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (name, value) in entries {
        hash.update(name.as_bytes());
        hash.update(value.as_bytes());
    }
    let bytes = hash.finish();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the C plugin saves it.
fn write(path: &Path, entries: &[(String, String)]) {
    let mut text = String::new();
    for (name, value) in entries {
        text += &format!("{name}={value}\n");
    }
    text += &format!("__hash__={}\n", hash(entries));
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).unwrap();
}

/// As the C plugin loads it, which stops at what it does not like.
fn read(path: &Path) -> Entries {
    let text = fs::read_to_string(path).unwrap();
    let mut entries = Entries::new();
    let mut stored = None;
    for line in text.split_terminator('\n') {
        // Its buffer has 4096 bytes.
        assert!(line.len() < 4095, "{line}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').expect(line);
        match name {
            "__hash__" => stored = Some(value.to_owned()),
            name => entries.push((name.to_owned(), value.to_owned())),
        }
    }
    assert_eq!(stored, Some(hash(&entries)), "the hash");
    entries
}

fn value<'e>(entries: &'e Entries, name: &str) -> Option<&'e str> {
    let found = entries.iter().find(|(one, _)| one == name);
    found.map(|(_, value)| value.as_str())
}

fn conf(machine: &Machine) -> PathBuf {
    machine.path("KMIP/kmip.conf")
}

/// Demands that the C plugin finds all it needs, and returns what it reads.
#[track_caller]
fn demand_complete(machine: &Machine) -> Entries {
    let entries = read(&conf(machine));
    let get = |name: &str| value(&entries, name).filter(|value| !value.is_empty());
    let text = |name: &str| get(name).unwrap_or_else(|| panic!("{name} is missing"));
    for apqn in text("apqns").split(',') {
        let (card, domain) = apqn.split_once('.').unwrap();
        assert_eq!((card.len(), domain.len()), (2, 4), "{apqn}");
        assert_eq!(apqn, apqn.to_lowercase());
    }
    assert!(["CCA", "EP11"].contains(&text("apqn-type")));
    assert!(["ECC", "RSA"].contains(&text("identity-key-algorithm")));
    text("identity-key-params");
    assert!(["ECC", "RSA", "RSA-PSS"].contains(&text("client-certificate-algorithm")));
    text("kmip-server");
    text("kmip-server-info");
    let profile = format!("profiles/{}.profile", text("profile"));
    assert!(machine.path(&profile).exists(), "{profile}");
    for name in ["verify-server-cert", "verify-hostname"] {
        assert!(["yes", "no"].contains(&text(name)), "{name}");
    }
    let version = text("protocol-version");
    let is_number = |part: &str| part.parse::<u32>().is_ok();
    let is_version = version
        .split_once('.')
        .is_some_and(|(major, minor)| is_number(major) && is_number(minor));
    assert!(version == "PROFILE" || is_version, "{version}");
    assert_eq!(text("wrapping-key-algorithm"), "RSA");
    assert!(is_number(text("wrapping-key-params")));
    text("wrapping-key-id");
    // It opens the files by the names that are there.
    for (name, file, must) in [
        ("identity-key", "identity-key.skey", true),
        ("client-certificate", "client-certificate.pem", true),
        ("wrapping-key", "wrapping-key.skey", true),
        ("identity-key-reenc", "identity-key.reenc", false),
        ("wrapping-key-reenc", "wrapping-key.reenc", false),
        ("server-cert", "server-cert.pem", false),
        ("server-pubkey", "server-pubkey.pem", false),
    ] {
        let path = machine.path("KMIP").join(file);
        match get(name) {
            Some(found) => {
                assert_eq!(Path::new(found), path);
                assert!(path.is_file(), "{found}");
            }
            None => {
                assert!(!must, "{name}");
                assert!(!path.exists(), "{file} is there, but not named");
            }
        }
    }
    entries
}

fn reencipher(machine: &Machine, mode: ReencipherMode) {
    let request = Reencipher {
        mode,
        register: MasterKeyRegister::Auto,
        options: &[],
    };
    machine.plugin().reencipher(&request).unwrap();
}

fn connected() -> (Machine, KeyServer) {
    let machine = Machine::new();
    let server = machine.server(Behaviour {
        no_placeholder: true,
        ..Behaviour::default()
    });
    machine.profile("used", PROFILE_2X);
    machine.connect(&server, "used");
    (machine, server)
}

#[test]
fn the_c_plugin_can_go_on_after_every_step() {
    let (machine, server) = connected();
    let entries = demand_complete(&machine);
    // Beyond its own, there are only those that it keeps.
    for (name, _) in &entries {
        let is_own = [
            "server-traits",
            "server-traits-of",
            "last-contact",
            "wrapping-key-state",
        ]
        .contains(&name.as_str());
        assert!(is_own || ORDER.contains(&name.as_str()), "{name}");
    }
    assert_eq!(value(&entries, "protocol-version"), Some("PROFILE"));
    assert_eq!(value(&entries, "wrapping-key-label"), None);

    generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
    demand_complete(&machine);
    configure(&machine.plugin(), Some(&APQNS), &[]).unwrap();
    demand_complete(&machine);

    machine.terminal.will_answer(&["y"]);
    let options = [(code::GEN_WRAPPING_KEY, ""), (code::LABEL, "label")];
    machine.configure(&options).unwrap();
    let entries = demand_complete(&machine);
    assert_eq!(value(&entries, "wrapping-key-label"), Some("label"));

    machine.master_keys().load_new().unwrap();
    reencipher(&machine, ReencipherMode::Staged);
    let entries = demand_complete(&machine);
    assert!(value(&entries, "wrapping-key-reenc").is_some());
    machine.master_keys().set_new().unwrap();
    reencipher(&machine, ReencipherMode::StagedComplete);
    let entries = demand_complete(&machine);
    assert_eq!(value(&entries, "wrapping-key-reenc"), None);

    for (option, name) in [
        (code::TLS_TRUST_SERVER_CERT, "server-cert"),
        (code::TLS_PIN_SERVER_PUBKEY, "server-pubkey"),
    ] {
        machine.terminal.will_answer(&["y", "y", "y"]);
        let configured = machine.configure(&[
            (code::KMIP_SERVER, &server.address()),
            (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
            (code::PROFILE, "used"),
            (option, ""),
        ]);
        assert_eq!(configured.unwrap(), Configured::Complete);
        let entries = demand_complete(&machine);
        assert!(value(&entries, name).is_some(), "{name}");
    }
}

#[test]
fn what_the_c_plugin_configured_goes_on_here() {
    let (machine, server) = connected();
    // The same as it would have written it, with what other versions may have known beside it.
    let configured = read(&conf(&machine));
    let mut entries: Entries = ORDER
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), value(&configured, name)?.to_owned())))
        .collect();
    for (name, text) in &mut entries {
        match name.as_str() {
            "verify-server-cert" => *text = "YES".to_owned(),
            "verify-hostname" => *text = "No".to_owned(),
            _ => {}
        }
    }
    entries.insert(
        3,
        ("of-another-version".to_owned(), " kept = so ".to_owned()),
    );
    write(&conf(&machine), &entries);

    let text = info(&machine);
    for expected in ["ECC (prime256v1)", "CN=client", "used", "RSA (1024 bits"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // Nothing is known of the server any more, so it is learned again.
    assert!(!text.contains("separate-activate"), "{text}");
    let key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
    let object = server.store.object(&key.key_id).unwrap();
    assert!(is_key_of(&machine, &key.blob, &object));
    let change = [Property::new("description", "new")];
    machine
        .plugin()
        .set_key_properties(&key.key_id, &change)
        .unwrap();
    let entries = demand_kept(&machine);
    assert!(value(&entries, "server-traits").is_some());

    // A pending re-enciphering of the C plugin is completed.
    machine.master_keys().load_new().unwrap();
    reencipher(&machine, ReencipherMode::Staged);
    write(&conf(&machine), &read(&conf(&machine)));
    machine.master_keys().set_new().unwrap();
    reencipher(&machine, ReencipherMode::Auto);
    demand_kept(&machine);
    generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();

    // The C plugin made a new connection and knows nothing of ours.
    let mut entries = read(&conf(&machine));
    entries.retain(|(name, _)| name != "wrapping-key-label");
    write(&conf(&machine), &entries);
    machine.terminal.will_answer(&["y"]);
    machine.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
    demand_kept(&machine);
}

/// As [`demand_complete`], with the values in capitals that the C plugin understands too.
#[track_caller]
fn demand_kept(machine: &Machine) -> Entries {
    let entries = read(&conf(machine));
    assert_eq!(value(&entries, "of-another-version"), Some(" kept = so "));
    assert_eq!(entries[3].0, "of-another-version", "in its place");
    assert_eq!(value(&entries, "verify-server-cert"), Some("YES"));
    entries
}

/// The profile as s390-tools ships it, whose expression stands as it is, and a name that was cut.
#[test]
fn profiles_of_older_versions_are_used() {
    let (machine, server) = connected();
    machine.profile(
        "IBM-GKLM",
        "# as it was\nserver-regex=(SKLM|GKLM) (4\\.[1-9]\\.|[5..9]\\.\\d*.).*\nkmip-version=2.1\n\
         transport=TLS\nencoding=TTLV\nhttps-uri=/kmip\nauth-scheme=TLSClientCert\n\
         wrap-key-algorithm=RSA\nwrap-key-params=4096\nwrap-key-format=PKCS1\n\
         wrap-padding-method=OAEP\nwrap-hashing-algorithm=SHA-1\nsupports-link-attr=TRUE\n\
         supports-description-attr=FALSE\nsupports-comment-attr=FALSE\n\
         custom-attr-scheme=v1-style\nsupports-sensitive-attr=TRUE\n\
         check-always-sensitive-attr=TRUE\n",
    );
    server
        .store
        .behave(|own| own.vendor = "GKLM 4.1.0 KMIP 2.0".to_owned());
    machine.terminal.will_answer(&["y", "y", "y"]);
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &server.address()),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    assert_eq!(
        value(&demand_complete(&machine), "profile"),
        Some("IBM-GKLM")
    );
    let text = info(&machine);
    assert!(text.contains("RSA (4096 bits, OAEP, SHA-1)"), "{text}");
    generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();

    machine.profile("my.corp", PROFILE_2X);
    let mut entries = read(&conf(&machine));
    for (name, text) in &mut entries {
        if name == "profile" {
            *text = "my".to_owned();
        }
    }
    write(&conf(&machine), &entries);
    let text = info(&machine);
    assert!(text.contains("OAEP, SHA-256"), "{text}");
}
