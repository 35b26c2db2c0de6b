//! The key servers that the demo can use.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use test_support::Authority;

use crate::programs::{Host, Server, built, free_ports};

/// Whose server it is.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    /// The one of this workspace.
    Reference,
    /// Cosmian KMS, this program.
    Cosmian(PathBuf),
}

/// How the server is to be used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contact {
    /// The protocol version that the profile says.
    pub(crate) version: Option<String>,
    /// The encoding over HTTPS.
    pub(crate) https: Option<String>,
    /// Otherwise the profile that matches.
    pub(crate) profile: Option<String>,
    /// The profile is to be made by `kmip doctor`.
    pub(crate) asks_doctor: bool,
}

impl Contact {
    /// Makes a profile by examining the server, which will be used. Returns what was found out.
    pub(crate) fn ask_doctor(
        &mut self,
        directory: &Path,
        authority: &Authority,
        address: &str,
    ) -> Result<((), String), String> {
        let name = "doctor";
        let (certificate, key) = authority.client("doctor").write_pem(directory, name);
        let ca = directory.join("ca.pem");
        let profile = directory.join(format!("profiles/{name}.profile"));
        let mut words: Vec<OsString> = vec!["doctor".into(), "--write".into()];
        let mut option = |name: &str, value: OsString| words.extend([name.into(), value]);
        option("--cert", certificate.into());
        option("--key", key.into());
        option("--ca", ca.into());
        option("--profile", profile.into());
        if let Some(version) = self.version.as_ref().filter(|text| *text != "AUTO") {
            option("--kmip-version", version.into());
        }
        match &self.https {
            Some(encoding) => {
                option("--https", format!("https://{address}/kmip").into());
                option("--encoding", encoding.to_ascii_lowercase().into());
            }
            None => option("--server", address.into()),
        }
        let found = Host::new("kmip", Vec::new())?.run(&words)?;
        self.profile = Some(name.to_owned());
        Ok(((), found.trim_end().to_owned()))
    }

    /// What the plugin is told: a profile that is yet to be found cannot say that it is HTTPS.
    pub(crate) fn server(&self, address: &str) -> String {
        match (&self.https, &self.profile) {
            (Some(_), None) => format!("https://{address}/kmip"),
            _ => address.to_owned(),
        }
    }

    /// Lets the profile that will be used say what was asked for.
    pub(crate) fn adapt_profile(&self, profiles: &Path, peer: &Peer) -> Result<(), String> {
        let name = self.profile.as_deref().unwrap_or(peer.own_profile());
        let path = profiles.join(format!("{name}.profile"));
        let fault = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut wanted = Vec::new();
        if let Some(version) = &self.version {
            wanted.push(("kmip-version", version.as_str()));
        }
        if let Some(encoding) = &self.https {
            wanted.extend([("transport", "HTTPS"), ("encoding", encoding.as_str())]);
        }
        let text = fs::read_to_string(&path).map_err(fault)?;
        let lines = text.lines().map(|line| {
            let key = line.split_once('=').map(|(key, _)| key);
            match wanted.iter().find(|(name, _)| key == Some(*name)) {
                Some((name, value)) => format!("{name}={value}\n"),
                None => format!("{line}\n"),
            }
        });
        fs::write(&path, lines.collect::<String>()).map_err(fault)
    }
}

impl Peer {
    /// The profile that is shipped for it.
    fn own_profile(&self) -> &'static str {
        match self {
            Peer::Reference => "default",
            Peer::Cosmian(_) => "Cosmian-KMS",
        }
    }

    /// Starts the server, which keeps its keys in `directory`.
    pub(crate) fn start(
        &self,
        directory: &Path,
        authority: &Authority,
        contact: &Contact,
    ) -> Result<Server, String> {
        let ca = directory.join("ca.pem");
        let (certificate, key) = authority.server().write_pem(directory, "server");
        let log = directory.join("server.log");
        let is_https = contact.https.is_some();
        match self {
            Peer::Reference => {
                let store = directory.join("server.sqlite");
                let options = [
                    ("--listen", OsStr::new("127.0.0.1:0")),
                    ("--cert", certificate.as_os_str()),
                    ("--key", key.as_os_str()),
                    ("--client-ca", ca.as_os_str()),
                    ("--store", store.as_os_str()),
                ];
                let mut arguments = options
                    .map(|(name, value)| [OsStr::new(name), value])
                    .concat();
                if is_https {
                    arguments.extend([OsStr::new("--https"), OsStr::new("/kmip")]);
                }
                Server::that_tells_its_address(&built("kmip-server")?, &arguments)
            }
            Peer::Cosmian(program) => {
                let [tls, https] = free_ports().map_err(|e| format!("no free ports: {e}"))?;
                let store = directory.join("server.sqlite");
                let options: [(&str, OsString); 11] = [
                    ("--database-type", "sqlite".into()),
                    ("--sqlite-path", store.clone().into()),
                    ("--root-data-path", store.into()),
                    ("--tls-cert-file", certificate.into()),
                    ("--tls-key-file", key.into()),
                    ("--clients-ca-cert-file", ca.into()),
                    ("--socket-server-hostname", "127.0.0.1".into()),
                    ("--socket-server-port", tls.to_string().into()),
                    ("--hostname", "127.0.0.1".into()),
                    ("--port", https.to_string().into()),
                    ("--tmp-path", directory.join("server.tmp").into()),
                ];
                let mut arguments = vec![OsString::from("--socket-server-start")];
                for (name, value) in options {
                    arguments.extend([name.into(), value]);
                }
                let port = if is_https { https } else { tls };
                Server::at_port(program, &arguments, port, &log)
            }
        }
    }
}
