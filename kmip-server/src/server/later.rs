//! Performing what clients have asked for asynchronously.

use kmip::server::{Call, Failure, Polled};
use kmip::types::{Operation, RequestPayload};

use super::{KeyServer, granted};
use crate::deferred::{self, Place};
use crate::journal;
use crate::tickets::Grant;

impl KeyServer {
    /// Performs what the client has asked this server for: at the latest before anything else that it asks
    /// for.
    pub(super) fn settle(&self, call: &Call<'_>) {
        let owner = call.user().unwrap_or_default();
        let deferred = &self.volatile.deferred;
        while let Some(correlation) = deferred.next(owner, call.version()) {
            // What goes wrong is told to the operator, and to the client when it polls.
            let _ = self.perform_deferred(call, &correlation);
        }
    }

    /// Performs a request that waits, whichever server has accepted it; others stay as they are. The batch of
    /// the call has no part in it: its objects are not meant, and it does not take back what is done here.
    pub(super) fn perform_deferred(
        &self,
        call: &Call<'_>,
        correlation: &[u8],
    ) -> Result<(), Failure> {
        let place = Place::of(call, correlation);
        let now = self.configuration.clock.now();
        let begun = self.kept(|| deferred::begin(&*self.store, &place, now))?;
        let Some(request) = begun else {
            return Ok(());
        };
        let call = &call.alone();
        let _aside = journal::Aside::begin();
        let outcome = self.recorded(call, request, |request| self.perform(call, request));
        let outcome = outcome.map(Box::new);
        self.kept(|| deferred::finish(&*self.store, &place, &outcome))
    }

    /// Keeps a request to perform it later, and gives it an Asynchronous Correlation Value.
    pub(super) fn keep_deferred(
        &self,
        call: &Call<'_>,
        request: &RequestPayload<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let correlation = crate::crypto::random(16)?.to_vec();
        let place = Place::of(call, &correlation);
        let now = self.configuration.clock.now();
        self.kept(|| deferred::keep(&*self.store, &place, now, request))?;
        // Not before it can be found: another call of the client may take the note at once.
        if let Err(full) = self.volatile.deferred.note(&place, now) {
            self.kept(|| deferred::take_back(&*self.store, &place, now))?;
            return Err(full);
        }
        Ok(correlation)
    }

    pub(super) fn poll_deferred(
        &self,
        call: &Call<'_>,
        correlation: &[u8],
    ) -> Result<Polled, Failure> {
        let grant = granted(&self.context(call, Operation::POLL))?;
        let may = |operation| match &grant {
            Some(grant) => grant.check(operation, None),
            None => Ok(()),
        };
        may(Operation::POLL)?;
        // What waits is done by the rights of the client.
        if !grant.as_ref().is_some_and(Grant::is_limited) {
            self.settle(call);
            // Another server may have accepted it.
            self.perform_deferred(call, correlation)?;
        }
        let place = Place::of(call, correlation);
        let now = self.configuration.clock.now();
        self.kept(|| deferred::poll(&*self.store, &place, now, &may))
    }
}
