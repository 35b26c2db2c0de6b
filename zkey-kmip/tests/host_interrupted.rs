//! Commands that are killed, and commands that meet each other.

mod common;

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command};

use common::host::{Repository, finish};

/// A pipe that the plugin opens when it gets the call.
fn pause(repository: &Repository, call: &str) {
    let path = repository.config(&format!("pause-{call}"));
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Waits until the plugin is in the call.
fn reached(repository: &Repository, call: &str, host: &mut Child) {
    let path = repository.config(&format!("pause-{call}"));
    let mut pipe = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .unwrap();
    // Nothing to read, or nobody who writes: not there yet.
    while !matches!(pipe.read(&mut [0]), Ok(1)) {
        assert!(host.try_wait().unwrap().is_none(), "{call} was not called");
        std::thread::yield_now();
    }
}

fn kill(mut child: Child) {
    // SIGKILL: no destructor and no handler runs.
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Nothing but whole keys, and the repository works.
fn assert_consistent(repository: &Repository) {
    let text = repository.run(&["list", "--json"]).ok();
    let keys: serde_json::Value = serde_json::from_str(&text).unwrap();
    if !keys.as_array().unwrap().is_empty() {
        repository.run(&["validate"]).ok();
    }
    let files = repository.files();
    assert!(
        files.iter().all(|file| !file.ends_with(".tmp")),
        "{files:?}"
    );
}

#[test]
fn killed_between_the_halves_of_a_pair() {
    let repository = Repository::ready();
    pause(&repository, "generate-Xts2");
    let mut child = repository.start(&["generate", "-N", "x", "-x"]);
    reached(&repository, "generate-Xts2", &mut child);
    kill(child);
    assert!(repository.files().is_empty());
    fs::remove_file(repository.config("pause-generate-Xts2")).unwrap();
    repository.run(&["generate", "-N", "x", "-x"]).ok();
    assert_consistent(&repository);
}

#[test]
fn killed_within_an_import() {
    let repository = Repository::ready();
    for name in ["a", "b"] {
        repository.run(&["generate", "-N", name]).ok();
    }
    repository.run(&["remove", "-N", "b", "-F"]).ok();
    pause(&repository, "set");
    let mut child = repository.start(&["kms", "import", "-q"]);
    reached(&repository, "set", &mut child);
    kill(child);
    assert_eq!(repository.files(), ["a.info", "a.skey"]);
    fs::remove_file(repository.config("pause-set")).unwrap();
    repository.run(&["kms", "import", "-q"]).ok();
    assert_eq!(repository.files(), ["a.info", "a.skey", "b.info", "b.skey"]);
    assert_consistent(&repository);
}

/// Kills the command as soon as it writes anything for the key, at whatever step that hits.
#[test]
fn killed_while_it_writes() {
    let repository = Repository::ready();
    let mut absent = 0;
    for round in 0..16 {
        let name = format!("key{round}");
        let mut child = repository.start(&["generate", "-N", &name, "--gen-dummy-passphrase"]);
        let ending = [".pass", ".skey", ".skey.", ".info."][round % 4];
        let beginning = format!("{name}{ending}");
        // A file that is there for a moment only may be missed.
        while !writes(&repository.path(""), &beginning) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        kill(child);
        let complete = repository.path(&format!("{name}.info")).exists();
        assert_consistent(&repository);
        if !complete {
            absent += 1;
            repository.run(&["generate", "-N", &name]).ok();
        }
    }
    assert!(absent > 0, "the kills came too late to test anything");
    assert_consistent(&repository);
}

fn writes(directory: &Path, beginning: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        name.starts_with(beginning)
    })
}

#[test]
fn left_over_files_are_removed_or_replaced() {
    let repository = Repository::ready();
    fs::write(repository.path("x.skey"), "half a key").unwrap();
    fs::write(repository.path("x.info.4711-0.tmp"), "half").unwrap();
    fs::write(repository.path("kms.conf.4711-0.tmp"), "half").unwrap();
    fs::write(repository.path("mine.tmp"), "not the host's").unwrap();
    repository.run(&["generate", "-N", "x"]).ok();
    assert_eq!(repository.files(), ["mine.tmp", "x.info", "x.skey"]);
    fs::remove_file(repository.path("mine.tmp")).unwrap();
    assert_consistent(&repository);
}

#[test]
fn interrupted_bind_can_be_done_again() {
    let repository = Repository::new();
    fs::create_dir(repository.path("Shelf")).unwrap();
    repository.run(&["kms", "bind", "shelf"]).ok();
    let repository = Repository::new();
    fs::create_dir(repository.path("Shelf")).unwrap();
    fs::write(repository.config("precious"), "").unwrap();
    let message = repository.run(&["kms", "bind", "shelf"]).fails(1);
    assert!(message.contains("is not empty"), "{message}");
    assert!(repository.config("precious").exists());
}

#[test]
fn second_process_says_that_it_waits_and_goes_on() {
    let repository = Repository::ready();
    pause(&repository, "generate-NonXts");
    let mut first = repository.start(&["generate", "-N", "x"]);
    reached(&repository, "generate-NonXts", &mut first);
    let mut second = repository.start(&["list", "--json"]);
    let mut messages = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    messages.read_line(&mut line).unwrap();
    assert!(line.contains("waiting for another process"), "{line}");
    assert!(second.try_wait().unwrap().is_none());
    // The kernel gives up the lock of a dead process.
    kill(first);
    let outcome = finish(second, "");
    let mut rest = String::new();
    messages.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert_eq!(outcome.ok().trim(), "[]");
}

#[test]
fn many_processes_at_once_make_whole_keys() {
    let repository = Repository::ready();
    let children: Vec<_> = (0..6)
        .map(|number| repository.start(&["generate", "-x", "-N", &format!("key{number}")]))
        .collect();
    let rivals: Vec<_> = (0..3)
        .map(|_| repository.start(&["generate", "-N", "contested"]))
        .collect();
    for child in children {
        finish(child, "").ok();
    }
    let codes = rivals.into_iter().map(|child| finish(child, "").code);
    assert_eq!(codes.filter(|code| *code == Some(0)).count(), 1);
    assert_eq!(repository.files().len(), 14);
    assert_consistent(&repository);
}
