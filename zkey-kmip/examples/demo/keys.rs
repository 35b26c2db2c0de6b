//! The steps of the demo with keys: generated, listed, changed, imported, removed.

use std::fs;

use serde_json::Value;

use crate::report::Report;
use crate::scene::Scene;

pub(crate) const KEY: &str = "demo";
const PAIR: &str = "demo-xts";
const RENAMED: &str = "demo-pair";

/// What can become of a key at the server when it is removed here.
const STATES: [&str; 4] = [
    "DEACTIVATED",
    "COMPROMISED",
    "DESTROYED",
    "DESTROYED-COMPROMISED",
];

impl Scene {
    pub(crate) fn generate(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("generate a 256-bit AES key", || {
            self.host.run(&[
                "generate",
                "--name",
                KEY,
                "--keybits",
                "256",
                "--label",
                "demo-key",
                "--volumes",
                "/dev/demo1:enc-demo1",
                "--volume-type",
                "PLAIN",
                "--no-volume-check",
            ])?;
            Ok(((), self.describe(KEY)?))
        })?;
        report.step("generate a pair of AES keys for XTS", || {
            self.host.run(&[
                "generate",
                "--name",
                PAIR,
                "--xts",
                "--label",
                "demo-xts-1:demo-xts-2",
                "--volumes",
                "/dev/demo2:enc-demo2",
                "--gen-dummy-passphrase",
                "--no-volume-check",
            ])?;
            Ok(((), self.describe(PAIR)?))
        })
    }

    pub(crate) fn list(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("list the keys on the server", || {
            let names = names(&self.at_server()?);
            expect(&names, &[KEY, PAIR])?;
            Ok(((), names.join(", ")))
        })?;
        report.step("list the keys of the repository", || {
            let names = names(&keys(&self.host.run(&["list", "--json"])?)?);
            expect(&names, &[KEY, PAIR])?;
            Ok(((), names.join(", ")))
        })
    }

    pub(crate) fn change(&mut self, report: &mut Report) -> Result<(), String> {
        let info = self.repository().join(format!("{PAIR}.info"));
        let fault = |error: std::io::Error| format!("{}: {error}", info.display());
        let change = |options: &[&str]| {
            let words = [&["change", "--name", PAIR], options].concat();
            self.host.run(&words).map(drop)
        };
        let old = report.step("change and remove properties of the pair", || {
            change(&["--description", "one that is new"])?;
            let old = fs::read(&info).map_err(fault)?;
            change(&["--description", "another one"])?;
            change(&["--volumes", "+/dev/demo3:enc-demo3", "--no-volume-check"])?;
            change(&["--remove-dummy-passphrase", "--force"])?;
            let key = find(&self.at_server()?, PAIR)?;
            expect(&texts(&key["description"]), &["another one"])?;
            let both = ["/dev/demo2:enc-demo2", "/dev/demo3:enc-demo3"];
            expect(&texts(&key["volumes"]), &both)?;
            expect(&texts(&key["key_labels"]), &["demo-xts-1", "demo-xts-2"])?;
            Ok((old, both.join(", ")))
        })?;
        report.step("refresh the pair, with its properties", || {
            // As from a backup.
            fs::write(&info, old).map_err(fault)?;
            let options = ["--refresh-properties", "--no-volume-check"];
            self.host
                .run(&[&["kms", "refresh", "--name", PAIR][..], &options].concat())?;
            let key = find(&keys(&self.host.run(&["list", "--json"])?)?, PAIR)?;
            expect(&texts(&key["description"]), &["another one"])?;
            let passphrase = info.with_extension("pass");
            if passphrase.exists() {
                return Err(format!("{} is back", passphrase.display()));
            }
            Ok(((), String::new()))
        })?;
        report.step("rename the pair", || {
            self.host
                .run(&["rename", "--name", PAIR, "--new-name", RENAMED])?;
            let names = names(&self.at_server()?);
            expect(&names, &[KEY, RENAMED])?;
            Ok(((), names.join(", ")))
        })
    }

    pub(crate) fn remove_and_import(&mut self, report: &mut Report) -> Result<(), String> {
        let both = [KEY, RENAMED];
        report.step("remove the keys from the repository only", || {
            for key in both {
                self.host.run(&["remove", "--name", key, "--force"])?;
                let token = self.repository().join(format!("{key}.skey"));
                if token.exists() {
                    return Err(format!("{} is still there", token.display()));
                }
            }
            Ok(((), String::new()))
        })?;
        report.step("import the pair by its label", || {
            self.import(&["--label", "demo-xts-*"])?;
            Ok(((), self.describe(RENAMED)?))
        })?;
        report.step("import the key by its name", || {
            self.import(&["--name", KEY])?;
            Ok(((), self.describe(KEY)?))
        })?;
        report.step("validate the keys", || {
            self.host.run(&["validate", "--check-kms"])?;
            Ok(((), String::new()))
        })
    }

    pub(crate) fn import(&self, filter: &[&str]) -> Result<(), String> {
        let options = ["--batch-mode", "--no-volume-check"];
        let words = [&["kms", "import"], filter, &options].concat();
        self.host.run(&words).map(drop)
    }

    pub(crate) fn change_states(&mut self, report: &mut Report) -> Result<(), String> {
        for state in STATES {
            let title = format!("remove a key, which becomes {state} on the server");
            report.step(&title, || {
                let name = format!("demo-{}", state.to_ascii_lowercase());
                self.host.run(&["generate", "--name", &name])?;
                expect(&names(&self.at_server()?), &[KEY, &name, RENAMED])?;
                self.host
                    .run(&["remove", "--name", &name, "--force", "--state", state])?;
                let left = names(&self.at_server()?);
                expect(&left, &[KEY, RENAMED])?;
                Ok(((), format!("the server offers {}", left.join(", "))))
            })?;
        }
        Ok(())
    }

    /// The keys that the server offers.
    fn at_server(&self) -> Result<Vec<Value>, String> {
        keys(&self.host.run(&["kms", "list", "--json"])?)
    }

    /// What became of a key: the token and the label in the repository.
    pub(crate) fn describe(&self, key: &str) -> Result<String, String> {
        let token = self.repository().join(format!("{key}.skey"));
        let length = fs::metadata(&token)
            .map_err(|e| format!("{}: {e}", token.display()))?
            .len();
        let info = self.repository().join(format!("{key}.info"));
        let text = fs::read_to_string(&info).map_err(|e| format!("{}: {e}", info.display()))?;
        let value = |name: &str| {
            let mut lines = text.lines();
            lines
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("none")
        };
        Ok(format!(
            "{} of {length} bytes in {}",
            value("key-type"),
            token.display()
        ))
    }
}

/// The keys in a list printed with `--json`.
fn keys(text: &str) -> Result<Vec<Value>, String> {
    let list: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}\n{text}"))?;
    let keys = list.as_array().or_else(|| list["keys"].as_array());
    Ok(keys.ok_or("no list")?.clone())
}

fn names(keys: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = keys.iter().flat_map(|key| texts(&key["name"])).collect();
    names.sort();
    names
}

fn find(keys: &[Value], name: &str) -> Result<Value, String> {
    let found = keys.iter().find(|key| key["name"] == *name);
    found.cloned().ok_or(format!("key {name} is not there"))
}

/// One text, or several.
fn texts(value: &Value) -> Vec<String> {
    let several = value.as_array().cloned().unwrap_or(vec![value.clone()]);
    let texts = several.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn expect(found: &[String], expected: &[&str]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "expected {}, found {}",
        expected.join(", "),
        found.join(", ")
    ))
}
