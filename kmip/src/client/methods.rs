//! The methods of both clients, written once.

use std::marker::PhantomData;

use crate::types::{Operation, OperationRequest, RequestPayload, ResponsePayload};

use super::batch::{Batch, ItemResult};
use super::error::{Error, Problem, ResponseFault};
use super::session::Session;

/// Each method becomes one of [`Core`](super::core::Core), asynchronous over any driver, one of
/// [`Client`](super::Client) that blocks, and one of [`AsyncClient`](super::AsyncClient). The bodies
/// are those of the first; [`ask!`] performs an operation. Every method returns a `Result` with
/// [`Error`]; what stands behind the arrow is its success.
///
/// The futures of the asynchronous client are boxed: so they can be spawned whatever the arguments
/// are. (The compiler cannot prove yet that a future is `Send` whose function has bounds with
/// lifetimes, such as `Into<UniqueIdentifier<'a>>`, once it is awaited by another. For the same
/// reason, bodies await no functions with such bounds.)
macro_rules! client_methods {
    ($(
        $(#[$meta:meta])*
        fn $name:ident ['a $(, $generic:ident : $bound:path)?] (
            &mut $self:ident $(, $argument:ident : $type:ty)* $(,)?
        ) -> $output:ty $body:block
    )*) => {
        impl<D: $crate::client::driver::Driver> $crate::client::core::Core<D> {
            $(
                #[allow(clippy::extra_unused_lifetimes, reason = "not all of them borrow")]
                pub(in crate::client) async fn $name<'a $(, $generic: $bound)?>(
                    &mut $self $(, $argument: $type)*
                ) -> Result<$output, $crate::client::Error> $body
            )*
        }

        impl $crate::client::Client {
            $(
                $(#[$meta])*
                #[allow(clippy::extra_unused_lifetimes, reason = "not all of them borrow")]
                pub fn $name<'a $(, $generic: $bound)?>(
                    &mut self $(, $argument: $type)*
                ) -> Result<$output, $crate::client::Error> {
                    $crate::client::driver::finish(self.core.$name($($argument),*))
                }
            )*
        }

        #[cfg(feature = "tokio")]
        impl $crate::client::AsyncClient {
            $(
                $(#[$meta])*
                pub fn $name<'c, 'a $(, $generic: $bound + Send + 'a)?>(
                    &'c mut self $(, $argument: $type)*
                ) -> $crate::client::Answer<'c, $output>
                where
                    'a: 'c,
                {
                    Box::pin(self.core.$name($($argument),*))
                }
            )*
        }
    };
}

/// Performs an operation in a method of `Core`: `ask!(self, request)?` is the response.
macro_rules! ask {
    ($core:expr, $request:expr) => {{
        // Small things only go through the futures: a request and its response are on the heap by then.
        let (batch, reply) = $crate::client::methods::question_alone($request);
        let answers = $core.batch(batch).await;
        reply.of_only(answers, &$core.session)
    }};
}

/// What both clients tell and take without asking a server.
macro_rules! client_settings {
    () => {
        /// The version that is spoken.
        pub fn version(&self) -> ProtocolVersion {
            self.core.version()
        }

        /// Speaks another version from now on, of which it is known that the server has it.
        pub fn set_version(&mut self, version: ProtocolVersion) {
            self.core.session.set_version(version);
        }

        /// Whether requests over HTTPS name their character set: as it was set, or the other way round
        /// where the server refused that.
        pub fn sends_charset(&self) -> bool {
            self.core.sends_charset
        }

        /// Whether requests in JSON and XML hold numbers instead of names: as it was set, or since the
        /// server cannot read the names.
        pub fn sends_numbers(&self) -> bool {
            self.core.session.sends_numbers
        }

        /// Whether requests hold values that only other versions have, as it was
        /// [set](ClientBuilder::sends_values_of_other_versions).
        pub fn sends_values_of_other_versions(&self) -> bool {
            self.core.session.sends_other_values
        }

        /// The server that was connected to last, as shown to people.
        pub fn server(&self) -> &str {
            self.core.session.server()
        }

        /// Changes how long to wait for what.
        pub fn set_timeouts(&mut self, timeouts: Timeouts) {
            self.core.set_timeouts(timeouts);
        }

        /// Changes the name of the following requests (Client Correlation Value, since KMIP 1.4; left
        /// out before), by which the server's log can be searched.
        pub fn set_client_correlation_value(&mut self, value: impl Into<Option<String>>) {
            self.core.session.set_client_correlation_value(value.into());
        }

        /// Closes the connection. The next operation makes a new one.
        pub fn disconnect(&mut self) {
            self.core.disconnect();
        }
    };
}

pub(super) use {ask, client_methods, client_settings};

/// The result of the only item of a batch.
#[inline]
pub(super) fn only(
    results: Vec<ItemResult<ResponsePayload<'static>>>,
    operation: Operation,
    session: &Session,
) -> ItemResult<ResponsePayload<'static>> {
    results.into_iter().next().unwrap_or_else(|| {
        let fault = ResponseFault::MissingItem(0);
        Err(session.error(operation, Problem::Response(fault)))
    })
}

/// How the response to a request is read. Of its type alone, so that what is read is not moved about.
pub(super) struct Reply<'a, R>(PhantomData<fn(&'a ()) -> R>);

/// A request without its type, and how its response is read.
#[inline]
pub(super) fn question<'a, R: OperationRequest<'a>>(
    request: R,
) -> (RequestPayload<'a>, Reply<'a, R>) {
    (request.into(), Reply(PhantomData))
}

/// As [`question`], as the only item of a batch.
#[inline]
pub(super) fn question_alone<'a, R: OperationRequest<'a>>(request: R) -> (Batch<'a>, Reply<'a, R>) {
    let (payload, reply) = question(request);
    (Batch::of(payload), reply)
}

impl<'a, R: OperationRequest<'a>> Reply<'a, R> {
    /// The response to the only item, in its own type.
    #[inline]
    pub(super) fn of_only(
        &self,
        answers: Result<Vec<ItemResult<ResponsePayload<'static>>>, Error>,
        session: &Session,
    ) -> Result<R::Response<'static>, Error> {
        self.of(only(answers?, R::OPERATION, session), session)
    }

    /// The response in its own type.
    #[inline]
    pub(super) fn of(
        &self,
        answer: ItemResult<ResponsePayload<'static>>,
        session: &Session,
    ) -> Result<R::Response<'static>, Error> {
        match R::Response::<'static>::try_from(answer?) {
            Ok(response) => Ok(response),
            Err(_) => Err(session.error(R::OPERATION, Problem::Response(ResponseFault::Payload))),
        }
    }
}
