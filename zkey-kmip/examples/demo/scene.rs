//! The steps of the demo.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use test_support::Authority;

use crate::backend::{Backend, Coprocessor};
use crate::programs::{Host, Server, built};
use crate::report::{Place, Report};

const KEY: &str = "demo";
const PAIR: &str = "demo-xts";

/// Server, repository and all that belongs to them.
pub(crate) struct Scene {
    directory: PathBuf,
    authority: Authority,
    server: Server,
    coprocessor: Coprocessor,
    host: Host,
}

impl Scene {
    pub(crate) fn set(
        directory: &Path,
        backend: Backend,
        report: &mut Report,
    ) -> Result<Self, String> {
        prepare(directory)?;
        let coprocessor = report.step("provide coprocessors", || {
            let coprocessor = Coprocessor::provide(backend, directory)?;
            let detail = coprocessor.description();
            Ok((coprocessor, detail))
        })?;
        let (authority, server) = report.step("start a key server with mutual TLS", || {
            let authority = Authority::new("demo authority");
            let ca = directory.join("ca.pem");
            authority.write_pem(&ca);
            let (certificate, key) = authority.server().write_pem(directory, "server");
            let store = directory.join("server.sqlite");
            let server = Server::start(&[
                OsStr::new("--listen"),
                OsStr::new("127.0.0.1:0"),
                OsStr::new("--cert"),
                certificate.as_os_str(),
                OsStr::new("--key"),
                key.as_os_str(),
                OsStr::new("--client-ca"),
                ca.as_os_str(),
                OsStr::new("--store"),
                store.as_os_str(),
            ])?;
            let detail = format!("{}, keys in {}", server.address, store.display());
            Ok(((authority, server), detail))
        })?;
        let mut variables = vec![
            ("ZKEY_REPOSITORY", directory.join("repository")),
            ("ZKEY_KMS_PLUGINS", directory.join("kms-plugins.conf")),
            ("ZKEY_KMIP_PROFILES", directory.join("profiles")),
        ];
        variables.extend(coprocessor.environment());
        let host = Host::new(variables)?;
        Ok(Scene {
            directory: directory.to_owned(),
            authority,
            server,
            coprocessor,
            host,
        })
    }

    pub(crate) fn bind(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("bind the repository to the plugin", || {
            self.host.run(&["kms", "bind", "KMIP"])?;
            Ok(((), String::new()))
        })
    }

    pub(crate) fn configure(&mut self, report: &mut Report) -> Result<(), String> {
        let csr = self.directory.join("client.csr.pem");
        let certificate = self.directory.join("client.pem");
        let configure = |arguments: &[&OsStr], answers: &str| {
            let words = [OsStr::new("kms"), OsStr::new("configure")];
            self.host.answer(&[&words, arguments].concat(), answers)
        };
        report.step("configure: choose the coprocessors", || {
            let apqns = self.coprocessor.apqns();
            configure(&[OsStr::new("--apqns"), OsStr::new(&apqns)], "")?;
            Ok(((), format!("APQNs {apqns}")))
        })?;
        report.step("configure: generate the identity key", || {
            let arguments = ["--gen-identity-key", "ECC:secp521r1"].map(OsStr::new);
            configure(&arguments, "")?;
            Ok((
                (),
                "a secure key, it never leaves the backend in clear".to_owned(),
            ))
        })?;
        report.step("configure: make a certificate signing request", || {
            let subject = ["--cert-subject", "CN=zkey demo", "--gen-csr"].map(OsStr::new);
            configure(&[&subject[..], &[csr.as_os_str()]].concat(), "")?;
            Ok(((), csr.display().to_string()))
        })?;
        report.step("sign the request, as an authority would", || {
            let request = fs::read(&csr).map_err(|e| format!("{}: {e}", csr.display()))?;
            let signed = self.authority.sign_request(&request);
            fs::write(&certificate, signed)
                .map_err(|e| format!("{}: {e}", certificate.display()))?;
            Ok(((), certificate.display().to_string()))
        })?;
        report.step("configure: install the client certificate", || {
            configure(&[OsStr::new("--client-cert"), certificate.as_os_str()], "")?;
            Ok(((), String::new()))
        })?;
        report.step("configure: connect, and register a wrapping key", || {
            let ca = self.directory.join("ca.pem");
            let arguments = [
                OsStr::new("--kmip-server"),
                OsStr::new(&self.server.address),
                OsStr::new("--tls-ca-bundle"),
                ca.as_os_str(),
                OsStr::new("--tls-verify-hostname"),
                OsStr::new("--label"),
                OsStr::new("demo-wrapping-key"),
            ];
            configure(&arguments, "y\n")?;
            Ok((
                (),
                "the server's certificate was shown and confirmed".to_owned(),
            ))
        })
    }

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
                "--no-volume-check",
            ])?;
            Ok(((), self.describe(PAIR)?))
        })
    }

    pub(crate) fn list(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("list the keys on the server", || {
            let listed = self.host.run(&["kms", "list", "--json"])?;
            let names = names(&listed)?;
            expect(&names, &[KEY, PAIR])?;
            Ok(((), names.join(", ")))
        })?;
        report.step("list the keys of the repository", || {
            let names = names(&self.host.run(&["list", "--json"])?)?;
            expect(&names, &[KEY, PAIR])?;
            Ok(((), names.join(", ")))
        })
    }

    pub(crate) fn remove_and_import(&mut self, report: &mut Report) -> Result<(), String> {
        let token = self.repository().join(format!("{KEY}.skey"));
        report.step("remove the key from the repository only", || {
            self.host.run(&["remove", "--name", KEY, "--force"])?;
            if token.exists() {
                return Err(format!("{} is still there", token.display()));
            }
            Ok(((), String::new()))
        })?;
        report.step("import it from the server", || {
            self.host.run(&[
                "kms",
                "import",
                "--name",
                KEY,
                "--batch-mode",
                "--no-volume-check",
            ])?;
            Ok(((), self.describe(KEY)?))
        })?;
        report.step("validate the keys", || {
            self.host.run(&["validate", "--check-kms"])?;
            Ok(((), String::new()))
        })
    }

    pub(crate) fn change_state(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("remove the key, and deactivate it on the server", || {
            self.host
                .run(&["remove", "--name", KEY, "--force", "--state", "DEACTIVATED"])?;
            let names = names(&self.host.run(&["kms", "list", "--json"])?)?;
            expect(&names, &[PAIR])?;
            Ok(((), format!("the server offers {} only", names.join(", "))))
        })
    }

    pub(crate) fn info(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("show the configuration", || {
            let info = self.host.run(&["kms", "info"])?;
            Ok(((), info.trim_end().to_owned()))
        })
    }

    /// Who did the work with keys.
    pub(crate) fn count(&mut self, report: &mut Report) -> Result<(), String> {
        let Some(counted) = self.coprocessor.counted()? else {
            return Ok(());
        };
        report.step("count what the coprocessors did", || Ok(((), counted)))
    }

    pub(crate) fn stop(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("stop the server", || {
            self.server.stop()?;
            Ok(((), String::new()))
        })
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |what, name: &str| Place {
            what,
            path: self.directory.join(name),
        };
        vec![
            place("repository", "repository"),
            place("plugin configuration", "repository/KMIP/kmip.conf"),
            place("identity key", "repository/KMIP/identity-key.skey"),
            place("wrapping key", "repository/KMIP/wrapping-key.skey"),
            Place {
                what: "master keys",
                path: self.coprocessor.master_keys(),
            },
            place("profiles", "profiles"),
            place("server's keys", "server.sqlite"),
            place("authority", "ca.pem"),
        ]
    }

    fn repository(&self) -> PathBuf {
        self.directory.join("repository")
    }

    /// What became of a key: the token and the label in the repository.
    fn describe(&self, key: &str) -> Result<String, String> {
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

/// The directory with what the host reads before it has a repository.
fn prepare(directory: &Path) -> Result<(), String> {
    let fault = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    let repository = directory.join("repository");
    let occupied = directory
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(format!("{} is not empty", directory.display()));
    }
    fs::create_dir_all(&repository).map_err(fault(&repository))?;
    let plugin = built("libzkey_kmip.so")?;
    let plugins = directory.join("kms-plugins.conf");
    fs::write(&plugins, format!("KMIP={}\n", plugin.display())).map_err(fault(&plugins))?;
    let profiles = directory.join("profiles");
    fs::create_dir_all(&profiles).map_err(fault(&profiles))?;
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles");
    for entry in fs::read_dir(&shipped).map_err(fault(&shipped))? {
        let entry = entry.map_err(fault(&shipped))?;
        if entry.path().extension() == Some(OsStr::new("profile")) {
            let copy = profiles.join(entry.file_name());
            fs::copy(entry.path(), &copy).map_err(fault(&copy))?;
        }
    }
    Ok(())
}

/// Names of the keys in a list printed with `--json`.
fn names(text: &str) -> Result<Vec<String>, String> {
    let list: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}\n{text}"))?;
    let keys = list
        .as_array()
        .or_else(|| list["keys"].as_array())
        .ok_or("no list")?;
    let mut names: Vec<String> = keys
        .iter()
        .filter_map(|key| key["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
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
