//! Watching what a client does: hooks, and spans of `tracing`.

use std::time::Duration;

use crate::Encoding;
use crate::types::{Operation, ProtocolVersion, ResponsePayload};

use super::batch::ItemResult;
use super::error::Error;

/// Called as requests and responses pass. Every method may be left out.
///
/// Messages may contain keys in clear: write a [`MessageLog`](super::MessageLog) of them rather than
/// the bytes.
///
/// ```
/// use kmip::client::{Hook, ResponseEvent};
///
/// /// Tells which operations take long.
/// struct Slow;
///
/// impl Hook for Slow {
///     fn on_response(&mut self, event: &ResponseEvent<'_>) {
///         if event.duration.as_millis() > 500 {
///             let operations = event.request.operations;
///             eprintln!("{operations:?} took {:?}", event.duration);
///         }
///     }
/// }
///
/// let settings = kmip::client::Client::builder("keys.example.com".parse()?).hook(Slow);
/// # let _ = settings;
/// # Ok::<(), kmip::transport::AddressError>(())
/// ```
pub trait Hook: Send {
    /// A request is about to be sent. One that is sent again is told again.
    fn on_request(&mut self, event: &RequestEvent<'_>) {
        let _ = event;
    }

    /// A response was received and understood.
    fn on_response(&mut self, event: &ResponseEvent<'_>) {
        let _ = event;
    }

    /// No response came, or one that cannot be understood.
    fn on_failure(&mut self, event: &FailureEvent<'_>) {
        let _ = event;
    }
}

/// A request on its way.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestEvent<'m> {
    /// The server, as shown to people.
    pub server: &'m str,
    /// The version of the request.
    pub version: ProtocolVersion,
    /// The operation of each item.
    pub operations: &'m [Operation],
    /// Client Correlation Value, if the client has one.
    pub client_correlation_value: Option<&'m str>,
    /// How it is encoded.
    pub encoding: Encoding,
    /// The encoded message.
    pub bytes: &'m [u8],
}

/// A response that has come.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ResponseEvent<'m> {
    /// What it answers.
    pub request: RequestEvent<'m>,
    /// The encoded message.
    pub bytes: &'m [u8],
    /// From the first byte sent to the last one received.
    pub duration: Duration,
    /// The result of each item.
    pub results: &'m [ItemResult<ResponsePayload<'static>>],
    /// Server Correlation Value, if the server gives one.
    pub server_correlation_value: Option<&'m str>,
}

/// A request that has no usable response.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct FailureEvent<'m> {
    /// What was asked for.
    pub request: RequestEvent<'m>,
    /// What came that could not be understood, if anything did.
    pub bytes: Option<&'m [u8]>,
    /// How long it took to fail.
    pub duration: Duration,
    /// Why.
    pub error: &'m Error,
}

/// Calls hooks and fills the span of one request.
pub(super) struct Watch<'w, 'm> {
    pub(super) hooks: &'w mut [Box<dyn Hook>],
    pub(super) span: &'w spans::RequestSpan,
    pub(super) request: RequestEvent<'m>,
}

impl Watch<'_, '_> {
    /// Whether anybody is told.
    pub(super) fn is_wanted(&self) -> bool {
        !self.hooks.is_empty() || self.span.is_recorded()
    }

    pub(super) fn sending(&mut self) {
        for hook in &mut *self.hooks {
            hook.on_request(&self.request);
        }
    }

    pub(super) fn received(
        &mut self,
        bytes: &[u8],
        duration: Duration,
        outcome: &Result<super::session::Response, Error>,
    ) {
        match outcome {
            Ok(response) => {
                let event = ResponseEvent {
                    request: self.request,
                    bytes,
                    duration,
                    results: &response.results,
                    server_correlation_value: response.server_correlation_value.as_deref(),
                };
                self.span.answered(&event);
                for hook in &mut *self.hooks {
                    hook.on_response(&event);
                }
            }
            Err(error) => self.failed(Some(bytes), duration, error),
        }
    }

    pub(super) fn failed(&mut self, bytes: Option<&[u8]>, duration: Duration, error: &Error) {
        let event = FailureEvent {
            request: self.request,
            bytes,
            duration,
            error,
        };
        self.span.failed(&event);
        for hook in &mut *self.hooks {
            hook.on_failure(&event);
        }
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) mod spans {
    //! Nothing is traced.

    use super::{FailureEvent, RequestEvent, ResponseEvent};

    pub(in crate::client) struct RequestSpan;

    impl RequestSpan {
        pub(in crate::client) fn new(_request: &RequestEvent<'_>) -> Self {
            RequestSpan
        }

        pub(in crate::client) async fn around<T>(&self, action: impl Future<Output = T>) -> T {
            action.await
        }

        pub(super) fn is_recorded(&self) -> bool {
            false
        }

        pub(super) fn answered(&self, _event: &ResponseEvent<'_>) {}

        pub(super) fn failed(&self, _event: &FailureEvent<'_>) {}
    }
}

#[cfg(feature = "tracing")]
pub(super) mod spans {
    //! A span for each request, and one inside it for each of its items. Neither holds anything of
    //! the content of messages but identifiers of log entries.

    use tracing::{Instrument, Span, field};

    use super::{FailureEvent, RequestEvent, ResponseEvent};
    use crate::types::ResponsePayload;

    pub(in crate::client) struct RequestSpan {
        request: Span,
        items: Vec<Span>,
    }

    impl RequestSpan {
        pub(in crate::client) fn new(request: &RequestEvent<'_>) -> Self {
            let span = tracing::info_span!(
                "kmip.request",
                peer = request.server,
                version = %request.version,
                items = request.operations.len(),
                client_correlation_value = request.client_correlation_value,
                server_correlation_value = field::Empty,
                request_bytes = request.bytes.len(),
                response_bytes = field::Empty,
                duration_us = field::Empty,
                result = field::Empty,
                error = field::Empty,
            );
            let items = match span.is_disabled() {
                true => Vec::new(),
                false => request
                    .operations
                    .iter()
                    .enumerate()
                    .map(|(index, operation)| {
                        tracing::info_span!(
                            parent: &span,
                            "kmip.item",
                            index,
                            operation = ?operation,
                            result = field::Empty,
                            reason = field::Empty,
                            unique_identifier = field::Empty,
                        )
                    })
                    .collect(),
            };
            RequestSpan {
                request: span,
                items,
            }
        }

        pub(in crate::client) async fn around<T>(&self, action: impl Future<Output = T>) -> T {
            action.instrument(self.request.clone()).await
        }

        pub(super) fn is_recorded(&self) -> bool {
            !self.request.is_disabled()
        }

        pub(super) fn answered(&self, event: &ResponseEvent<'_>) {
            let failed = event
                .results
                .iter()
                .filter(|result| result.is_err())
                .count();
            let result = match failed {
                0 => "success",
                _ if failed == event.results.len() => "failure",
                _ => "partial",
            };
            self.request
                .record("response_bytes", event.bytes.len())
                .record("duration_us", micros(event.duration))
                .record("result", result);
            if let Some(value) = event.server_correlation_value {
                self.request.record("server_correlation_value", value);
            }
            for (span, result) in self.items.iter().zip(event.results) {
                match result {
                    Ok(payload) => {
                        span.record("result", "success");
                        if let Some(identifier) = identifier(payload) {
                            span.record("unique_identifier", identifier);
                        }
                    }
                    Err(error) => {
                        span.record("result", "failure");
                        if let Some(reason) = error.result_reason() {
                            span.record("reason", field::debug(reason));
                        }
                        span.in_scope(|| tracing::info!("{error}"));
                    }
                }
            }
        }

        pub(super) fn failed(&self, event: &FailureEvent<'_>) {
            self.request
                .record("duration_us", micros(event.duration))
                .record("result", "error")
                .record("error", field::display(event.error));
            if let Some(bytes) = event.bytes {
                self.request.record("response_bytes", bytes.len());
            }
            self.request.in_scope(|| tracing::warn!("{}", event.error));
        }
    }

    fn micros(duration: std::time::Duration) -> u64 {
        u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
    }

    /// The object that was made.
    fn identifier<'p>(payload: &'p ResponsePayload<'_>) -> Option<&'p str> {
        match payload {
            ResponsePayload::Create(made) => made.unique_identifier.as_text(),
            ResponsePayload::Register(made) => made.unique_identifier.as_text(),
            ResponsePayload::Import(made) => made.unique_identifier.as_text(),
            ResponsePayload::ReKey(made) => made.unique_identifier.as_text(),
            ResponsePayload::DeriveKey(made) => made.unique_identifier.as_text(),
            _ => None,
        }
    }
}
