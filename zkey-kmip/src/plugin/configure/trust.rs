//! Whether the server is the right one: what it presents, what the user says, what is demanded from then on.

use std::time::Duration;

use kmip::transport::tls::{ClientTls, Fingerprint, ServerCertificate, inspect_server};
use kmip::transport::{Deadline, ServerAddress};

use super::options::Options;
use crate::abi::{Errno, PluginError, console};
use crate::plugin::{FINGERPRINT_VARIABLE, Plugin};

/// What is demanded of the server's certificate from now on.
pub(super) struct Trust {
    pub(super) verify_chain: bool,
    /// PEM of the only certificate.
    pub(super) certificate: Option<Vec<u8>>,
    /// PEM of the only public key.
    pub(super) public_key: Option<Vec<u8>>,
}

/// Fetches the server's certificate and lets the user decide whether it is the right one.
pub(super) fn inspect(
    plugin: &Plugin,
    address: &ServerAddress,
    tls: ClientTls,
    limit: Option<Duration>,
    options: &Options<'_>,
) -> Result<ServerCertificate, PluginError> {
    let deadline = Deadline::after(limit);
    let presented = inspect_server(address, tls, deadline).map_err(|error| {
        let text = format!("cannot get the certificate of KMIP server {address}");
        PluginError::new(Errno::EIO, text).caused_by(error)
    })?;
    plugin.print(&describe(address, &presented))?;
    for remark in remarks(&presented, options) {
        plugin.print(&format!("ATTENTION: {}\n", console::one_line(&remark)))?;
    }
    refuse_unverified(&presented, options)?;
    match &plugin.surroundings.accepted_fingerprint {
        Some(accepted) => demand_fingerprint(&presented, accepted)?,
        None if plugin.surroundings.asks_nothing => {
            let text = format!(
                "the server was not accepted: without a question, {FINGERPRINT_VARIABLE} must have the \
                 SHA-256 fingerprint of its certificate"
            );
            return Err(PluginError::canceled(text));
        }
        None => {
            if !plugin.confirm("Is this the KMIP server you intend to work with?")? {
                return Err(PluginError::canceled("the server was not accepted"));
            }
        }
    }
    Ok(presented)
}

/// Takes the place of the question where the user answered it beforehand.
fn demand_fingerprint(presented: &ServerCertificate, accepted: &str) -> Result<(), PluginError> {
    let digits = |text: &str| text.replace(':', "").trim().to_ascii_lowercase();
    let found = presented.fingerprint().to_string();
    if digits(&found) == digits(accepted) {
        return Ok(());
    }
    Err(PluginError::new(
        Errno::ECANCELED,
        format!(
            "the certificate of the server has the SHA-256 fingerprint {found}, but \
             {FINGERPRINT_VARIABLE} accepts {accepted:?} only"
        ),
    ))
}

fn describe(address: &ServerAddress, presented: &ServerCertificate) -> String {
    let certificate = &presented.certificate;
    let serial = certificate.serial_number().to_bn();
    let serial = serial.and_then(|number| number.to_hex_str());
    format!(
        "The KMIP server {address} presents this certificate:\n  \
           Subject:                 {}\n  \
           Issuer:                  {}\n  \
           Not before:              {}\n  \
           Not after:               {}\n  \
           Serial number:           {}\n  \
           SHA-256 fingerprint:     {}\n  \
           SHA-256 of public key:   {}\n",
        one_line(certificate.subject_name()),
        one_line(certificate.issuer_name()),
        certificate.not_before(),
        certificate.not_after(),
        serial.map_or_else(|_| "?".to_owned(), |text| text.to_string()),
        presented.fingerprint(),
        Fingerprint::of_public_key(&presented.public_key),
    )
}

fn one_line(name: &openssl::x509::X509NameRef) -> String {
    let entries = name.entries().map(|entry| {
        let kind = entry.object().nid().short_name().unwrap_or("?").to_owned();
        let value = entry.data().to_string().unwrap_or_default();
        format!("{kind}={}", value.escape_debug())
    });
    entries.collect::<Vec<_>>().join(", ")
}

fn remarks(presented: &ServerCertificate, options: &Options<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    if presented.is_self_signed() {
        remarks.push("the certificate of the server is self-signed".to_owned());
    }
    if let Some(error) = &presented.chain_error {
        remarks.push(format!(
            "the certificate of the server is not verified: {error}"
        ));
    }
    if let Some(error) = &presented.host_name_error {
        remarks.push(format!(
            "the certificate is not for this host name: {error}"
        ));
    }
    if options.tls_dont_verify_server_cert {
        remarks
            .push("without verification, anybody in the network can pose as the server".to_owned());
    }
    remarks
}

/// A certificate that the user did not ask to accept must be verified.
fn refuse_unverified(
    presented: &ServerCertificate,
    options: &Options<'_>,
) -> Result<(), PluginError> {
    if options.tls_verify_hostname {
        if let Some(error) = &presented.host_name_error {
            return Err(PluginError::invalid(format!(
                "the certificate of the server is not for its host name: {error}"
            )));
        }
    }
    let Some(error) = &presented.chain_error else {
        return Ok(());
    };
    let is_accepted = options.tls_dont_verify_server_cert
        || options.tls_trust_server_cert
        || presented.is_self_signed();
    if is_accepted {
        return Ok(());
    }
    let source = match options.tls_ca_bundle {
        Some(path) => format!("the CA certificates in {}", path.display()),
        None => "the CA certificates of the system; others can be given with '--tls-ca-bundle'"
            .to_owned(),
    };
    Err(PluginError::invalid(format!(
        "the certificate of the server cannot be verified with {source}: {error}"
    )))
}

/// What is stored (5.2).
pub(super) fn decide(
    presented: &ServerCertificate,
    options: &Options<'_>,
) -> Result<Trust, PluginError> {
    let failed = |error: openssl::error::ErrorStack| {
        PluginError::new(Errno::EIO, "OpenSSL cannot encode the certificate").caused_by(error)
    };
    let verified = presented.is_chain_verified() || options.tls_trust_server_cert;
    let certificate = options
        .tls_trust_server_cert
        .then(|| presented.certificate.to_pem().map_err(failed));
    let public_key = options
        .tls_pin_server_pubkey
        .then(|| presented.public_key.public_key_to_pem().map_err(failed));
    Ok(Trust {
        verify_chain: verified && !options.tls_dont_verify_server_cert,
        certificate: certificate.transpose()?,
        public_key: public_key.transpose()?,
    })
}

/// The very certificate that the user has seen is demanded while the connection is configured.
pub(super) fn demand(
    tls: ClientTls,
    trust: &Trust,
    presented: &ServerCertificate,
    options: &Options<'_>,
) -> ClientTls {
    let tls = tls
        .verify_chain(trust.verify_chain)
        .verify_host_name(options.tls_verify_hostname);
    let certificate = presented.certificate.clone();
    if trust.certificate.is_some() && trust.verify_chain {
        tls.trusted_certificate(certificate)
    } else {
        tls.pinned_certificate(certificate)
    }
}
