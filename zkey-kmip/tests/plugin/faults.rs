//! What a crash, a full disk or a read-only one leaves behind, at every single file operation.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use kmip::types::State;
use zkey_kmip::abi::KeyMode;
use zkey_kmip::config::ConfigFile;
use zkey_kmip::secure_key::{Register, SecureKeyBackend};

use crate::common::c_source::build;
use crate::common::shared_object;
use crate::key_server::KeyServer;
use crate::machine::{Machine, generate, names};
use crate::ready::{DATA, import, ready};

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    Error(i32),
}

/// A configured machine, and a program that runs its commands with a fault.
struct Scene {
    machine: Machine,
    server: KeyServer,
    program: PathBuf,
    preloaded: PathBuf,
    key: String,
}

impl Scene {
    /// `None` where such programs cannot be built or run.
    fn new() -> Option<Scene> {
        if std::env::var_os("KMIP_TEST_RUNNER").is_some() {
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

    fn run(&self, arguments: &[&str], fault: Fault, at: usize) -> (ExitStatus, String) {
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
            .env("FAULT_DIRECTORY", self.machine.path("KMIP"))
            .env("FAULT_AT", at.to_string())
            .stdin(std::process::Stdio::null());
        if let Fault::Error(errno) = fault {
            command.env("FAULT_ERRNO", errno.to_string());
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(2), "{text}");
        (output.status, text)
    }

    /// The next process finds a whole configuration that works.
    fn assert_works(&self, context: &str) {
        let plugin = self.machine.plugin();
        let imported = import(&plugin, &self.key);
        assert!(imported.is_ok(), "{context}: {imported:?}");
        let left: Vec<_> = names(&self.machine)
            .into_iter()
            .filter(|name| {
                name.ends_with(".tmp") || name.ends_with(".new") || name.contains("journal")
            })
            .collect();
        assert!(left.is_empty(), "{context}: {left:?}");
    }

    fn usable_wrapping_keys(&self) -> usize {
        let objects = self.server.store.objects();
        let usable = |id: &&String| {
            *id != &self.key && objects[*id].state == State::ACTIVE && objects[*id].key.is_empty()
        };
        objects.keys().filter(usable).count()
    }
}

const FAULTS: [Fault; 3] = [
    Fault::Kill,
    Fault::Error(libc::ENOSPC),
    Fault::Error(libc::EROFS),
];

/// What the program says when its fault came.
const FIRED: &str = "fault fired";

/// Runs `once` with a fault at each operation of a command, until it has no more.
fn at_each_operation(scene: &Scene, fault: Fault, once: impl Fn(usize) -> bool) {
    for at in 1.. {
        let fired = once(at);
        scene.assert_works(&format!("{fault:?} at operation {at}"));
        if !fired {
            assert!(at > 8, "only {at} operations");
            break;
        }
    }
}

#[test]
fn a_new_wrapping_key_is_configured_or_not() {
    let Some(scene) = Scene::new() else { return };
    let conf = || fs::read(scene.machine.path("KMIP/kmip.conf")).unwrap();
    for fault in FAULTS {
        at_each_operation(&scene, fault, |at| {
            let (before, usable) = (conf(), scene.usable_wrapping_keys());
            let label = format!("{fault:?} {at}");
            let (status, text) = scene.run(&["wrap", &label], fault, at);
            let fired = text.contains(FIRED);
            assert!(status.success() || fired, "{label}: {text}");
            if status.code() == Some(1) {
                let names_file = text.contains("/KMIP");
                assert!(names_file, "{label}: which file? {text}");
                // Nothing is left at the server either.
                scene.assert_works(&label);
                if conf() == before {
                    assert_eq!(scene.usable_wrapping_keys(), usable, "{label}");
                }
            }
            fired
        });
    }
}

#[test]
fn keys_are_reenciphered_or_not() {
    let Some(scene) = Scene::new() else { return };
    let registers = || {
        [ConfigFile::IdentityKey, ConfigFile::WrappingKey].map(|file| {
            let token = scene.machine.config().read(file).unwrap();
            scene.machine.backend().verify(&token).unwrap().register
        })
    };
    let waiting = || {
        ["identity-key.reenc", "wrapping-key.reenc"]
            .map(|name| scene.machine.path("KMIP").join(name).exists())
    };
    let own = scene.machine.path("KMIP");
    // Mode of the C interface: staged.
    scene.machine.master_keys().load_new().unwrap();
    let before = Saved::of(&own);
    for fault in FAULTS {
        at_each_operation(&scene, fault, |at| {
            before.restore(&own);
            let (_, text) = scene.run(&["reencipher", "2"], fault, at);
            assert_eq!(registers(), [Register::Current; 2], "{fault:?} {at}");
            let [one, other] = waiting();
            assert_eq!(one, other, "{fault:?} {at}");
            text.contains(FIRED)
        });
    }
    assert_eq!(waiting(), [true; 2]);
    // The completion.
    scene.machine.master_keys().set_new().unwrap();
    let staged = Saved::of(&own);
    for fault in FAULTS {
        at_each_operation(&scene, fault, |at| {
            staged.restore(&own);
            let (_, text) = scene.run(&["reencipher", "3"], fault, at);
            let state = (registers(), waiting());
            let is_whole = state == ([Register::Old; 2], [true; 2])
                || state == ([Register::Current; 2], [false; 2]);
            assert!(is_whole, "{fault:?} {at}: {state:?}");
            text.contains(FIRED)
        });
    }
    assert_eq!(registers(), [Register::Current; 2]);
}

/// The files of a directory.
struct Saved(Vec<(OsString, Vec<u8>)>);

impl Saved {
    fn of(directory: &Path) -> Saved {
        let entries = fs::read_dir(directory).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name(), fs::read(entry.path()).unwrap())
        });
        Saved(entries.collect())
    }

    fn restore(&self, directory: &Path) {
        for entry in fs::read_dir(directory).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, content) in &self.0 {
            fs::write(directory.join(name), content).unwrap();
        }
    }
}
