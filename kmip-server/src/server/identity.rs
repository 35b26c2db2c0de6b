//! Who a client is: by its certificate, a ticket or a login.

use kmip::server::{Failure, Peer};
use kmip::types::{Authentication, Credential, CredentialValue, ResultReason, Ticket};
use openssl::x509::X509Ref;

use super::KeyServer;
use crate::credentials::{self, Standing};
use crate::crypto::CertificationAuthority;
use crate::tickets::Tickets;

impl KeyServer {
    pub(super) fn identify(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        if self.configuration.demands_client_usage && !is_for_clients(peer) {
            return Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "the certificate is not for clients (Extended Key Usage clientAuth)",
            ));
        }
        let certificate = match peer.certificate() {
            None => "local".to_owned(),
            Some(own) => self.standing(own)?,
        };
        if let Some(ticket) = credentials.and_then(ticket_of) {
            let tickets = Tickets {
                configuration: &self.configuration,
                now: self.configuration.clock.now(),
            };
            let grant = self.kept(|| tickets.redeem(&*self.store, ticket))?;
            return Ok(Some(grant.owner));
        }
        let users = !self.configuration.users.is_empty();
        if users {
            let door = self.door();
            if let Some(login) = credentials.and_then(|given| door.open_first(given)) {
                return login.map(Some);
            }
        }
        match users && !self.configuration.login_is_optional {
            false => {
                let mut given = credentials.iter().flat_map(|given| &given.credential);
                let device = given.find_map(device_identity).unwrap_or_default();
                Ok(Some(certificate + &device))
            }
            true => Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "this server wants a user name and a password",
            )),
        }
    }

    /// Whom a certificate stands for: its owner, or the client to whom the server has given it.
    fn standing(&self, certificate: &X509Ref) -> Result<String, Failure> {
        let provisions = self.configuration.provisions;
        if !provisions || !CertificationAuthority::has_issued(certificate) {
            return Ok(identity_of(certificate));
        }
        let now = self.configuration.clock.now();
        let view = self.store.view();
        match view.and_then(|view| credentials::standing(&*view, certificate, now)) {
            Ok(Standing::For(client)) => Ok(client),
            Ok(Standing::Refused) => Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "the certificate was not issued for a client, or is no longer good",
            )),
            Err(error) => Err(self.broken(&error)),
        }
    }
}

/// Begin of what a client is that has logged in as a user.
const USER: &str = "user ";

/// What a client is that has logged in as this user.
pub(crate) fn owner_of_user(name: &str) -> String {
    format!("{USER}{name}")
}

/// The user that a client has logged in as, if it has.
pub(crate) fn user_name(owner: &str) -> Option<&str> {
    owner.strip_prefix(USER)
}

/// The ticket among credentials.
pub(crate) fn ticket_of<'a>(credentials: &'a Authentication<'_>) -> Option<&'a Ticket<'a>> {
    let mut credentials = credentials.credential.iter();
    credentials.find_map(|given| match &given.credential_value {
        CredentialValue::Ticket(credential) => Some(&credential.ticket),
        _ => None,
    })
}

/// Whether the client's certificate, if it has one, says that it is for clients. OpenSSL has checked
/// the purpose, but lets pass what does not say any.
fn is_for_clients(peer: &Peer) -> bool {
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
fn device_identity(credential: &Credential<'_>) -> Option<String> {
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
            // Each request comes here, so that it must not take long.
            let digits = [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
            identity.extend(digits.into_iter().flatten());
        }
    }
    identity
}
