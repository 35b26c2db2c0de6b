//! The whole life of keys at the reference key server: every backend in every version of the
//! protocol, over every transport, in every encoding.

use std::collections::BTreeSet;

use kmip::types::State;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{
    Configured, GeneratedKey, KeyMode, Kms, ListRequest, MasterKeyRegister, Property, Reencipher,
    ReencipherMode,
};

use crate::machine::generate;
use crate::reference::{PATH, Reference};
use crate::workplace::{Backend, Workplace, import, properties, remove};

const VERSIONS: [&str; 7] = ["1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1"];
/// What carries messages, and how they are encoded.
const WAYS: [(&str, &str); 4] = [
    ("TLS", "TTLV"),
    ("HTTPS", "TTLV"),
    ("HTTPS", "JSON"),
    ("HTTPS", "XML"),
];
const FORMATS: [&str; 3] = ["PKCS1", "PKCS8", "TransparentPublicKey"];
const PADDINGS: [&str; 3] = [
    "PKCS1.5",
    "OAEP\nwrap-hashing-algorithm=SHA-1",
    "OAEP\nwrap-hashing-algorithm=SHA-256",
];

/// One of the combinations; its number chooses what else a profile can say.
#[derive(Debug, Clone, Copy)]
struct Row {
    number: usize,
    version: &'static str,
    way: (&'static str, &'static str),
}

impl Row {
    fn profile(self) -> String {
        let Row {
            number,
            version,
            way: (transport, encoding),
        } = self;
        let mut text = format!(
            "server-regex=x\nkmip-version={version}\ntransport={transport}\nencoding={encoding}\n\
             https-uri={PATH}\nwrap-key-params=1024\nwrap-key-format={}\nwrap-padding-method={}\n",
            FORMATS[number % 3],
            PADDINGS[number / 3 % 3]
        );
        let flags = [
            "supports-link-attr=TRUE\n",
            "supports-description-attr=TRUE\n",
            "custom-attr-scheme=v2-style\n",
            "supports-sensitive-attr=TRUE\ncheck-always-sensitive-attr=TRUE\n",
        ];
        // Every other one, so that neighbours differ.
        for (place, flag) in flags.into_iter().enumerate() {
            if (number >> place) % 2 == 0 {
                text.push_str(flag);
            }
        }
        text
    }
}

/// Identifier and label.
type Key = (String, String);

/// A machine, and a server for each transport that all its rows are played at.
struct Stage {
    work: Workplace,
    servers: [Reference; 2],
    /// The wrapping key that the last row has left at a server.
    former: [Option<String>; 2],
}

impl Stage {
    fn new(backend: Backend) -> Stage {
        let work = Workplace::new(backend);
        work.with_certificate("ECC:prime256v1");
        let servers = [false, true].map(|https| Reference::start(&work.machine, https));
        Stage {
            work,
            servers,
            former: [None, None],
        }
    }

    fn play(&mut self, row: Row) {
        let work = &self.work;
        let place = usize::from(row.way.0 == "HTTPS");
        let server = &self.servers[place];
        work.machine.profile("row", &row.profile());

        // Configured, with a wrapping key in the place of the former row's.
        let connected = work.machine.config().server().map(str::to_owned);
        let is_same = connected.as_ref() == Some(&server.address());
        let former = self.former[place].take().filter(|_| is_same);
        // Replace the connection? Is it this server? Destroy the former wrapping key?
        let answers: &[&str] = match (&connected, &former) {
            (None, _) => &["y"],
            (Some(_), None) => &["y", "y"],
            (Some(_), Some(_)) => &["y", "y", "n"],
        };
        let configured = work.connect(&server.address(), "row", answers);
        assert_eq!(configured.unwrap(), Configured::Complete);
        if let Some(former) = former {
            assert_eq!(server.state(&former), State::DEACTIVATED);
        }
        let wrapping_key = work.machine.config().wrapping_key().unwrap().id;
        assert_eq!(server.state(&wrapping_key), State::ACTIVE);

        let label = |name: &str| format!("{}-{name}", row.number);
        let keys = self.generate(server, &label);
        assert_eq!(self.list(&label("*")), keys.iter().cloned().collect());
        assert_eq!(self.list(&label("one")).len(), 1);
        self.check_imports(server, &keys);
        self.change(&keys[0].0);
        self.reencipher(server, &keys);

        work.machine.terminal.will_answer(&["y"]);
        work.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
        assert_eq!(server.state(&wrapping_key), State::DESTROYED);
        let wrapping_key = work.machine.config().wrapping_key().unwrap().id;
        self.check_imports(server, &keys);

        let plugin = work.plugin();
        for ((id, _), state) in keys.iter().zip([
            State::DEACTIVATED,
            State::COMPROMISED,
            State::DESTROYED,
            State::DESTROYED_COMPROMISED,
        ]) {
            remove(&plugin, id, state);
            // Once more does no harm.
            remove(&plugin, id, state);
            assert_eq!(server.state(id), state);
        }
        assert!(self.list(&label("*")).is_empty());
        let warned = work.machine.terminal.warned();
        // That the keys of this test are not good enough.
        let is_expected = |line: &str| line.contains("software") || line.contains("1024 bits");
        let mut warnings = warned.lines().filter(|line| line.contains("WARNING"));
        assert!(warnings.all(is_expected), "{warned}");
        self.former[place] = Some(wrapping_key);
    }

    /// A key of each type, and a pair for XTS, with their labels.
    fn generate(&self, server: &Reference, label: &dyn Fn(&str) -> String) -> Vec<Key> {
        let (work, plugin) = (&self.work, self.work.plugin());
        let mut keys = Vec::new();
        let mut check = |key: GeneratedKey| {
            assert_eq!(server.state(&key.key_id), State::ACTIVE);
            assert!(work.holds(&key.blob, &server.key(&key.key_id)));
            keys.push((key.key_id.clone(), key.label));
            key.key_id
        };
        for key_type in work.key_types() {
            let label = label(key_type.name());
            let mode = KeyMode::NonXts;
            let key = generate(&plugin, *key_type, &properties(), Some(&label), mode);
            check(key.unwrap());
        }
        let key_type = work.key_types()[0];
        let labels = format!("{}:{}", label("one"), label("two"));
        let one = generate(
            &plugin,
            key_type,
            &properties(),
            Some(&labels),
            KeyMode::Xts1,
        );
        let one = check(one.unwrap());
        let link = [Property::new("xts-key1-id", one.clone())];
        let two = generate(&plugin, key_type, &link, Some(&labels), KeyMode::Xts2);
        let two = check(two.unwrap());
        let back = [Property::new("xts-key2-id", two.clone())];
        plugin.set_key_properties(&one, &back).unwrap();
        // What zkey pairs them by.
        let plugin = work.plugin();
        assert!(plugin.get_key_properties(&one).unwrap().contains(&back[0]));
        assert!(plugin.get_key_properties(&two).unwrap().contains(&link[0]));
        keys
    }

    fn list(&self, pattern: &str) -> BTreeSet<Key> {
        let mut found = BTreeSet::new();
        let request = ListRequest {
            label_pattern: Some(pattern),
            filter: &[],
            options: &[],
        };
        let plugin = self.work.plugin();
        let listed = plugin.list_keys(&request, &mut |key| {
            assert_eq!(key.key_bits, 256);
            found.insert((key.key_id.to_owned(), key.label.to_owned()));
            Ok(())
        });
        listed.unwrap();
        found
    }

    /// What a new process imports is what is at the server.
    fn check_imports(&self, server: &Reference, keys: &[Key]) {
        let plugin = self.work.plugin();
        for (id, _) in keys {
            for key_type in self.work.key_types() {
                let imported = import(&plugin, id, Some(*key_type)).unwrap();
                assert!(self.work.holds(&imported, &server.key(id)), "{key_type}");
            }
        }
    }

    /// Properties are changed, removed and added, and come back by a refresh.
    fn change(&self, id: &str) {
        let changes = [
            Property::new("description", "ä <\"&> changed"),
            Property::removal("volume-type"),
            Property::new("sector-size", "4096"),
        ];
        self.work.plugin().set_key_properties(id, &changes).unwrap();
        let mut back = self.work.plugin().get_key_properties(id).unwrap();
        back.retain(|property| !property.name.starts_with("xts-"));
        back.sort_by(|a, b| a.name.cmp(&b.name));
        let expected = [
            Property::new("description", "ä <\"&> changed"),
            Property::new("sector-size", "4096"),
            Property::new("volumes", ""),
            Property::new("zkey-name", "disk"),
        ];
        assert_eq!(back, expected);
    }

    /// The plugin's own keys follow the master key, and the connection works before and after.
    fn reencipher(&self, server: &Reference, keys: &[Key]) {
        let run = |mode| {
            let request = Reencipher {
                mode,
                register: MasterKeyRegister::Auto,
                options: &[],
            };
            self.work.plugin().reencipher(&request).unwrap();
        };
        self.work.load_master_key();
        run(ReencipherMode::Staged);
        self.check_imports(server, keys);
        self.work.set_master_key();
        run(ReencipherMode::StagedComplete);
        self.check_imports(server, keys);
    }
}

/// All rows with one backend. Where programs are emulated, every version and every way, but not both
/// of each together.
fn play_all(backend: Backend) {
    let is_slow = test_support::is_emulated();
    let mut stage = Stage::new(backend);
    let mut played = 0;
    // By way first, so that rows at the same server follow each other.
    for (number_of_way, way) in WAYS.into_iter().enumerate() {
        for (number_of_version, version) in VERSIONS.into_iter().enumerate() {
            if is_slow && number_of_version % WAYS.len() != number_of_way {
                continue;
            }
            let row = Row {
                number: number_of_way * VERSIONS.len() + number_of_version,
                version,
                way,
            };
            println!("{backend:?} {row:?}");
            stage.play(row);
            played += 1;
        }
    }
    assert_eq!(played, if is_slow { 7 } else { 28 });
    // The newest one that both know.
    for way in WAYS {
        let number = 100 + played;
        played += 1;
        let version = "AUTO";
        let row = Row {
            number,
            version,
            way,
        };
        println!("{backend:?} {row:?}");
        stage.play(row);
        let mut text = Vec::new();
        stage.work.plugin().info(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("2.1"), "{text}");
        if is_slow {
            break;
        }
    }
}

#[test]
fn software_in_all_versions_and_encodings() {
    play_all(Backend::Software);
}

#[test]
fn cca_in_all_versions_and_encodings() {
    play_all(Backend::Cca);
}

#[test]
fn ep11_in_all_versions_and_encodings() {
    play_all(Backend::Ep11);
}
