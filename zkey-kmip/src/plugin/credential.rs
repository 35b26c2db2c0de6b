//! User name and password of this client, for servers that want them beside the client certificate or
//! instead of it (Credential in the header of each request, 2.1.2 in KMIP 1.x, 9.9 in 2.0).
//!
//! The configuration names a file, which is read for each connection. Nothing of it is stored, shown or
//! logged.

use std::path::Path;

use kmip::types::Credential;

use crate::abi::PluginError;
use crate::config::Connection;
use crate::files::{self, FileError};

const USER_NAME: &str = "user-name";
const PASSWORD: &str = "password";

/// Reads the file with the lines `user-name=...` and `password=...`.
///
/// # Errors
/// It cannot be read, others may read it, or it has other lines. No error shows anything of its content.
pub(super) fn read(path: &Path) -> Result<Credential<'static>, PluginError> {
    let content = files::read_secret(path);
    let content = content.map_err(|cause| FileError::new("read", path, cause))?;
    let wrong = |problem: String| PluginError::invalid(format!("{}{problem}", path.display()));
    let text = std::str::from_utf8(&content).map_err(|_| wrong(" is not UTF-8".to_owned()))?;
    let (mut user_name, mut password) = (None, None);
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').unwrap_or_default();
        let place = match name {
            USER_NAME => &mut user_name,
            PASSWORD => &mut password,
            _ => {
                let expected = format!("must be {USER_NAME}=... or {PASSWORD}=...");
                return Err(wrong(format!(":{number}: a line {expected}")));
            }
        };
        *place = Some(value).filter(|value| !value.is_empty());
    }
    let missing = |name: &str| wrong(format!(" has no {name}"));
    let user_name = user_name.ok_or_else(|| missing(USER_NAME))?;
    let password = password.ok_or_else(|| missing(PASSWORD))?;
    let user_name = user_name.to_owned();
    Ok(Credential::username_and_password(
        user_name,
        password.to_owned(),
    ))
}

/// What the connection is configured to send, if only the configured server can get it.
///
/// # Errors
/// As for [`read`]; or another server could pose as that one.
pub(super) fn of(connection: &Connection) -> Result<Option<Credential<'static>>, PluginError> {
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
        (directory, read)
    }

    #[test]
    fn user_name_and_password_are_read_as_they_stand() {
        for content in [
            "# of the key server\n\nuser-name=zkey at host\npassword= a=b# \n",
            "password= a=b# \r\nuser-name=zkey at host",
        ] {
            let expected = Credential::username_and_password("zkey at host", " a=b# ".to_owned());
            assert_eq!(file(content.as_bytes(), 0o640).1.unwrap(), expected);
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (content, mode, expected) in [
            (&b"user-name=me\npassword=hunter2\n"[..], 0o644, "chmod o= "),
            (b"user-name=me\npassword=hunter2\n", 0o602, "chmod o= "),
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
}
