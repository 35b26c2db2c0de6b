//! Several operations in one message.

use crate::types::{
    BatchErrorContinuationOption, OperationRequest, RequestBatchItem, RequestPayload,
    ResponsePayload,
};

use super::error::{Error, Problem, ResponseFault};

/// The result of one item of a batch.
pub type ItemResult<T> = Result<T, Error>;

/// A list of requests that are sent in one message and processed in this order.
///
/// An item that leaves out the identifier of its object means the object of the item before it
/// (ID Placeholder), on servers that support this.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Their identifiers are given when they are sent.
    pub(super) items: Vec<RequestBatchItem<'a>>,
    pub(super) on_error: BatchErrorContinuationOption,
}

impl<'a> Batch<'a> {
    /// No requests yet. After a failed one the server stops.
    pub fn new() -> Self {
        Batch {
            items: Vec::new(),
            on_error: BatchErrorContinuationOption::STOP,
        }
    }

    /// One request.
    #[inline]
    pub(super) fn of(request: RequestPayload<'a>) -> Self {
        Batch {
            items: vec![RequestBatchItem::new(request)],
            ..Batch::new()
        }
    }

    /// No requests yet. After a failed one the server continues with the next.
    pub fn independent() -> Self {
        Batch {
            on_error: BatchErrorContinuationOption::CONTINUE,
            ..Batch::new()
        }
    }

    /// Adds a request.
    #[must_use]
    pub fn with(mut self, request: impl Into<RequestPayload<'a>>) -> Self {
        self.push(request);
        self
    }

    /// Adds a request.
    pub fn push(&mut self, request: impl Into<RequestPayload<'a>>) {
        self.items.push(RequestBatchItem::new(request));
    }

    /// What the server does after an item has failed: stop, continue, or undo those before it.
    #[must_use]
    pub fn on_error(mut self, option: BatchErrorContinuationOption) -> Self {
        self.on_error = option;
        self
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no requests.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Default for Batch<'_> {
    fn default() -> Self {
        Batch::new()
    }
}

/// Requests of known types, as a tuple of up to eight.
pub trait BatchRequests<'a> {
    /// The result of each request, as a tuple of [`ItemResult`].
    type Results;

    /// The requests as a list.
    fn into_batch(self) -> Batch<'a>;

    /// The results as a tuple.
    ///
    /// # Errors
    /// If there are not as many as requests.
    fn results(
        results: Vec<ItemResult<ResponsePayload<'static>>>,
        server: &str,
    ) -> Result<Self::Results, Error>;
}

macro_rules! tuples {
    ($($request:ident $value:ident),+) => {
        impl<'a, $($request: OperationRequest<'a>),+> BatchRequests<'a> for ($($request,)+) {
            type Results = ($(ItemResult<$request::Response<'static>>,)+);

            fn into_batch(self) -> Batch<'a> {
                let ($($value,)+) = self;
                Batch::new()$(.with($value))+
            }

            fn results(
                results: Vec<ItemResult<ResponsePayload<'static>>>,
                server: &str,
            ) -> Result<Self::Results, Error> {
                let mut results = results.into_iter();
                Ok(($(typed::<$request>(results.next(), server)?,)+))
            }
        }
    };
}

tuples!(A a);
tuples!(A a, B b);
tuples!(A a, B b, C c);
tuples!(A a, B b, C c, D d);
tuples!(A a, B b, C c, D d, E e);
tuples!(A a, B b, C c, D d, E e, F f);
tuples!(A a, B b, C c, D d, E e, F f, G g);
tuples!(A a, B b, C c, D d, E e, F f, G g, H h);

/// The result of a request in its own type; an error if there is none.
pub(super) fn typed<'a, R: OperationRequest<'a>>(
    result: Option<ItemResult<ResponsePayload<'static>>>,
    server: &str,
) -> Result<ItemResult<R::Response<'static>>, Error> {
    let wrong = |fault| Error::new(server, R::OPERATION, Problem::Response(fault));
    match result {
        None => Err(wrong(ResponseFault::MissingItem(0))),
        Some(Err(error)) => Ok(Err(error)),
        Some(Ok(payload)) => {
            let typed = R::Response::<'static>::try_from(payload);
            Ok(typed.map_err(|_| wrong(ResponseFault::Payload)))
        }
    }
}
