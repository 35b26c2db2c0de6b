//! What a crash, a full disk or a read-only one leaves behind, at every single file operation of
//! every command that changes the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use openssl::x509::{X509, X509Req};
use zkey_kmip::abi::KeyMode;
use zkey_kmip::config::{Config, ConfigFile, Part};
use zkey_kmip::identity::certificates_from_pem;
use zkey_kmip::secure_key::SecureKeyBackend;

use crate::common::c_source::build;
use crate::common::shared_object;
use crate::key_server::KeyServer;
use crate::machine::{Machine, generate};
use crate::ready::{DATA, import, ready};

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    Error(i32),
}

/// What the program says when its fault came.
const FIRED: &str = "fault fired";

/// A configured machine, and a program that runs its commands with a fault.
struct Scene {
    machine: Machine,
    server: KeyServer,
    program: PathBuf,
    preloaded: PathBuf,
    key: String,
}

/// The files of the configuration.
type Files = BTreeMap<String, Vec<u8>>;

/// How a command ended.
struct Ended {
    fired: bool,
    code: Option<i32>,
    text: String,
}

impl Scene {
    /// `None` where such programs cannot be built or run.
    fn new() -> Option<Scene> {
        if test_support::is_emulated() {
            println!("skipped: nothing is preloaded into programs of another architecture");
            return None;
        }
        let (machine, server) = ready("1.4");
        let directory = machine.directory.path();
        let program = build(directory, "host", &[])?;
        let preloaded = build(directory, "fault", &["-shared", "-fPIC"])?;
        let key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
        Some(Scene {
            machine,
            server,
            program,
            preloaded,
            key: key.key_id,
        })
    }

    /// Runs a command with a fault at its operation `at` on the configuration. The user says yes to
    /// everything.
    fn run(&self, arguments: &[&str], fault: Fault, at: usize) -> Ended {
        self.run_below("KMIP", arguments, fault, at)
    }

    /// The same with operations below this directory of the machine.
    fn run_below(&self, below: &str, arguments: &[&str], fault: Fault, at: usize) -> Ended {
        let mut command = Command::new(&self.program);
        command
            .arg(shared_object())
            .arg(self.machine.path("KMIP"))
            .args(arguments)
            .env("ZKEY_KMIP_BACKEND", "software")
            .env("ZKEY_KMIP_PROFILES", self.machine.path("profiles"))
            .env(
                "ZKEY_KMIP_SOFTWARE_MASTER_KEY",
                self.machine.path("master-key"),
            )
            .env("LD_PRELOAD", &self.preloaded)
            .env("FAULT_DIRECTORY", self.machine.path(below))
            .env("FAULT_AT", at.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Fault::Error(errno) = fault {
            command.env("FAULT_ERRNO", errno.to_string());
        }
        let mut child = command.spawn().unwrap();
        // It may be dead already.
        let _ = child.stdin.take().unwrap().write_all(b"y\ny\ny\n");
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(2), "{text}");
        Ended {
            fired: text.contains(FIRED),
            code: output.status.code(),
            text,
        }
    }

    fn files(&self) -> Files {
        let entries = fs::read_dir(self.machine.path("KMIP")).unwrap();
        let files = entries.map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        });
        files.collect()
    }

    fn restore(&self, files: &Files) {
        for name in self.files().into_keys() {
            fs::remove_file(self.machine.path("KMIP").join(name)).unwrap();
        }
        for (name, content) in files {
            fs::write(self.machine.path("KMIP").join(name), content).unwrap();
        }
    }

    /// What the next process finds: it repairs the configuration, and says what is to be destroyed
    /// at the server.
    fn reopened(&self) -> Files {
        let config = Config::open(&self.machine.path("KMIP")).unwrap();
        for held in config.left_intents().unwrap() {
            held.withdraw().unwrap();
        }
        self.files()
    }

    /// What belongs together fits together.
    fn assert_consistent(&self, context: &str) {
        let config = self.machine.config();
        let backend = self.machine.backend();
        let key = config.read(ConfigFile::IdentityKey).unwrap();
        let public_key = backend.public_key(&key).unwrap();
        if config.has(Part::ClientCertificate) {
            let pem = config.read(ConfigFile::ClientCertificate).unwrap();
            let certificate = certificates_from_pem(&pem).unwrap().remove(0);
            let certified = certificate.public_key().unwrap();
            assert_eq!(
                certified.public_key_to_der().unwrap(),
                public_key,
                "{context}"
            );
        }
    }

    /// A fault at each operation of a command leaves all or nothing of the change that it makes
    /// without a fault.
    fn assert_all_or_nothing(&self, arguments: &[&str], works: bool) {
        let (before, objects) = (self.files(), self.server.store.objects());
        let ended = self.run(arguments, Fault::Kill, 0);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.text);
        let complete = differing(&before, &self.reopened());
        assert!(!complete.is_empty(), "{arguments:?} changes nothing");
        for at in 1.. {
            // Full, or read-only, in turn.
            let error = [libc::ENOSPC, libc::EROFS][at % 2];
            let fired = [Fault::Kill, Fault::Error(error)].map(|fault| {
                let context = format!("{arguments:?}: {fault:?} at operation {at}");
                self.restore(&before);
                self.server.store.restore(&objects);
                let ended = self.run(arguments, fault, at);
                let changed = differing(&before, &self.reopened());
                assert!(
                    changed.is_empty() || changed == complete,
                    "{context}: only {changed:?} of {complete:?}"
                );
                assert!(
                    ended.code == Some(0) || ended.fired,
                    "{context}: {}",
                    ended.text
                );
                match ended.code {
                    Some(0) => assert_eq!(changed, complete, "{context}: a silent success"),
                    Some(_) => assert!(ended.text.contains("/KMIP"), "{context}: {}", ended.text),
                    None => {}
                }
                self.assert_consistent(&context);
                if works {
                    let imported = import(&self.machine.plugin(), &self.key);
                    assert!(imported.is_ok(), "{context}: {imported:?}");
                }
                ended.fired
            });
            if fired == [false; 2] {
                assert!(at > 8, "{arguments:?}: only {at} operations");
                break;
            }
        }
    }
}

/// What `--gen-csr` and `--gen-self-signed-cert` write for the user, and the key it is for.
fn public_key_of(pem: &[u8]) -> Vec<u8> {
    let request = X509Req::from_pem(pem).map(|request| request.public_key().unwrap());
    let key = request.or_else(|_| X509::from_pem(pem)?.public_key());
    key.unwrap().public_key_to_der().unwrap()
}

impl Scene {
    /// A fault at each operation, on the configuration or on the file for the user, leaves the former
    /// file or a whole new one; and no configuration without the file that belongs to it.
    fn assert_written_or_not(&self, options: &[&str], output: &str) {
        let path = self.machine.path("out").join(output);
        let arguments = [&["configure"], options].concat();
        let before = self.files();
        let prepare = || {
            self.restore(&before);
            fs::remove_dir_all(self.machine.path("out")).unwrap();
            fs::create_dir(self.machine.path("out")).unwrap();
            fs::write(&path, "former").unwrap();
        };
        prepare();
        let ended = self.run(&arguments, Fault::Kill, 0);
        assert_eq!(ended.code, Some(0), "{options:?}: {}", ended.text);
        let complete = differing(&before, &self.reopened());
        for at in 1.. {
            let error = [libc::ENOSPC, libc::EROFS][at % 2];
            let fired = [Fault::Kill, Fault::Error(error)].map(|fault| {
                let context = format!("{options:?}: {fault:?} at operation {at}");
                prepare();
                let ended = self.run_below("", &arguments, fault, at);
                let changed = differing(&before, &self.reopened());
                assert!(
                    changed.is_empty() || changed == complete,
                    "{context}: {changed:?}"
                );
                let written = fs::read(&path).unwrap();
                let is_written = written != b"former";
                if is_written {
                    let key = public_key_of(&written);
                    let config = self.machine.config();
                    let identity = config.read(ConfigFile::IdentityKey).unwrap();
                    let identity = self.machine.backend().public_key(&identity).unwrap();
                    assert!(key == identity || changed.is_empty(), "{context}");
                } else {
                    assert!(changed.is_empty(), "{context}: without the file");
                }
                match (ended.code, ended.fired) {
                    (Some(0), _) => assert!(is_written && changed == complete, "{context}"),
                    (Some(_), fired) => {
                        assert!(fired, "{context}: {}", ended.text);
                        let named = ["/KMIP", "/out"]
                            .iter()
                            .any(|place| ended.text.contains(place));
                        assert!(named, "{context}: {}", ended.text);
                        let files = fs::read_dir(self.machine.path("out")).unwrap();
                        assert_eq!(files.count(), 1, "{context}: left over");
                    }
                    (None, _) => {}
                }
                self.assert_consistent(&context);
                ended.fired
            });
            if fired == [false; 2] {
                assert!(at > 4, "{options:?}: only {at} operations");
                break;
            }
        }
    }
}

#[test]
fn requests_and_renewed_certificates_are_written_or_not() {
    let Some(scene) = Scene::new() else { return };
    let out = scene.machine.path("out");
    fs::create_dir(&out).unwrap();
    let text = |option: &str, name: &str| format!("{option}={}", out.join(name).display());
    let renewed = format!("N={}", scene.machine.text_path("client.pem"));
    let (request, own) = (text("c", "new.csr"), text("C", "new.pem"));
    let former = scene.files();
    for (options, output) in [
        (vec![&*request, "s=CN=client"], "new.csr"),
        (vec![&*request, &renewed, "n"], "new.csr"),
        (
            vec![&*request, "i=ECC:prime256v1", "s=CN=client"],
            "new.csr",
        ),
        (vec![&*own, &renewed, "d=9"], "new.pem"),
        (vec![&*own, &*renewed, "i=ECC:secp384r1"], "new.pem"),
    ] {
        scene.restore(&former);
        scene.assert_written_or_not(&options, output);
    }
}

/// The names of the files that differ. The configuration file does so if any other does.
fn differing(before: &Files, after: &Files) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    names.filter(differs).cloned().collect()
}

#[test]
fn identities_are_configured_or_not() {
    let Some(scene) = Scene::new() else { return };
    let path = |name: &str| scene.machine.text_path(name);
    let (request, own) = (
        format!("c={}", path("new.csr")),
        format!("C={}", path("new.pem")),
    );
    let former = scene.files();
    let ended = scene.run(&["configure", &request, "s=CN=client"], Fault::Kill, 0);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let signed = scene
        .machine
        .authority
        .sign_request(&fs::read(path("new.csr")).unwrap());
    fs::write(path("issued.pem"), signed).unwrap();
    let issued = format!("r={}", path("issued.pem"));
    for (options, works) in [
        (vec!["apqns=4.39"], true),
        (vec!["i=ECC:secp384r1"], false),
        (vec![&*own, "s=CN=client"], false),
        (vec![&*issued], false),
        (
            vec!["apqns=4.39", "i=ECC:prime256v1", &own, "s=CN=all", "d=7"],
            false,
        ),
    ] {
        scene.restore(&former);
        let arguments = [vec!["configure"], options].concat();
        scene.assert_all_or_nothing(&arguments, works);
    }
}

#[test]
fn connections_and_wrapping_keys_are_configured_or_not() {
    let Some(scene) = Scene::new() else { return };
    let server = format!("S={}", scene.server.address());
    let ca = format!("b={}", scene.machine.text_path("ca.pem"));
    let (former, objects) = (scene.files(), scene.server.store.objects());
    for options in [
        vec!["w", "B=label"],
        vec![&*server, &ca, "p=used", "257"],
        vec![&*server, &ca, "p=used", "256", "259"],
    ] {
        scene.restore(&former);
        scene.server.store.restore(&objects);
        let arguments = [vec!["configure"], options].concat();
        scene.assert_all_or_nothing(&arguments, true);
    }
}

/// Numbers of modes and registers are those of the C interface.
#[test]
fn keys_are_reenciphered_or_not() {
    let Some(scene) = Scene::new() else { return };
    let former = scene.files();
    let master_keys = scene.machine.master_keys();
    let (in_place, staged, complete) = ("1", "2", "3");
    let (automatic, from_old, to_new, both) = ("0", "1", "2", "3");
    let run = |mode: &str, register: &str, works: bool| {
        scene.assert_all_or_nothing(&["reencipher", mode, register], works);
    };
    master_keys.load_new().unwrap();
    run(staged, to_new, true);
    let waiting = scene.files();
    scene.restore(&former);
    // Not usable before the master key is set.
    run(in_place, automatic, false);
    master_keys.set_new().unwrap();
    scene.restore(&waiting);
    run(complete, automatic, false);
    // The same without a word.
    scene.restore(&waiting);
    run(automatic, automatic, false);
    // A command that comes late, with and without keys that wait.
    for (files, mode) in [
        (&former, in_place),
        (&former, staged),
        (&waiting, automatic),
    ] {
        scene.restore(files);
        run(mode, from_old, false);
    }
    master_keys.load_new().unwrap();
    for mode in [in_place, staged] {
        scene.restore(&former);
        run(mode, both, false);
    }
}
