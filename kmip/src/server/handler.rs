//! What a server has to bring along to the engine.

use crate::types::{
    Authentication, Operation, ProtocolVersion, RequestBatchItem, RequestHeader, RequestPayload,
    ResponsePayload, UniqueIdentifier,
};

use super::failure::Failure;
use super::identifiers::Identifiers;
use super::peer::Peer;

/// Performs the operations of a server. Called from many threads at a time.
pub trait Handler: Send + Sync {
    /// Performs one operation. The engine has checked the message; whether the client may do it
    /// is for the handler to decide. [`Call::identify`] resolves the object that is meant.
    ///
    /// Discover Versions does not come here; the engine answers it.
    ///
    /// # Errors
    /// The failure that the client is told.
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let _ = call;
        Err(Failure::operation_not_supported(request.operation()))
    }

    /// The versions that the server speaks.
    fn versions(&self) -> &[ProtocolVersion] {
        &ProtocolVersion::ALL
    }

    /// Whether a message is processed at all, asked before the client is known and anything of the
    /// message is performed. The engine has made its own checks.
    ///
    /// # Errors
    /// The failure of the whole message that the client is told.
    fn admit(
        &self,
        header: &RequestHeader<'_>,
        items: &[RequestBatchItem<'_>],
    ) -> Result<(), Failure> {
        let _ = (header, items);
        Ok(())
    }

    /// Who the client is, from its certificate and the credentials in the request. By default the
    /// common name of its certificate.
    ///
    /// # Errors
    /// If the credentials are wrong or missing; no operation of the message is performed then.
    fn authenticate(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        let _ = credentials;
        Ok(peer.common_name())
    }

    /// What proves to a client whose credentials were right that the server knows its password, too
    /// (Server Hashed Password: KMIP 2.1, 9.2), if the credentials ask for it.
    fn server_hashed_password(&self, credentials: &Authentication<'_>) -> Option<Vec<u8>> {
        let _ = credentials;
        None
    }

    /// Whether [`defer`](Self::defer) can take this operation to be done later.
    fn can_defer(&self, operation: Operation) -> bool {
        let _ = operation;
        false
    }

    /// Takes an operation that the client wants done asynchronously, and gives it an Asynchronous
    /// Correlation Value.
    ///
    /// # Errors
    /// The failure that the client is told.
    fn defer(&self, call: &Call<'_>, request: RequestPayload<'_>) -> Result<Vec<u8>, Failure> {
        let _ = call;
        Err(Failure::operation_not_supported(request.operation()))
    }

    /// How far an operation is that was deferred. Once its result was given, it is forgotten.
    ///
    /// # Errors
    /// If there is no such operation of this client.
    fn poll(&self, call: &Call<'_>, correlation: &[u8]) -> Result<Polled, Failure> {
        let _ = (call, correlation);
        Err(Failure::operation_not_supported(Operation::POLL))
    }

    /// Whether [`undo`](Self::undo) can take back this operation.
    fn can_undo(&self, operation: Operation) -> bool {
        let _ = operation;
        false
    }

    /// Takes back an operation of this message that was successful, since a later one failed and
    /// the client has asked for this.
    ///
    /// # Errors
    /// If it cannot be taken back after all.
    fn undo(&self, call: &Call<'_>, done: &ResponsePayload<'_>) -> Result<(), Failure> {
        let _ = (call, done);
        Err(Failure::internal())
    }
}

/// How far an operation is that is done asynchronously.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is looked at once and not kept"
)]
pub enum Polled {
    /// It is not done yet.
    Pending,
    /// It is done.
    Done {
        /// What it was.
        operation: Operation,
        /// What came out of it.
        outcome: Result<Box<ResponsePayload<'static>>, Failure>,
    },
}

/// An operation in its surroundings.
#[derive(Debug)]
pub struct Call<'m> {
    pub(super) peer: &'m Peer,
    pub(super) user: Option<&'m str>,
    pub(super) header: &'m RequestHeader<'m>,
    pub(super) identifiers: &'m Identifiers,
}

impl<'m> Call<'m> {
    /// The same call as if the operation stood alone in its message: no identifier refers to other items of
    /// the batch. For what is performed on the occasion of a call, such as what was deferred.
    #[must_use]
    pub fn alone(&self) -> Call<'m> {
        Call {
            identifiers: Identifiers::none(),
            ..*self
        }
    }

    /// The client's end of the connection.
    pub fn peer(&self) -> &Peer {
        self.peer
    }

    /// Who the client is, as [`Handler::authenticate`] says.
    pub fn user(&self) -> Option<&str> {
        self.user
    }

    /// The version of the message.
    pub fn version(&self) -> ProtocolVersion {
        self.header.protocol_version
    }

    /// The header of the message.
    pub fn header(&self) -> &RequestHeader<'_> {
        self.header
    }

    /// The text of the identifier that is meant: the one in the request, the ID Placeholder if
    /// there is none, or the object of another item of the batch.
    ///
    /// # Errors
    /// If there is no such object.
    pub fn identify(&self, given: Option<&UniqueIdentifier<'_>>) -> Result<String, Failure> {
        self.identifiers.resolve(given)
    }
}
