//! The server: a handler for the engine, and a listener.

mod identity;
mod later;

use std::error::Error;
use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;

use kmip::server::{Call, Engine, Failure, Handler, Peer, Polled, ServeOptions, Server};
use kmip::transport::tls::TlsAcceptor;
use kmip::types::{
    Authentication, BatchErrorContinuationOption, DateTime, Operation, ProtocolVersion,
    RequestBatchItem, RequestHeader, RequestPayload, ResponsePayload, ResultReason,
};
use openssl::x509::X509;

use crate::attestation::Gate;
use crate::audit::{self, Record};
use crate::configuration::Configuration;
use crate::context::Context;
use crate::credentials;
use crate::journal;
use crate::kept::KeptError;
use crate::logins::Door;
use crate::named::named_objects;
use crate::operations;
use crate::repeat::repeat;
use crate::store::{Store, StoreError};
use crate::tickets::Grant;
use crate::volatile::Volatile;
pub(crate) use identity::{identity_of, owner_of_user, ticket_of, user_name};

/// Performs the operations of KMIP on the objects in a store.
pub struct KeyServer {
    configuration: Configuration,
    store: Arc<dyn Store>,
    volatile: Volatile,
    begun: DateTime,
}

impl KeyServer {
    /// A server for the objects in a store.
    pub fn new(configuration: Configuration, store: Arc<dyn Store>) -> Self {
        KeyServer {
            begun: configuration.clock.now(),
            configuration,
            store,
            volatile: Volatile::default(),
        }
    }

    fn context<'c>(&'c self, call: &'c Call<'c>, operation: Operation) -> Context<'c> {
        let (configuration, store) = (&self.configuration, &*self.store);
        Context::new(configuration, store, &self.volatile, call, operation)
    }

    /// Performs an operation; again, if other servers with the same store were in the way.
    fn perform(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let context = self.context(call, request.operation());
        match self.store.can_conflict() {
            true => context.repeated(|| operations::perform(&context, request.clone())),
            false => operations::perform(&context, request),
        }
    }

    fn gate(&self) -> Gate<'_> {
        Gate {
            verifier: self.configuration.attestation.as_deref(),
            nonces: &self.volatile.nonces,
            now: self.configuration.clock.now(),
        }
    }

    fn door(&self) -> Door<'_> {
        Door {
            configuration: &self.configuration,
            remembered: &self.volatile.remembered,
            store: &*self.store,
            begun: self.begun,
        }
    }

    /// Performs a request, unless the audit log has no room for it, and notes there what came out of it.
    fn recorded<'r>(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'r>,
        perform: impl FnOnce(RequestPayload<'r>) -> Result<ResponsePayload<'static>, Failure>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let Some(log) = &self.configuration.audit else {
            return perform(request);
        };
        let record = Record::begin(log, call, &request);
        let admitted = log.admit(request.operation());
        let outcome = admitted.and_then(|()| perform(request));
        self.noted(record.end(call, &outcome));
        outcome
    }

    fn perform_checked(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let context = self.context(call, request.operation());
        self.gate()
            .check(request.operation(), context.owner(), call.header())?;
        let is_limited = check_rights(&context, &request)?;
        // These are about what waits, and find it waiting.
        let operation = request.operation();
        let leaves = [Operation::CANCEL, Operation::QUERY_ASYNCHRONOUS_REQUESTS];
        // What waits is done by the rights of the client, which a limited ticket has not all.
        if !is_limited && !leaves.contains(&operation) {
            self.settle(call);
        }
        if let RequestPayload::Process(process) = &request {
            if is_limited {
                return Err(not_later());
            }
            self.perform_deferred(call, &process.asynchronous_correlation_value)?;
        }
        if !undoes(call) {
            return self.perform(call, request);
        }
        let item = journal::Item::begin();
        let payload = self.perform(call, request)?;
        item.done();
        Ok(payload)
    }

    /// Does something with what is kept in the store; again, if other servers were in the way.
    fn kept<T>(&self, work: impl Fn() -> Result<T, KeptError>) -> Result<T, Failure> {
        repeat(work, KeptError::is_conflict).map_err(|error| match error {
            KeptError::Refused(failure) => failure,
            KeptError::Store(error) => self.broken(&error),
        })
    }

    /// Tells the operator of a store that is out of order, and the client what it may know.
    fn broken(&self, error: &StoreError) -> Failure {
        (self.configuration.report)(error);
        error.told()
    }

    /// A log that cannot be written is the operator's business; the next change is refused.
    fn noted(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            (self.configuration.report)(&error);
        }
    }
}

impl KeyServer {
    /// The authority that issues certificates for clients (Re-Provision), which a listener has to trust
    /// if [`Configuration::provisions`] is set. It is made when it is first needed.
    ///
    /// # Errors
    /// If the store is out of order, or the authority cannot be made or read.
    pub fn authority(&self) -> Result<X509, Box<dyn Error + Send + Sync>> {
        let mut transaction = self.store.begin()?;
        let authority = credentials::authority(&mut *transaction)??;
        transaction.commit()?;
        Ok(authority.certificate().clone())
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
        self.recorded(call, request, |request| self.perform_checked(call, request))
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &self.configuration.versions
    }

    fn admit(
        &self,
        header: &RequestHeader<'_>,
        items: &[RequestBatchItem<'_>],
    ) -> Result<(), Failure> {
        match self.configuration.personality {
            Some(personality) => personality.admit(header, items),
            None => Ok(()),
        }
    }

    /// A client is who its certificate says, or the user it logs in as.
    fn authenticate(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        // Called once for each message, before its first item.
        journal::clear();
        let identified = self.identify(peer, credentials).and_then(|owner| {
            let name = owner.as_deref().unwrap_or_default();
            self.gate().enter(peer, name, credentials)?;
            Ok(owner)
        });
        if let (Some(log), Err(failure)) = (&self.configuration.audit, &identified) {
            self.noted(audit::refused(log, peer, failure));
        }
        identified
    }

    fn server_hashed_password(&self, credentials: &Authentication<'_>) -> Option<Vec<u8>> {
        // A ticket is let in whatever stands beside it.
        match ticket_of(credentials) {
            Some(_) => None,
            None => self.door().server_hash(credentials),
        }
    }

    fn can_defer(&self, operation: Operation) -> bool {
        operations::can_defer(operation)
    }

    fn defer(&self, call: &Call<'_>, request: RequestPayload<'_>) -> Result<Vec<u8>, Failure> {
        let context = self.context(call, request.operation());
        let record = self.configuration.audit.as_ref().map(|log| {
            let record = Record::begin(log, call, &request);
            log.admit(request.operation()).map(|()| record)
        });
        let record = record.transpose()?;
        self.gate()
            .check(request.operation(), context.owner(), call.header())?;
        if check_rights(&context, &request)? {
            return Err(not_later());
        }
        let kept = self.keep_deferred(call, &request)?;
        if let Some(record) = record {
            self.noted(record.pending(call));
        }
        Ok(kept)
    }

    fn poll(&self, call: &Call<'_>, correlation: &[u8]) -> Result<Polled, Failure> {
        self.poll_deferred(call, correlation)
    }

    fn can_undo(&self, operation: Operation) -> bool {
        operations::can_undo(operation)
    }

    fn undo(&self, call: &Call<'_>, done: &ResponsePayload<'_>) -> Result<(), Failure> {
        let log = self.configuration.audit.as_ref();
        let record = log.map(|log| Record::undoing(log, call, done));
        let outcome = operations::undo(&self.context(call, Operation::default()));
        if let Some(record) = record {
            self.noted(record.undone(call, &outcome));
        }
        outcome
    }
}

/// Whether the client wants the batch undone if it fails.
pub(crate) fn undoes(call: &Call<'_>) -> bool {
    let option = call.header().batch_error_continuation_option;
    option == Some(BatchErrorContinuationOption::UNDO)
}

/// What the ticket of the message is good for, if it has one.
fn granted(context: &Context<'_>) -> Result<Option<Grant>, Failure> {
    match context.ticket() {
        Some(_) => context.view()?.grant(),
        None => Ok(None),
    }
}

/// Whether the ticket of the message, if it has one, allows a request: each object that it names, at
/// whatever place. `true` if it is a limited one.
fn check_rights(context: &Context<'_>, request: &RequestPayload<'_>) -> Result<bool, Failure> {
    let Some(grant) = granted(context)? else {
        return Ok(false);
    };
    let operation = request.operation();
    let named = named_objects(request, context.version())?;
    if named.is_empty() {
        grant.check(operation, None)?;
    }
    let mut named = named.iter();
    named.try_for_each(|identifier| grant.check(operation, Some(identifier)))?;
    Ok(grant.is_limited())
}

/// When a request is performed later, the limits of a ticket are not at hand.
fn not_later() -> Failure {
    Failure::new(
        ResultReason::NOT_AUTHORISED,
        "with a limited ticket, nothing is processed asynchronously",
    )
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
