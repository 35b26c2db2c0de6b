//! From options to the configuration of the server.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kmip::server::ServeOptions;
use kmip::transport::tls::{ClientTls, Identity, Protocol, ServerTls, TlsAcceptor, TlsConnector};
use kmip::transport::{AddressError, ServerAddress};
use kmip::types::{EncodingOption, Interval, SecretText};
use kmip::{ProtocolVersion, with_causes};
use openssl::ssl::SslVersion;
use openssl::x509::X509;

use super::complain;
use super::error::CommandError;
use super::options::{FileUser, Options};
use crate::audit::AuditLog;
use crate::configuration::{Configuration, User};
use crate::interfere::Interference;
use crate::notices::{NetworkNotices, Notices, Recipient};
use crate::password::Password;

/// What the server does.
pub(super) fn configuration(
    options: &Options,
    audit: Option<Arc<AuditLog>>,
) -> Result<Configuration, CommandError> {
    let oldest = options.min_version.unwrap_or(ProtocolVersion::V1_0);
    let newest = options.max_version.unwrap_or(ProtocolVersion::LATEST);
    let mut configuration = Configuration {
        unique_names: true,
        lease_time: options.lease_time.map(Interval),
        report: Arc::new(|error| complain(&with_causes(error))),
        policies: options.read_policies()?,
        demands_client_usage: options.file.demand_client_usage,
        personality: options.personality,
        login_is_optional: options.file.login_is_optional,
        notices: notices(options)?,
        provisions: options.provision,
        audit,
        ..Configuration::default()
    };
    // First, so that options can differ from what the vendor does.
    if let Some(personality) = options.personality {
        personality.configure(&mut configuration);
    }
    configuration
        .versions
        .retain(|version| (oldest..=newest).contains(version));
    if configuration.versions.is_empty() {
        return Err(CommandError::Versions(oldest, newest));
    }
    if options.allow_duplicate_names {
        configuration.unique_names = false;
    }
    if options.wrap_without_encoding {
        configuration.default_encoding_option = EncodingOption::NO_ENCODING;
    }
    if let Some(vendor) = &options.vendor {
        configuration.vendor_identification.clone_from(vendor);
    }
    if let Some(path) = &options.users {
        read_users(path, &mut configuration.users)?;
    }
    for (name, user) in &options.file.users {
        configuration
            .users
            .insert(name.clone(), file_user(name, user)?);
    }
    Ok(configuration)
}

fn read_users(path: &Path, users: &mut BTreeMap<String, User>) -> Result<(), CommandError> {
    let text = fs::read_to_string(path).map_err(CommandError::file(path))?;
    for (line, content) in (1..).zip(text.lines()) {
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let wrong = || CommandError::Users {
            path: path.to_owned(),
            line,
        };
        let (name, password) = content.split_once(':').ok_or_else(wrong)?;
        let password = match password.starts_with("$scrypt$") {
            true => Password::from_hash(password).map_err(|_| wrong())?,
            false => Password::clear(password),
        };
        users.insert(name.to_owned(), User::new(password));
    }
    match users.is_empty() {
        true => Err(CommandError::NoUsers {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

fn file_user(name: &str, user: &FileUser) -> Result<User, CommandError> {
    let wrong = |message: String| CommandError::User {
        name: name.to_owned(),
        message,
    };
    let password = match (&user.password, &user.password_hash) {
        (Some(password), None) => Password::clear(password.as_str()),
        (None, Some(hash)) => {
            Password::from_hash(hash).map_err(|error| wrong(error.to_string()))?
        }
        _ => return Err(wrong("give `password-hash` or `password`".to_owned())),
    };
    let once = user.one_time_passwords.iter().cloned();
    Ok(User {
        one_time_passwords: once.map(SecretText::owned).collect(),
        groups: user.groups.clone(),
        ..User::new(password)
    })
}

/// Whom clients' objects are told over the network.
fn notices(options: &Options) -> Result<Option<Arc<dyn Notices>>, CommandError> {
    if options.file.notices.is_empty() {
        return Ok(None);
    }
    let mut notices = NetworkNotices::new();
    for notice in &options.file.notices {
        let wrong = |message: String| CommandError::Notice {
            listener: notice.listener.clone(),
            message,
        };
        let address: ServerAddress = notice
            .listener
            .parse()
            .map_err(|error: AddressError| wrong(error.to_string()))?;
        let own = match (&notice.cert, &notice.key) {
            (Some(cert), Some(key)) => Identity::from_pem_files(cert, key, None)?,
            (None, None) => identity(options)?,
            _ => return Err(wrong("give `cert` and `key`, or none of them".to_owned())),
        };
        let mut tls = ClientTls::new().identity(own).protocol(protocol(options));
        for path in match notice.ca.is_empty() {
            true => &options.client_ca,
            false => &notice.ca,
        } {
            tls = tls.ca_file(path);
        }
        let tls = TlsConnector::new(tls)?;
        let certificate = match &notice.certificate {
            Some(path) => {
                let pem = fs::read(path).map_err(CommandError::file(path))?;
                let certificate = X509::from_pem(&pem);
                let message = format!("{} is no certificate in PEM", path.display());
                Some(certificate.map_err(|_| wrong(message))?)
            }
            None => None,
        };
        let recipient = match (&certificate, &notice.user) {
            (Some(certificate), None) => Recipient::Certificate(certificate),
            (None, Some(user)) => Recipient::User(user),
            _ => return Err(wrong("give `certificate` or `user`".to_owned())),
        };
        let report = Arc::new(|error: &(dyn Error + 'static)| complain(&with_causes(error)));
        notices
            .tell(recipient, address, tls, report)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(Some(Arc::new(notices)))
}

/// The certificate of the server and its key.
fn identity(options: &Options) -> Result<Identity, CommandError> {
    let cert = options
        .cert
        .as_ref()
        .ok_or(CommandError::Missing("--cert"))?;
    let key = options.key.as_ref().ok_or(CommandError::Missing("--key"))?;
    Ok(Identity::from_pem_files(cert, key, None)?)
}

/// Certificates and keys. Beside the CAs of clients, that of the server's own can be trusted.
pub(super) fn tls(options: &Options, own: Option<X509>) -> Result<TlsAcceptor, CommandError> {
    let identity = identity(options)?;
    if options.client_ca.is_empty() {
        return Err(CommandError::Missing("--client-ca"));
    }
    let mut tls = ServerTls::new(identity).protocol(protocol(options));
    for path in &options.client_ca {
        tls = tls.client_ca_file(path);
    }
    for path in &options.client_crl {
        tls = tls.client_crl_file(path);
    }
    if let Some(own) = own {
        tls = tls.client_ca(own);
    }
    let tls = tls.on_client_crl_renewal(|renewed| match renewed {
        Ok(()) => complain("the revocation lists of clients have been read anew"),
        Err(error) => complain(&format!(
            "the previous revocation lists of clients stay in use: {}",
            with_causes(error)
        )),
    });
    Ok(TlsAcceptor::new(tls)?)
}

fn protocol(options: &Options) -> Protocol {
    let personality = options
        .personality
        .map(|personality| personality.protocol());
    let mut protocol = personality.unwrap_or_default();
    let file = &options.file.tls;
    if file.only_1_2 {
        protocol = protocol.maximum_version(SslVersion::TLS1_2);
    }
    if let Some(ciphers) = &file.ciphers {
        protocol = protocol.cipher_list(ciphers.as_str());
    }
    if let Some(suites) = &file.suites {
        protocol = protocol.cipher_suites(suites.as_str());
    }
    protocol
}

/// Limits of a listener, and what happens to its messages.
pub(super) fn serve_options(options: &Options, interference: &Arc<Interference>) -> ServeOptions {
    let limits = &options.file.limits;
    let mut serve = ServeOptions::default()
        .on_error(|error: &kmip::transport::Error| complain(&with_causes(error)));
    if let Some(connections) = limits.connections {
        serve = serve.maximum_connections(connections);
    }
    if let Some(bytes) = limits.message_size {
        serve = serve.maximum_message_size(bytes);
    }
    if let Some(seconds) = limits.handshake_seconds {
        serve = serve.handshake_timeout(Duration::from_secs(seconds));
    }
    if let Some(seconds) = limits.idle_seconds {
        serve = serve.idle_timeout(Duration::from_secs(seconds));
    }
    if let Some(seconds) = limits.request_seconds {
        serve = serve.request_timeout(Duration::from_secs(seconds));
    }
    if interference.is_needed() {
        let interference = interference.clone();
        serve = serve.on_exchange(move |exchange| interference.apply(exchange));
    }
    serve
}
