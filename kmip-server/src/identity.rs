//! Who a client is, by its certificate and the device that it names.

use kmip::server::Peer;
use kmip::types::{Credential, CredentialValue};
use openssl::x509::X509Ref;

/// Whether the client's certificate, if it has one, says that it is for clients. OpenSSL has checked
/// the purpose, but lets pass what does not say any.
pub(crate) fn is_for_clients(peer: &Peer) -> bool {
    peer.certificate().is_none_or(|certificate| {
        let text = certificate.to_text().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().map(str::trim);
        // A name of somebody who is called so stands on a line that begins in another way.
        let usage = lines
            .find(|line| line.starts_with("X509v3 Extended Key Usage:"))
            .and_then(|_| lines.next());
        usage.is_some_and(|usage| {
            let mut purposes = usage.split(", ");
            purposes.any(|purpose| purpose == "TLS Web Client Authentication")
        })
    })
}

/// A device that names itself sees its own objects only. The certificate vouches for it.
pub(crate) fn device_identity(credential: &Credential<'_>) -> Option<String> {
    let CredentialValue::Device(device) = &credential.credential_value else {
        return None;
    };
    let fields = [
        &device.device_serial_number,
        &device.device_identifier,
        &device.network_identifier,
        &device.machine_identifier,
        &device.media_identifier,
    ];
    let mut identity = String::from(" device");
    for field in fields {
        // The length keeps the end of one field from passing for the begin of the next.
        let field = field.as_deref().unwrap_or_default();
        identity.push_str(&format!(" {}:{field}", field.len()));
    }
    Some(identity)
}

/// Subject and issuer of the client's certificate, in DER as hexadecimal digits. Unlike a
/// fingerprint, they stay when the certificate is renewed; unlike the common name, they cannot be had
/// from another authority.
pub(crate) fn identity_of(certificate: &X509Ref) -> String {
    let names = [certificate.subject_name(), certificate.issuer_name()];
    let mut identity = String::from("certificate");
    for name in names {
        identity.push(' ');
        for byte in name.to_der().unwrap_or_default() {
            identity.push_str(&format!("{byte:02x}"));
        }
    }
    identity
}
