//! The server: a handler for the engine, and a listener.

use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;

use kmip::server::{Call, Engine, Failure, Handler, Peer, ServeOptions, Server};
use kmip::transport::tls::TlsAcceptor;
use kmip::types::{
    Authentication, BatchErrorContinuationOption, CredentialValue, Operation, ProtocolVersion,
    RequestPayload, ResponsePayload, ResultReason, SecretText,
};

use crate::configuration::Configuration;
use crate::context::Context;
use crate::journal;
use crate::operations;
use crate::store::Store;
use crate::streams::Streams;

/// Performs the operations of KMIP on the objects in a store.
pub struct KeyServer {
    configuration: Configuration,
    store: Arc<dyn Store>,
    streams: Streams,
}

impl KeyServer {
    /// A server for the objects in a store.
    pub fn new(configuration: Configuration, store: Arc<dyn Store>) -> Self {
        KeyServer {
            configuration,
            store,
            streams: Streams::default(),
        }
    }

    fn context<'c>(&'c self, call: &'c Call<'c>) -> Context<'c> {
        Context::new(&self.configuration, &*self.store, &self.streams, call)
    }

    fn login(&self, username: &str, password: Option<&SecretText<'_>>) -> Result<String, Failure> {
        let user = self.configuration.users.get(username);
        // Compared in full also for unknown users, whom a quick answer would give away.
        let nobody = SecretText::borrowed("");
        let expected = user.map_or(&nobody, |user| &user.password);
        let right = password.is_some_and(|password| password == expected);
        match right && user.is_some() {
            true => Ok(format!("user {username}")),
            false => Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "the user name or the password is wrong",
            )),
        }
    }
}

impl fmt::Debug for KeyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyServer")
            .field("configuration", &self.configuration)
            .finish_non_exhaustive()
    }
}

impl Handler for KeyServer {
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let context = self.context(call);
        if !undoes(call) {
            return operations::perform(&context, request);
        }
        let item = journal::Item::begin();
        let payload = operations::perform(&context, request)?;
        item.done();
        Ok(payload)
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &self.configuration.versions
    }

    /// A client is who its certificate says, or the user it logs in as.
    fn authenticate(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        // Called once for each message, before its first item.
        journal::clear();
        if self.configuration.users.is_empty() {
            return Ok(Some(certificate_identity(peer)));
        }
        let credentials = credentials.map_or(&[][..], |given| &given.credential[..]);
        let mut logins = credentials
            .iter()
            .filter_map(|given| match &given.credential_value {
                CredentialValue::UsernameAndPassword(login) => Some(login),
                _ => None,
            });
        match logins.next() {
            Some(login) => self
                .login(&login.username, login.password.as_ref())
                .map(Some),
            None => Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "this server wants a user name and a password",
            )),
        }
    }

    fn can_undo(&self, operation: Operation) -> bool {
        operations::can_undo(operation)
    }

    fn undo(&self, call: &Call<'_>, _: &ResponsePayload<'_>) -> Result<(), Failure> {
        operations::undo(&self.context(call))
    }
}

/// Whether the client wants the batch undone if it fails.
pub(crate) fn undoes(call: &Call<'_>) -> bool {
    let option = call.header().batch_error_continuation_option;
    option == Some(BatchErrorContinuationOption::UNDO)
}

/// Subject and issuer of the client's certificate, in DER as hexadecimal digits. Unlike a
/// fingerprint, they stay when the certificate is renewed; unlike the common name, they cannot be had
/// from another authority.
fn certificate_identity(peer: &Peer) -> String {
    let Some(certificate) = peer.certificate() else {
        return "local".to_owned();
    };
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

/// Listens with TLS. Dropping what is returned shuts the server down.
///
/// # Errors
/// If the listener or its thread does not work.
pub fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    server: KeyServer,
    options: ServeOptions,
) -> std::io::Result<Server> {
    kmip::server::serve(listener, tls, Arc::new(Engine::new(server)), options)
}
