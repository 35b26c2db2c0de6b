//! Requests into bytes, bytes into results. No I/O.

mod answers;
mod request;
mod response;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Encoding;
use crate::codec::Options;
use crate::types::{
    Authentication, BatchErrorContinuationOption, Credential, Operation, ProtocolVersion,
    RequestHeader, RequestMessage, Ticket,
};

use super::batch::Batch;
use super::error::{Error, Problem};
use answers::item_id;
pub use request::Expected;
pub(super) use request::Request;
pub use response::Challenge;
pub(super) use response::Response;

/// What requests to one server have in common, and what their responses must be like.
///
/// The header holds no more than is needed, since some servers refuse optional fields. Every item
/// has a Unique Batch Item ID that no other item of the session has, so that an answer to something
/// else is noticed.
#[derive(Debug)]
pub struct Session {
    server: String,
    version: ProtocolVersion,
    authentication: Option<Authentication<'static>>,
    maximum_response_size: Option<i32>,
    correlation: Option<String>,
    attestation_capable: bool,
    /// Of a login; sent instead of the credentials.
    ticket: Option<Ticket<'static>>,
    options: Options,
    encoding: Encoding,
    /// Text has no names of values.
    pub(super) sends_numbers: bool,
    /// Values that the version does not have are sent nevertheless.
    pub(super) sends_other_values: bool,
    next_id: AtomicU64,
}

impl Session {
    /// A session with `server` (as shown to people) in `version`.
    pub fn new(server: impl Into<String>, version: ProtocolVersion) -> Self {
        Session {
            server: server.into(),
            version,
            authentication: None,
            maximum_response_size: None,
            correlation: None,
            attestation_capable: false,
            ticket: None,
            options: Options::default(),
            encoding: Encoding::default(),
            sends_numbers: false,
            sends_other_values: false,
            next_id: AtomicU64::new(1),
        }
    }

    /// The version of requests.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Changes the version of requests.
    pub fn set_version(&mut self, version: ProtocolVersion) {
        self.version = version;
    }

    /// The server in errors.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Changes the server in errors.
    pub fn set_server(&mut self, server: impl Into<String>) {
        self.server = server.into();
    }

    /// Sends credentials with each request.
    pub fn set_authentication(&mut self, authentication: Option<Authentication<'static>>) {
        self.authentication = authentication;
    }

    /// Tells the server with each request how long the response may be.
    pub fn set_maximum_response_size(&mut self, bytes: Option<i32>) {
        self.maximum_response_size = bytes;
    }

    /// Names each request to the server (Client Correlation Value, since KMIP 1.4; left out before).
    pub fn set_client_correlation_value(&mut self, value: Option<String>) {
        self.correlation = value;
    }

    /// The name of requests.
    pub fn client_correlation_value(&self) -> Option<&str> {
        self.correlation.as_deref()
    }

    /// Tells the server that an attestation can be given (since KMIP 1.2; left out before).
    pub(super) fn set_attestation_capable(&mut self) {
        self.attestation_capable = true;
    }

    /// The credentials that are sent with each request.
    pub fn authentication(&self) -> Option<&Authentication<'static>> {
        self.authentication.as_ref()
    }

    /// Sends a ticket instead of the credentials.
    pub(super) fn begin_login(&mut self, ticket: Ticket<'static>) {
        self.ticket = Some(ticket);
    }

    /// Sends the credentials again.
    pub(super) fn end_login(&mut self) {
        self.ticket = None;
    }

    pub(super) fn login_ticket(&self) -> Option<Ticket<'static>> {
        self.ticket.clone()
    }

    /// How messages are encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Changes how messages are encoded.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// How responses are decoded.
    pub fn set_decoding(&mut self, options: Options) {
        self.options = options;
    }

    /// Appends the request message to `out`.
    ///
    /// # Errors
    /// If the version of the session does not have what the requests contain.
    pub fn encode(&self, batch: Batch<'_>, out: &mut Vec<u8>) -> Result<Expected, Error> {
        let mut request = self.prepare(batch);
        self.write(&mut request, out)?;
        Ok(request.expected)
    }

    /// A request that [`write`](Self::write) will encode.
    pub(super) fn prepare<'a>(&self, batch: Batch<'a>) -> Request<'a> {
        let Batch {
            mut items,
            on_error,
        } = batch;
        let operations: Vec<Operation> = items.iter().map(|item| item.operation).collect();
        let count = items.len();
        let first_id = self.next_id.fetch_add(count as u64, Ordering::Relaxed);
        for (index, item) in items.iter_mut().enumerate() {
            item.unique_batch_item_id = Some(Cow::Owned(item_id(first_id, index).to_vec()));
        }
        let message = RequestMessage {
            request_header: RequestHeader {
                maximum_response_size: self.maximum_response_size,
                authentication: match &self.ticket {
                    Some(ticket) => Some(Credential::ticket(ticket.clone()).into()),
                    None => self.authentication.clone(),
                },
                batch_count: i32::try_from(count).unwrap_or(i32::MAX),
                ..RequestHeader::default()
            },
            batch_item: items,
            ..RequestMessage::default()
        };
        Request {
            message,
            expected: Expected {
                operations,
                first_id,
            },
            on_error,
        }
    }

    /// Appends the request to `out` in the version of the session.
    pub(super) fn write(&self, request: &mut Request<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let several = request.message.batch_item.len() > 1;
        let on_error = request.on_error;
        let header = &mut request.message.request_header;
        header.protocol_version = self.version;
        header.batch_error_continuation_option =
            (several && on_error != BatchErrorContinuationOption::STOP).then_some(on_error);
        // Items may build on each other. In order is the default from 2.0 on.
        header.batch_order_option =
            (several && self.version < ProtocolVersion::V2_0).then_some(true);
        header.client_correlation_value = match &self.correlation {
            Some(value) if self.version >= ProtocolVersion::V1_4 => Some(value.clone().into()),
            _ => None,
        };
        header.attestation_capable_indicator =
            (self.attestation_capable && self.version >= ProtocolVersion::V1_2).then_some(true);
        let (message, numbers) = (&request.message, self.sends_numbers);
        let encoded = match (self.sends_other_values, numbers) {
            (false, _) => self.encoding.encode_strictly(message, numbers, out),
            (true, true) => self.encoding.encode_numbers(message, out),
            (true, false) => self.encoding.encode(message, out),
        };
        encoded.map_err(|error| {
            let operation = request.expected.operation();
            self.error(operation, Problem::Encode(error))
        })
    }

    pub(super) fn error(&self, operation: impl Into<Option<Operation>>, problem: Problem) -> Error {
        Error::new(self.server.clone(), operation, problem)
    }
}
