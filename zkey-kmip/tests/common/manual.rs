//! The examples of the manual page, as they stand there, one by one.

use std::fs;
use std::path::Path;
use std::process::Command;

use kmip::types::State;
use test_support::Authority;

use super::host::finish;

/// The words of each example, without `zkey`.
fn examples() -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/zkey-kmip.1");
    let page = fs::read_to_string(page).unwrap();
    let (_, examples) = page.split_once(".EX\n").unwrap();
    let (examples, _) = examples.split_once(".EE").unwrap();
    let words = |line: &str| {
        let line = line.replace(['\\', '"'], "");
        let mut words = line.split_whitespace().map(str::to_owned);
        assert_eq!(words.next().as_deref(), Some("zkey"), "{line}");
        words.collect()
    };
    let commands = examples.lines().filter(|line| !line.starts_with('#'));
    commands.map(words).collect()
}

/// A machine to walk through the examples on.
pub struct Walk<'w> {
    /// Where files of the user are.
    pub directory: &'w Path,
    /// Issues the certificates of the server and of the client.
    pub authority: &'w Authority,
    /// Stands for `kms.example.com`.
    pub server: &'w str,
    /// The program with these arguments, on this machine.
    pub command: &'w dyn Fn(&[&str]) -> Command,
    /// Loads a new master key into NEW, and makes it CURRENT.
    pub load_master_key: &'w dyn Fn(),
    pub set_master_key: &'w dyn Fn(),
    /// What is at the server now: the states of the keys, without wrapping keys.
    pub states: &'w dyn Fn() -> Vec<State>,
}

impl Walk<'_> {
    /// Does what the manual page says, with what is done elsewhere in between.
    pub fn run(&self) {
        self.authority.write_pem(&self.directory.join("ca.pem"));
        let mut seen = Vec::new();
        for mut words in examples() {
            let begins =
                |words: &[String], with: &[&str]| words.iter().zip(with).all(|(a, b)| a == b);
            if let Some(place) = words.iter().position(|word| word == "kms.example.com") {
                words[place] = self.server.to_owned();
            }
            // There are no such volumes here.
            if begins(&words, &["generate"]) || begins(&words, &["kms", "refresh"]) {
                words.push("--no-volume-check".to_owned());
            }
            if words.contains(&"--client-cert".to_owned()) {
                let request = fs::read(self.directory.join("client.csr")).unwrap();
                let certificate = self.authority.sign_request(&request);
                fs::write(self.directory.join("client.pem"), certificate).unwrap();
            }
            let reenciphers = begins(&words, &["kms", "reencipher"]);
            let completes = words.contains(&"--complete".to_owned());
            match (reenciphers, completes) {
                (true, false) => (self.load_master_key)(),
                (true, true) => (self.set_master_key)(),
                _ => {}
            }
            self.perform(&words);
            seen.push(words.iter().take(2).cloned().collect::<Vec<_>>().join(" "));
        }
        // No command of the manual page is left out.
        for command in [
            "kms bind",
            "kms configure",
            "kms info",
            "generate",
            "kms list",
            "change",
            "rename",
            "kms import",
            "kms refresh",
            "kms reencipher",
            "validate",
            "remove",
            "kms unbind",
        ] {
            assert!(
                seen.iter().any(|seen| seen.starts_with(command)),
                "{command}"
            );
        }
        let states = (self.states)();
        assert_eq!(states.len(), 3);
        assert!(states.iter().all(|state| *state == State::DESTROYED));
    }

    fn perform(&self, words: &[String]) {
        let arguments: Vec<_> = words.iter().map(String::as_str).collect();
        let mut command = (self.command)(&arguments);
        // The CA certificates of this system.
        command
            .current_dir(self.directory)
            .env("SSL_CERT_FILE", self.directory.join("ca.pem"));
        // All questions are whether it is meant so.
        let outcome = finish(command.spawn().unwrap(), "y\ny\n");
        assert_eq!(
            outcome.code,
            Some(0),
            "{words:?}: {}{}",
            outcome.out,
            outcome.err
        );
        let expects_output = matches!(arguments[..], ["kms", "list", ..] | ["validate", ..]);
        assert!(
            !expects_output || outcome.out.contains("sales"),
            "{words:?}: {}",
            outcome.out
        );
    }
}
