//! The steps of the demo around the keys: from nothing to a connection.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use test_support::Authority;

use crate::backend::{Backend, Coprocessor};
use crate::programs::{Host, Server, built};
use crate::report::{Place, Report};
use crate::server::{Contact, Peer};

/// Server, repository and all that belongs to them.
pub(crate) struct Scene {
    directory: PathBuf,
    authority: Authority,
    server: Server,
    contact: Contact,
    pub(crate) coprocessor: Coprocessor,
    pub(crate) host: Host,
}

impl Scene {
    pub(crate) fn set(
        directory: &Path,
        backend: Backend,
        peer: &Peer,
        contact: &Contact,
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
            authority.write_pem(&directory.join("ca.pem"));
            let server = peer.start(directory, &authority, contact)?;
            let detail = server.address.clone();
            Ok(((authority, server), detail))
        })?;
        let mut contact = contact.clone();
        if contact.asks_doctor {
            report.step("have the doctor write a profile of the server", || {
                contact.ask_doctor(directory, &authority, &server.address)
            })?;
        } else {
            contact.adapt_profile(&directory.join("profiles"), peer)?;
        }
        let mut variables = vec![
            ("ZKEY_REPOSITORY", directory.join("repository")),
            ("ZKEY_KMS_PLUGINS", directory.join("kms-plugins.conf")),
            ("ZKEY_KMIP_PROFILES", directory.join("profiles")),
        ];
        variables.extend(coprocessor.environment());
        let host = Host::new("zkey-kmip", variables)?;
        Ok(Scene {
            directory: directory.to_owned(),
            authority,
            server,
            contact,
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
            let server = self.contact.server(&self.server.address);
            let mut arguments = vec![
                OsStr::new("--kmip-server"),
                OsStr::new(&server),
                OsStr::new("--tls-ca-bundle"),
                ca.as_os_str(),
                OsStr::new("--tls-verify-hostname"),
                OsStr::new("--label"),
                OsStr::new("demo-wrapping-key"),
            ];
            if let Some(profile) = &self.contact.profile {
                arguments.extend([OsStr::new("--profile"), OsStr::new(profile)]);
            }
            configure(&arguments, "y\n")?;
            Ok((
                (),
                "the server's certificate was shown and confirmed".to_owned(),
            ))
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

    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.join("repository")
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
