//! Whose certificates are trusted.

use std::fs;
use std::path::{Path, PathBuf};

use openssl::ssl::SslFiletype;
use openssl::x509::X509;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;

use super::{Error, FileError, FileRole, files};

/// A source of trusted certificates.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// What the system trusts.
    System,
    File(PathBuf),
    Directory(PathBuf),
    Certificate(X509),
}

/// Reads all sources, and lists of what is revoked. The store is read once; a directory is looked into when a certificate needs
/// it.
pub(super) fn store(sources: &[Trust], crl_files: &[PathBuf]) -> Result<X509Store, Error> {
    let failed = Error::openssl;
    let mut store = X509StoreBuilder::new().map_err(failed("make a certificate store"))?;
    for source in sources {
        match source {
            Trust::System => store
                .set_default_paths()
                .map_err(failed("find the system's CA certificates"))?,
            Trust::File(path) => {
                for certificate in files::certificates(path, FileRole::CaFile)? {
                    add(&mut store, certificate)?;
                }
            }
            Trust::Directory(path) => {
                check_directory(path)?;
                let name = path.to_str().ok_or_else(|| not_hashed(path))?;
                store
                    .add_lookup(X509Lookup::hash_dir())
                    .and_then(|lookup| lookup.add_dir(name, SslFiletype::PEM))
                    .map_err(failed("use the CA certificate directory"))?;
            }
            Trust::Certificate(certificate) => add(&mut store, certificate.clone())?,
        }
    }
    // A certificate that is named as trusted is so, also if it is not self-signed.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
    if !crl_files.is_empty() {
        flags |= X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
    }
    for path in crl_files {
        add_crls(&mut store, path)?;
    }
    store
        .set_flags(flags)
        .map_err(failed("set up verification"))?;
    Ok(store.build())
}

/// The same sources, with what is in their files instead of these.
pub(super) fn read(sources: Vec<Trust>) -> Result<Vec<Trust>, Error> {
    let mut all = Vec::new();
    for source in sources {
        match source {
            Trust::File(path) => {
                let certificates = files::certificates(&path, FileRole::CaFile)?;
                all.extend(certificates.into_iter().map(Trust::Certificate));
            }
            source => all.push(source),
        }
    }
    Ok(all)
}

/// What is trusted, in words.
pub(super) fn describe(sources: &[Trust]) -> String {
    let describe = |source: &Trust| match source {
        Trust::System => "the system's CA certificates".to_owned(),
        Trust::File(path) | Trust::Directory(path) => format!("'{}'", path.display()),
        Trust::Certificate(_) => "the given certificate".to_owned(),
    };
    sources.iter().map(describe).collect::<Vec<_>>().join(", ")
}

fn add(store: &mut X509StoreBuilder, certificate: X509) -> Result<(), Error> {
    store
        .add_cert(certificate)
        .map_err(Error::openssl("trust a certificate"))
}

/// Adds the revocation lists of a file, at least one.
fn add_crls(store: &mut X509StoreBuilder, path: &Path) -> Result<(), Error> {
    let role = FileRole::CrlFile;
    // OpenSSL does not say whether there is a file.
    files::read(path, role)?;
    let lookup = store
        .add_lookup(X509Lookup::file())
        .map_err(Error::openssl("use certificate revocation lists"))?;
    let loaded = lookup.load_crl_file(path, SslFiletype::PEM);
    loaded.map_err(|source| FileError::Content {
        role,
        path: path.to_owned(),
        expected: "certificate revocation list in PEM",
        source: Some(source),
    })?;
    Ok(())
}

fn check_directory(path: &Path) -> Result<(), FileError> {
    let role = FileRole::CaDirectory;
    let entries = fs::read_dir(path).map_err(|source| FileError::Read {
        role,
        path: path.to_owned(),
        source,
    })?;
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    match names.any(|name| is_hash_name(&name)) {
        true => Ok(()),
        false => Err(not_hashed(path)),
    }
}

fn not_hashed(path: &Path) -> FileError {
    FileError::NotHashed {
        role: FileRole::CaDirectory,
        path: path.to_owned(),
    }
}

/// Eight hexadecimal digits, a dot, and a number.
fn is_hash_name(name: &str) -> bool {
    match name.split_once('.') {
        Some((hash, number)) => {
            hash.len() == 8
                && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                && number.parse::<u32>().is_ok()
        }
        None => false,
    }
}
