//! User name and password of this client, for servers that want them beside the client certificate or
//! instead of it (Credential in the header of each request, 2.1.2 in KMIP 1.x, 9.9 in 2.0).
//!
//! The configuration names a file, which is read for each connection. Nothing of it is stored, shown or
//! logged.
//!
//! Whoever may write to the configuration could name any such file in it, and a server of his own. So
//! the file says for which servers it is, and may say what key they must have.

use std::path::{Path, PathBuf};

use kmip::transport::ServerAddress;
use kmip::transport::tls::ClientTls;
use kmip::types::Credential;
use openssl::base64;
use openssl::pkey::{PKey, Public};

use crate::abi::PluginError;
use crate::config::Connection;
use crate::files::{self, FileError};

const SERVER: &str = "server";
const SERVER_PUBLIC_KEY: &str = "server-public-key";
const USER_NAME: &str = "user-name";
const PASSWORD: &str = "password";

/// What the file says.
#[derive(Debug)]
pub(super) struct CredentialFile {
    path: PathBuf,
    credential: Credential<'static>,
    /// Who may get it.
    servers: Vec<ServerAddress>,
    /// The only key that they may have, if it is named.
    server_key: Option<PKey<Public>>,
}

impl CredentialFile {
    /// What is sent to `servers`.
    ///
    /// # Errors
    /// The file is not for one of them.
    pub(super) fn credential_for<'s>(
        &self,
        servers: impl IntoIterator<Item = &'s ServerAddress>,
    ) -> Result<Credential<'static>, PluginError> {
        let is_for = |server: &ServerAddress| {
            let is_it = |own: &ServerAddress| {
                own.port() == server.port() && own.host().eq_ignore_ascii_case(server.host())
            };
            self.servers.iter().any(is_it)
        };
        match servers.into_iter().find(|server| !is_for(server)) {
            None => Ok(self.credential.clone()),
            Some(other) => Err(PluginError::invalid(format!(
                "the password in {} is not for KMIP server {other}. Only if that may get it, add the line \
                 '{SERVER}={other}' there",
                self.path.display()
            ))),
        }
    }

    /// Demands the key that is named, instead of one that is configured.
    pub(super) fn demand_key(&self, tls: ClientTls) -> ClientTls {
        match &self.server_key {
            Some(key) => tls.pinned_public_key(key.clone()),
            None => tls,
        }
    }
}

/// Reads the file, with lines `NAME=VALUE`.
///
/// # Errors
/// It cannot be read, others may read or change it, or it has other lines. No error shows anything of its
/// content.
pub(super) fn read(path: &Path) -> Result<CredentialFile, PluginError> {
    let content = files::read_secret(path);
    let content = content.map_err(|cause| FileError::new("read", path, cause))?;
    let wrong = |problem: String| PluginError::invalid(format!("{}{problem}", path.display()));
    let text = std::str::from_utf8(&content).map_err(|_| wrong(" is not UTF-8".to_owned()))?;
    let (mut user_name, mut password) = (None, None);
    let (mut servers, mut server_key) = (Vec::new(), None);
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let expected = |what: &str| wrong(format!(":{number}: a line must be {what}"));
        let (name, value) = line.split_once('=').unwrap_or_default();
        match name {
            SERVER => {
                let server = value.parse();
                servers.push(server.map_err(|_| expected("server=HOST or server=HOST:PORT"))?);
            }
            SERVER_PUBLIC_KEY if server_key.is_some() => {
                return Err(wrong(format!(
                    ":{number}: there can be only one server-public-key, which all servers have"
                )));
            }
            SERVER_PUBLIC_KEY => {
                let key = public_key(value);
                server_key = Some(key.ok_or_else(|| expected("server-public-key=BASE64"))?);
            }
            USER_NAME => user_name = Some(value).filter(|value| !value.is_empty()),
            PASSWORD => password = Some(value).filter(|value| !value.is_empty()),
            _ => {
                let known = "server=..., server-public-key=..., user-name=... or password=...";
                return Err(expected(known));
            }
        }
    }
    let missing = |name: &str| wrong(format!(" has no {name}"));
    let user_name = user_name.ok_or_else(|| missing(USER_NAME))?.to_owned();
    let password = password.ok_or_else(|| missing(PASSWORD))?.to_owned();
    if servers.is_empty() {
        return Err(missing(
            "line server=HOST:PORT for who may get the password",
        ));
    }
    Ok(CredentialFile {
        path: path.to_owned(),
        credential: Credential::username_and_password(user_name, password),
        servers,
        server_key,
    })
}

/// What is between the first and the last line of a file in PEM.
fn public_key(text: &str) -> Option<PKey<Public>> {
    let der = base64::decode_block(text).ok()?;
    PKey::public_key_from_der(&der).ok()
}

/// The file that is configured, if only the configured server can get what is in it.
///
/// # Errors
/// As for [`read`]; or another server could pose as that one.
pub(super) fn of(connection: &Connection) -> Result<Option<CredentialFile>, PluginError> {
    let Some(path) = &connection.credential_file else {
        return Ok(None);
    };
    demand_known_server(
        connection.server_certificate.is_some() || connection.server_public_key.is_some(),
        connection.verify_server_certificate && connection.verify_host_name,
    )?;
    read(path).map(Some)
}

/// Fails unless nobody but the one server can be at the other end: its very certificate or key is
/// demanded (`is_pinned`), or else a certificate that is valid and for its host name (`is_verified`).
///
/// # Errors
/// Another server could pose as that one: it must not be told a secret.
pub(super) fn demand_known_server(is_pinned: bool, is_verified: bool) -> Result<(), PluginError> {
    if is_pinned || is_verified {
        return Ok(());
    }
    Err(PluginError::invalid(
        "a password is only sent to a server that is known for sure: '--credential-file' needs \
         '--tls-trust-server-cert' or '--tls-pin-server-pubkey', or else '--tls-verify-hostname' with a \
         certificate that can be verified",
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, Result<Credential<'static>, String>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credential");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let read = read(&path).map_err(|error| error.to_string());
        (directory, read.map(|file| file.credential))
    }

    #[test]
    fn user_name_and_password_are_read_as_they_stand() {
        for content in [
            "# of the key server\n\nserver=keys\nuser-name=zkey at host\npassword= a=b# \n",
            "password= a=b# \r\nuser-name=zkey at host\r\nserver=[::1]:1\r\nserver=other:2",
        ] {
            let expected = Credential::username_and_password("zkey at host", " a=b# ".to_owned());
            assert_eq!(file(content.as_bytes(), 0o640).1.unwrap(), expected);
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (content, mode, expected) in [
            (
                &b"user-name=me\npassword=hunter2\n"[..],
                0o644,
                "chmod g-w,o= ",
            ),
            (b"user-name=me\npassword=hunter2\n", 0o602, "chmod g-w,o= "),
            (b"user-name=me\npassword=hunter2\n", 0o620, "chmod g-w,o= "),
            (
                b"user-name=me\npassword=hunter2\n",
                0o600,
                "has no line server=",
            ),
            (
                b"server=https://hunter2/\n",
                0o600,
                ":1: a line must be server=HOST",
            ),
            (b"server=\n", 0o600, ":1: a line must be server=HOST"),
            (
                b"\nserver-public-key=hunter2\n",
                0o600,
                ":2: a line must be server-public-key=",
            ),
            (
                b"server-public-key=\n",
                0o600,
                ":1: a line must be server-public-key=",
            ),
            (b"user-name=me\nhunter2\n", 0o600, ":2: a line must be"),
            (b"user-name=me\nPassword=hunter2\n", 0o600, ":2: "),
            (b"password=hunter2\n", 0o600, "has no user-name"),
            (b"user-name=me\npassword=\n", 0o600, "has no password"),
            (b"", 0o600, "has no user-name"),
            (b"user-name=hunter2\npassword=\xff\n", 0o600, "UTF-8"),
        ] {
            let (_directory, read) = file(content, mode);
            let text = read.unwrap_err();
            assert!(
                text.contains(expected) && text.contains("credential"),
                "{text}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
        let (directory, _) = file(&vec![b'#'; 1 << 20], 0o600);
        for (name, expected) in [
            ("", "regular"),
            ("none", "No such"),
            ("credential", "too many"),
        ] {
            let text = read(&directory.path().join(name)).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn each_server_must_be_named_with_its_port() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credential");
        let content = "server=Keys.Example\nserver=[::1]:1\nuser-name=me\npassword=hunter2\n";
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        let file = read(&path).unwrap();
        let get = |servers: &[&str]| {
            let servers: Vec<ServerAddress> =
                servers.iter().map(|one| one.parse().unwrap()).collect();
            file.credential_for(&servers)
                .map_err(|error| error.to_string())
        };
        assert_eq!(get(&["keys.example:5696"]).unwrap(), file.credential);
        assert_eq!(get(&["[::1]:1", "KEYS.example"]).unwrap(), file.credential);
        for others in [
            &["keys.example:5697"] as &[_],
            &["::1"],
            &["keys", "::1"],
            &["[::1]:1", "other"],
        ] {
            let text = get(others).unwrap_err();
            assert!(text.contains("is not for KMIP server"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn the_servers_have_one_key() {
        let key = PKey::generate_ed25519().unwrap();
        let key = base64::encode_block(&key.public_key_to_der().unwrap());
        let line = format!("server-public-key={key}\n");
        let (_directory, read) = file(line.repeat(2).as_bytes(), 0o600);
        let text = read.unwrap_err();
        assert!(text.contains(":2: there can be only one"), "{text}");
        assert!(!text.contains(&key), "{text}");
    }
}
