//! Reading certificate and key files so that a wrong one is named.

use std::fs;
use std::path::Path;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::{Error, FileError, FileRole};

/// The PEM certificates of a file, at least one.
pub(super) fn certificates(path: &Path, role: FileRole) -> Result<Vec<X509>, Error> {
    let pem = read(path, role)?;
    let content = |source| FileError::Content {
        role,
        path: path.to_owned(),
        expected: "certificate in PEM",
        source,
    };
    let certificates = X509::stack_from_pem(&pem).map_err(|source| content(Some(source)))?;
    if certificates.is_empty() {
        return Err(content(None).into());
    }
    Ok(certificates)
}

/// The PEM private key of a file.
pub(super) fn private_key(path: &Path, pass_phrase: Option<&str>) -> Result<PKey<Private>, Error> {
    let role = FileRole::PrivateKey;
    let pem = read(path, role)?;
    let mut asked = false;
    // Without a callback, OpenSSL would ask at the terminal.
    let key = PKey::private_key_from_pem_callback(&pem, |buffer| {
        asked = true;
        let phrase = pass_phrase.unwrap_or_default().as_bytes();
        if phrase.is_empty() || phrase.len() > buffer.len() {
            return Err(ErrorStack::get());
        }
        buffer[..phrase.len()].copy_from_slice(phrase);
        Ok(phrase.len())
    });
    let path = || path.to_owned();
    key.map_err(|source| {
        Error::File(match (asked, pass_phrase) {
            (true, None) => FileError::Encrypted { role, path: path() },
            (true, Some(_)) => FileError::PassPhrase {
                role,
                path: path(),
                source,
            },
            (false, _) => FileError::Content {
                role,
                path: path(),
                expected: "private key in PEM",
                source: Some(source),
            },
        })
    })
}

/// A whole file, which may hold a key.
pub(super) fn read(path: &Path, role: FileRole) -> Result<Zeroizing<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(source) => Err(FileError::Read {
            role,
            path: path.to_owned(),
            source,
        }),
    }
}
