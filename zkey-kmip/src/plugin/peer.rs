//! A connected server and its traits: what it refused once is not asked for again.

use kmip::client::Batch;
use kmip::client::{Client, Error, ItemResult, Problem, ResponseFault};
use kmip::transport::tls::LastHandshake;
use kmip::types::{
    ActivateRequest, BatchErrorContinuationOption, OperationRequest, RequestPayload,
    ResponsePayload, UniqueIdentifier,
};

use super::attributes::AttributeStyle;
use crate::profile::Profile;
use crate::server_traits::{ServerTrait, ServerTraits};

/// A connection with the profile of its server and what was learned about it.
pub(super) struct Peer {
    pub(super) client: Client,
    pub(super) profile: Profile,
    traits: ServerTraits,
    has_learned: bool,
    handshake: LastHandshake,
}

/// An object that was made.
pub(super) struct Created {
    pub(super) id: UniqueIdentifier<'static>,
    /// Otherwise it must be activated by its identifier.
    pub(super) is_active: bool,
}

impl Peer {
    /// `learned` is what was learned before; a profile that says the traits has the last word.
    pub(super) fn new(
        client: Client,
        profile: Profile,
        learned: ServerTraits,
        handshake: LastHandshake,
    ) -> Peer {
        let traits = profile.server_traits.clone().unwrap_or(learned);
        let mut peer = Peer {
            client,
            profile,
            traits,
            has_learned: false,
            handshake,
        };
        peer.learn_spelling();
        peer
    }

    /// How the server was spoken to: protocol version and cipher suite of TLS.
    pub(super) fn contact(&self) -> Option<String> {
        self.handshake.agreed().map(|agreed| agreed.to_string())
    }

    pub(super) fn has(&self, one: ServerTrait) -> bool {
        self.traits.has(one)
    }

    /// Keeps a trait that showed up.
    pub(super) fn learn(&mut self, one: ServerTrait) {
        if self.profile.server_traits.is_none() {
            self.has_learned |= self.traits.insert(one);
        }
    }

    /// All that was learned, which is nothing where the profile says it.
    pub(super) fn learned(&mut self) -> ServerTraits {
        self.learn_spelling();
        match self.profile.server_traits {
            Some(_) => ServerTraits::default(),
            None => self.traits.clone(),
        }
    }

    /// The same, if there is anything new since the last call.
    pub(super) fn take_news(&mut self) -> Option<ServerTraits> {
        self.learn_spelling();
        std::mem::take(&mut self.has_learned).then(|| self.learned())
    }

    /// The client finds this out by itself.
    fn learn_spelling(&mut self) {
        if self.client.sends_charset() {
            self.learn(ServerTrait::ContentCharset);
        }
        if self.client.sends_numbers() {
            self.learn(ServerTrait::NumericValues);
        }
    }

    pub(super) fn style(&self) -> AttributeStyle {
        let style = AttributeStyle::new(&self.profile, self.client.version());
        match self.has(ServerTrait::NoAddAttribute) {
            // A link cannot be made together with the key, when its other end is not known yet.
            true => style.without_link(),
            false => style,
        }
    }

    /// Makes an object, and activates it in the same message where the server can do that.
    pub(super) fn create<'a, R>(
        &mut self,
        request: R,
        id_of: impl Fn(R::Response<'static>) -> UniqueIdentifier<'static>,
    ) -> Result<Created, Error>
    where
        R: OperationRequest<'a> + Clone,
    {
        let tries_both = !self.has(ServerTrait::SeparateActivate) && self.batch_size() > 1;
        if tries_both {
            let batch = (request.clone(), ActivateRequest::default());
            let (created, activated) = self.client.call_batch(batch)?;
            match created {
                Ok(response) => {
                    return Ok(Created {
                        id: id_of(response),
                        is_active: activated.is_ok(),
                    });
                }
                // Nothing was made, so it can be tried again.
                Err(error) if is_refusal(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let id = id_of(self.client.call(request)?);
        if tries_both {
            self.learn(ServerTrait::SeparateActivate);
        }
        Ok(Created {
            id,
            is_active: false,
        })
    }

    /// An object was activated by its identifier, which tells something only where both could have
    /// been one message.
    pub(super) fn learn_separate_activate(&mut self) {
        if self.batch_size() > 1 {
            self.learn(ServerTrait::SeparateActivate);
        }
    }

    /// Activates an object that was made before, if it is not active yet.
    pub(super) fn activate(&mut self, created: &Created) -> Result<(), Error> {
        if !created.is_active {
            self.client.activate(created.id.clone())?;
            self.learn_separate_activate();
        }
        Ok(())
    }

    /// Performs several operations, in as few messages as server and profile allow.
    pub(super) fn send(
        &mut self,
        mut requests: Vec<RequestPayload<'static>>,
        on_error: BatchErrorContinuationOption,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let mut results = Vec::with_capacity(requests.len());
        while !requests.is_empty() {
            let rest = requests.split_off(self.batch_size().min(requests.len()));
            results.extend(self.send_batch(requests, on_error)?);
            requests = rest;
            if stops(&results, on_error) {
                break;
            }
        }
        Ok(results)
    }

    fn batch_size(&self) -> usize {
        match self.has(ServerTrait::NoBatches) {
            true => 1,
            false => self.profile.batch_size,
        }
    }

    /// In one message, or one by one if the server refuses that.
    fn send_batch(
        &mut self,
        requests: Vec<RequestPayload<'static>>,
        on_error: BatchErrorContinuationOption,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let mut batch = Batch::new().on_error(on_error);
        for request in &requests {
            batch.push(request.clone());
        }
        let results = self.client.send_batch(batch)?;
        if requests.len() == 1 || !refuses_all(&results) {
            return Ok(results);
        }
        let mut results = Vec::with_capacity(requests.len());
        for request in requests {
            results.extend(self.client.send_batch(Batch::new().with(request))?);
            if stops(&results, on_error) {
                break;
            }
        }
        if results.first().is_some_and(Result::is_ok) {
            self.learn(ServerTrait::NoBatches);
        }
        Ok(results)
    }

    /// The next of several results in its own type.
    pub(super) fn next<T: TryFrom<ResponsePayload<'static>>>(
        &self,
        results: &mut impl Iterator<Item = ItemResult<ResponsePayload<'static>>>,
    ) -> Result<T, Error> {
        let server = self.client.server().to_owned();
        match results.next() {
            None => Err(Error::new(server, None, Problem::NotProcessed)),
            Some(Err(error)) => Err(error),
            Some(Ok(payload)) => T::try_from(payload)
                .map_err(|_| Error::new(server, None, Problem::Response(ResponseFault::Payload))),
        }
    }
}

/// Whether the server refuses a request for its form rather than for what it is about.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.failure().is_some() && !error.is_not_found() && !error.is_permission_denied()
}

/// Whether nothing is to be done after the last of these results.
fn stops(
    results: &[ItemResult<ResponsePayload<'static>>],
    on_error: BatchErrorContinuationOption,
) -> bool {
    on_error == BatchErrorContinuationOption::STOP && results.last().is_some_and(Result::is_err)
}

/// Whether not even the first of several operations was performed.
fn refuses_all(results: &[ItemResult<ResponsePayload<'static>>]) -> bool {
    results.iter().all(Result::is_err)
        && matches!(results.first(), Some(Err(error)) if is_refusal(error))
}
