//! Commands that are killed before each of their operations on files and on the network: the next
//! command removes at the server what nobody has any use for, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kmip::types::State;
use zkey_kmip::properties::{Integrity, Properties};
use zkey_kmip::secure_key::CardType;

use crate::common::c_source::build;
use crate::common::host::{Outcome, finish};
use crate::installation::Installation;
use crate::key_server::KeyServer;

struct Scene {
    installation: Installation,
    server: KeyServer,
    preloaded: PathBuf,
}

/// What the program says when it is killed.
const FIRED: &str = "fault fired";

impl Scene {
    fn new(profile: &str) -> Option<Scene> {
        if test_support::is_emulated() {
            println!("skipped: nothing is preloaded into programs of another architecture");
            return None;
        }
        let installation = Installation::new(CardType::Cca);
        installation.machine.profile("default", profile);
        let directory = installation.machine.directory.path();
        let preloaded = build(directory, "fault", &["-shared", "-fPIC"])?;
        let server = installation.configured(&["--profile", "default"]);
        Some(Scene {
            installation,
            server,
            preloaded,
        })
    }

    /// Runs the command and kills it at operation `at`; whether it had that many.
    fn kill(&self, arguments: &[&str], input: &str, at: usize) -> bool {
        let mut command = self.installation.command(arguments);
        command
            .env("LD_PRELOAD", &self.preloaded)
            .env("FAULT_DIRECTORY", self.installation.repository.path(""))
            .env("FAULT_SOCKETS", "1")
            .env("FAULT_AT", at.to_string());
        let outcome = finish(command.spawn().unwrap(), input);
        self.server.settle();
        let fired = outcome.err.contains(FIRED);
        assert_eq!(outcome.code.is_none(), fired, "{at}: {outcome:?}");
        if !fired {
            outcome.ok();
        }
        fired
    }

    fn next_command(&self) -> Outcome {
        self.installation.run(&["kms", "list"])
    }

    /// Keys that are not destroyed, by whether they are for wrapping.
    fn keys(&self, for_wrapping: bool) -> BTreeSet<String> {
        let objects = self.server.store.objects().into_iter();
        let wanted = objects.filter(|(_, object)| {
            object.key.is_empty() == for_wrapping && object.state != State::DESTROYED
        });
        wanted.map(|(id, _)| id).collect()
    }

    fn active_wrapping_keys(&self) -> BTreeSet<String> {
        let mut keys = self.keys(true);
        keys.retain(|id| self.server.store.object(id).unwrap().state == State::ACTIVE);
        keys
    }

    fn wrapping_key(&self) -> String {
        let path = self.installation.repository.path("KMIP/kmip.conf");
        let values = Properties::load(&path, Integrity::Hashed).unwrap();
        values.get("wrapping-key-id").unwrap().to_owned()
    }

    /// What the keys of the repository refer to.
    fn referred(&self) -> BTreeSet<String> {
        let names = self.installation.repository.files();
        let keys = names.iter().filter_map(|name| name.strip_suffix(".info"));
        let ids = keys.flat_map(|key| {
            let info = self.installation.repository.info(key);
            ["kms-key-id", "kms-xts-key1-id", "kms-xts-key2-id"]
                .map(|name| info.get(name).map(str::to_owned))
        });
        ids.flatten().collect()
    }

    /// What is written down, whether it can be read or not.
    fn intents(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.installation.repository.path("KMIP")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.to_str().unwrap().contains("/intent-"))
            .collect()
    }

    /// Keys that the program was given, and that it has not stored.
    fn given(&self) -> BTreeSet<String> {
        let intents = self.intents().into_iter();
        let intents = intents.filter_map(|path| Properties::load(&path, Integrity::Hashed).ok());
        intents
            .filter_map(|intent| intent.get("key-id").map(str::to_owned))
            .collect()
    }

    /// What the user does about keys that were given and not stored; returns whether they could be imported.
    fn take_given(&self, xts: bool) -> bool {
        if self.given().is_empty() {
            return false;
        }
        self.installation.run(&["kms", "import", "-q"]).ok();
        self.next_command().ok();
        let left = self.intents();
        if !left.is_empty() {
            // A pair that is not linked is of no use, nor is half of one.
            assert!(xts && left.len() <= 2, "{left:?}");
            left.iter().for_each(|path| fs::remove_file(path).unwrap());
            self.next_command().ok();
        }
        assert_eq!(self.given(), BTreeSet::new());
        left.is_empty()
    }

    /// Objects that nobody has got yet.
    fn not_given(&self) -> usize {
        self.intents().len() - self.given().len()
    }
}

/// No key of the repository is ever destroyed, and none that the program was not given stays. One that
/// it was given and did not store before it was killed is told, until it is imported.
fn generation(profile: &str, xts: bool) {
    let Some(scene) = Scene::new(profile) else {
        return;
    };
    let (mut destroyed, mut imported, mut lost) = (0, 0, BTreeSet::new());
    for at in 1.. {
        let name = format!("key{at}");
        let half: &[&str] = if xts { &["-x"] } else { &[] };
        let arguments = [&["generate", "-N", &name], half].concat();
        let fired = scene.kill(&arguments, "", at);
        let is_stored = scene.installation.repository.path(&format!("{name}.info"));
        assert!(fired || is_stored.exists());
        let unknown = |scene: &Scene| -> BTreeSet<String> {
            let known: BTreeSet<String> = scene.referred().union(&lost).cloned().collect();
            scene.keys(false).difference(&known).cloned().collect()
        };
        let (before, was_given) = (unknown(&scene), scene.not_given() == 0);
        let text = scene.next_command();
        let after = unknown(&scene);
        assert!(
            scene.referred().is_subset(&scene.keys(false)),
            "killed at {at}: {text:?}"
        );
        assert_eq!(scene.not_given(), 0, "killed at {at}: {text:?}");
        for id in &after {
            let told = text.err.contains(&format!("INFO: key {id} at"));
            assert!(told, "killed at {at}: {text:?}");
        }
        text.ok();
        if was_given {
            assert_eq!(before, after, "killed at {at}");
        } else {
            // Of a pair, the first key was given.
            assert!(after.len() <= usize::from(xts), "killed at {at}: {after:?}");
        }
        destroyed += before.len() - after.len();
        assert_eq!(scene.given(), after, "killed at {at}");
        imported += usize::from(scene.take_given(xts));
        lost.extend(after);
        if !fired {
            assert!(at > 20, "only {at} operations");
            break;
        }
    }
    assert!(destroyed > 2, "only {destroyed} keys were ever destroyed");
    assert!(!lost.is_empty());
    assert!(imported > 0, "none could be imported");
}

const PROFILE_1X: &str = "server-regex=x\nkmip-version=1.4\nwrap-key-params=1024\n";
const PROFILE_2X: &str = "server-regex=x\nkmip-version=2.1\nwrap-key-params=1024\n\
     supports-description-attr=TRUE\nsupports-sensitive-attr=TRUE\n\
     custom-attr-scheme=v2-style\nsupports-link-attr=TRUE\n";

#[test]
fn a_key_that_was_not_given_yet_is_destroyed() {
    generation(PROFILE_1X, false);
}

#[test]
fn a_key_of_a_pair_that_was_not_given_yet_is_destroyed() {
    generation(PROFILE_2X, true);
}

/// The configured wrapping key, and no other, can be used.
fn wrapping_key(profile: &str, arguments: impl Fn(&Scene) -> Vec<String>, input: &str) {
    let Some(scene) = Scene::new(profile) else {
        return;
    };
    let arguments = arguments(&scene);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut superfluous = 0;
    for at in 1.. {
        let fired = scene.kill(&arguments, input, at);
        superfluous += scene.active_wrapping_keys().len() - 1;
        let text = scene.next_command();
        let configured = BTreeSet::from([scene.wrapping_key()]);
        let active = scene.active_wrapping_keys();
        assert_eq!(active, configured, "killed at {at}: {text:?}");
        assert_eq!(scene.not_given(), 0, "killed at {at}: {text:?}");
        text.ok();
        if !fired {
            assert!(at > 20, "only {at} operations");
            break;
        }
    }
    assert!(superfluous > 4, "only {superfluous} were ever left behind");
    scene.installation.run(&["generate", "-N", "end"]).ok();
}

#[test]
fn a_new_wrapping_key_replaces_the_former_one_or_is_gone() {
    let arguments = |_: &Scene| {
        ["kms", "configure", "--gen-wrapping-key"]
            .map(str::to_owned)
            .to_vec()
    };
    wrapping_key(PROFILE_2X, arguments, "y\n");
}

#[test]
fn a_new_connection_leaves_one_wrapping_key() {
    let arguments = |scene: &Scene| {
        let ca = scene.installation.machine.text_path("ca.pem");
        let server = scene.server.address();
        let words = [
            "kms",
            "configure",
            "--kmip-server",
            &server,
            "--tls-ca-bundle",
            &ca,
        ];
        words.map(str::to_owned).to_vec()
    };
    wrapping_key(PROFILE_1X, arguments, "y\ny\nn\n");
}
