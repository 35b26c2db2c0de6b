//! Operations whose data comes in several parts (since KMIP 1.3).
//!
//! The first part says that more follow (Init Indicator), the answer gives a Correlation Value that
//! the next parts refer to, and the last one says so (Final Indicator).

use crate::types::{
    Data, DecryptRequest, EncryptRequest, HashRequest, MacRequest, MacVerifyRequest,
    OperationRequest, SignRequest, SignatureVerifyRequest,
};

use super::blocking::Client;
use super::error::Error;

/// A request whose data can come in several parts.
pub trait Streamable<'a>: OperationRequest<'a> + Clone + Send + 'a {
    /// Makes this the request of one part.
    fn set_part(&mut self, data: &'a [u8], correlation: Option<Vec<u8>>, init: bool, last: bool);

    /// The Correlation Value of an answer.
    fn correlation(answer: &Self::Response<'static>) -> Option<Vec<u8>>;
}

macro_rules! streamable {
    ($($request:ident),+) => {$(
        impl<'a> Streamable<'a> for $request<'a> {
            fn set_part(
                &mut self,
                data: &'a [u8],
                correlation: Option<Vec<u8>>,
                init: bool,
                last: bool,
            ) {
                self.data = Some(Data::from(data));
                self.correlation_value = correlation.map(Into::into);
                self.init_indicator = init.then_some(true);
                self.final_indicator = last.then_some(true);
            }

            fn correlation(answer: &Self::Response<'static>) -> Option<Vec<u8>> {
                answer.correlation_value.as_deref().map(<[u8]>::to_vec)
            }
        }
    )+};
}

streamable!(
    EncryptRequest,
    DecryptRequest,
    SignRequest,
    SignatureVerifyRequest,
    MacRequest,
    MacVerifyRequest,
    HashRequest
);

/// How far a stream has come. Does no I/O.
#[derive(Debug)]
struct Position<R> {
    template: R,
    correlation: Option<Vec<u8>>,
    begun: bool,
}

impl<R> Position<R> {
    fn new(template: R) -> Self {
        Position {
            template,
            correlation: None,
            begun: false,
        }
    }

    /// The request of the next part.
    fn part<'a>(&self, data: &'a [u8], last: bool) -> R
    where
        R: Streamable<'a>,
    {
        let mut request = self.template.clone();
        // All in one part is no stream.
        let init = !self.begun && !last;
        request.set_part(data, self.correlation.clone(), init, last && self.begun);
        request
    }

    fn answered<'a>(&mut self, answer: &R::Response<'static>)
    where
        R: Streamable<'a>,
    {
        self.begun = true;
        // It usually stays the same, and some servers give it only once.
        if let Some(correlation) = R::correlation(answer) {
            self.correlation = Some(correlation);
        }
    }
}

/// An operation under way, see [`Client::stream`]. One that is dropped is never finished.
#[derive(Debug)]
#[must_use = "a stream does nothing until parts are given to it"]
pub struct Stream<'c, R> {
    client: &'c mut Client,
    position: Position<R>,
}

impl Client {
    /// Begins an operation whose data comes in several parts. `request` is without data; what an
    /// answer to a part contains depends on the operation.
    ///
    /// ```no_run
    /// use kmip::types::EncryptRequest;
    ///
    /// # fn example(client: &mut kmip::client::Client, parts: &[&[u8]])
    /// # -> Result<(), kmip::client::Error> {
    /// let request = EncryptRequest {
    ///     unique_identifier: Some("a key".into()),
    ///     ..EncryptRequest::default()
    /// };
    /// let mut encrypted: Vec<u8> = Vec::new();
    /// let mut stream = client.stream(request);
    /// for part in parts {
    ///     let answer = stream.part(part)?;
    ///     encrypted.extend(answer.data.as_ref().and_then(|data| data.as_bytes()).unwrap_or(&[]));
    /// }
    /// let answer = stream.last(b"the end")?;
    /// encrypted.extend(answer.data.as_ref().and_then(|data| data.as_bytes()).unwrap_or(&[]));
    /// # Ok(()) }
    /// ```
    pub fn stream<R>(&mut self, request: R) -> Stream<'_, R> {
        Stream {
            client: self,
            position: Position::new(request),
        }
    }
}

impl<R> Stream<'_, R> {
    /// Sends a part, after which others follow.
    ///
    /// # Errors
    /// If the server refuses it, or its version does not have streams.
    pub fn part<'a>(&mut self, data: &'a [u8]) -> Result<R::Response<'static>, Error>
    where
        R: Streamable<'a>,
    {
        let answer = self.client.call(self.position.part(data, false))?;
        self.position.answered(&answer);
        Ok(answer)
    }

    /// Sends the last part, which may be empty.
    ///
    /// # Errors
    /// As for [`part`](Self::part).
    pub fn last<'a>(self, data: &'a [u8]) -> Result<R::Response<'static>, Error>
    where
        R: Streamable<'a>,
    {
        self.client.call(self.position.part(data, true))
    }
}

#[cfg(feature = "tokio")]
pub(super) mod asynchronous {
    //! The same without blocking.

    use super::{Position, Streamable};
    use crate::client::{Answer, AsyncClient};

    /// An operation under way, see [`AsyncClient::stream`]. One that is dropped is never finished.
    #[derive(Debug)]
    #[must_use = "a stream does nothing until parts are given to it"]
    pub struct AsyncStream<'c, R> {
        client: &'c mut AsyncClient,
        position: Position<R>,
    }

    impl AsyncClient {
        /// Begins an operation whose data comes in several parts; see
        /// [`Client::stream`](crate::client::Client::stream).
        pub fn stream<R>(&mut self, request: R) -> AsyncStream<'_, R> {
            AsyncStream {
                client: self,
                position: Position::new(request),
            }
        }
    }

    impl<R> AsyncStream<'_, R> {
        /// Sends a part, after which others follow. If its future is dropped, the stream is of no
        /// use any more.
        ///
        /// # Errors
        /// If the server refuses it, or its version does not have streams.
        pub fn part<'s, 'a: 's>(&'s mut self, data: &'a [u8]) -> Answer<'s, R::Response<'static>>
        where
            R: Streamable<'a>,
            R::Response<'static>: Send,
        {
            let request = self.position.part(data, false);
            Box::pin(async move {
                let answer = self.client.call(request).await?;
                self.position.answered(&answer);
                Ok(answer)
            })
        }

        /// Sends the last part, which may be empty.
        ///
        /// # Errors
        /// As for [`part`](Self::part).
        pub fn last<'s, 'a: 's>(self, data: &'a [u8]) -> Answer<'s, R::Response<'static>>
        where
            R: Streamable<'a>,
            Self: 's,
        {
            let request = self.position.part(data, true);
            Box::pin(async move { self.client.call(request).await })
        }
    }
}
