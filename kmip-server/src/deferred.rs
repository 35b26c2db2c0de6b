//! Requests that are processed asynchronously (KMIP 1.4, 4.26, 4.27 and 6.7; 2.1, 6.1.5, 6.1.36 and
//! 9.2): the client asks for the result later.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::server::Failure;
use kmip::types::{
    AsynchronousRequest, DateTime, DateTimeExtended, Operation, ProcessingStage, ProtocolVersion,
    RequestPayload, ResponsePayload, ResultReason,
};

use crate::crypto::random;

/// How many may wait at a time, of all clients together. More are refused.
const MOST: usize = 1024;

/// The requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    waiting: Mutex<VecDeque<Request>>,
    /// How many are not yet performed. Changed under the lock, but looked at without it: each operation
    /// looks, mostly in vain, and would wait for a thread that is interrupted with the lock.
    due: AtomicUsize,
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) correlation: Vec<u8>,
    owner: String,
    version: ProtocolVersion,
    submitted: DateTime,
    pub(crate) progress: Progress,
}

impl Request {
    fn is_due(&self) -> bool {
        matches!(self.progress, Progress::Waiting(_))
    }
}

/// How far a request is.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is to be performed.
    Waiting(Box<RequestPayload<'static>>),
    /// It has been performed.
    Done(Operation, Result<Box<ResponsePayload<'static>>, Failure>),
}

impl Deferred {
    /// Keeps a request, and gives it an Asynchronous Correlation Value.
    ///
    /// # Errors
    /// If there are too many, or no random numbers.
    pub(crate) fn keep(
        &self,
        owner: &str,
        version: ProtocolVersion,
        now: DateTime,
        payload: RequestPayload<'static>,
    ) -> Result<Vec<u8>, Failure> {
        let correlation = random(16)?.to_vec();
        let mut waiting = self.lock();
        if waiting.len() >= MOST {
            let message = "too many asynchronous requests wait for their clients to poll";
            return Err(Failure::new(ResultReason::GENERAL_FAILURE, message));
        }
        waiting.push_back(Request {
            correlation: correlation.clone(),
            owner: owner.to_owned(),
            version,
            submitted: now,
            progress: Progress::Waiting(Box::new(payload)),
        });
        self.count(&waiting);
        Ok(correlation)
    }

    /// Takes a request of a client back.
    ///
    /// # Errors
    /// If it has no such request.
    pub(crate) fn take(
        &self,
        correlation: &[u8],
        owner: &str,
        version: ProtocolVersion,
    ) -> Result<Request, Failure> {
        let mut waiting = self.lock();
        let same = |request: &Request| {
            request.correlation == correlation
                && request.owner == owner
                && request.version == version
        };
        let found = waiting.iter().position(same);
        let request = found.and_then(|at| waiting.remove(at));
        self.count(&waiting);
        request.ok_or_else(|| {
            let reason = match version >= ProtocolVersion::V2_0 {
                true => ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
                false => ResultReason::ITEM_NOT_FOUND,
            };
            Failure::new(
                reason,
                "nothing waits with this Asynchronous Correlation Value",
            )
        })
    }

    /// Keeps a request that was taken.
    pub(crate) fn put_back(&self, request: Request) {
        let mut waiting = self.lock();
        waiting.push_back(request);
        self.count(&waiting);
    }

    /// What a client may be told of its requests.
    pub(crate) fn outstanding(&self, owner: &str) -> Vec<AsynchronousRequest<'static>> {
        let waiting = self.lock();
        let own = waiting.iter().filter(|request| request.owner == owner);
        own.map(|request| {
            let (operation, processing_stage) = match &request.progress {
                Progress::Waiting(payload) => (payload.operation(), ProcessingStage::SUBMITTED),
                Progress::Done(operation, _) => (*operation, ProcessingStage::COMPLETED),
            };
            AsynchronousRequest {
                asynchronous_correlation_value: request.correlation.clone().into(),
                operation,
                submission_date: DateTimeExtended(request.submitted.0.saturating_mul(1_000_000)),
                processing_stage,
                ..AsynchronousRequest::default()
            }
        })
        .collect()
    }

    /// The oldest request of a client that is not yet performed. Whoever takes it performs it and
    /// puts the result back.
    pub(crate) fn next(&self, owner: &str, version: ProtocolVersion) -> Option<Request> {
        if self.due.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut waiting = self.lock();
        let due = |request: &Request| {
            request.owner == owner && request.version == version && request.is_due()
        };
        let at = waiting.iter().position(due)?;
        let next = waiting.remove(at);
        self.count(&waiting);
        next
    }

    fn count(&self, waiting: &VecDeque<Request>) {
        let due = waiting.iter().filter(|request| request.is_due());
        self.due.store(due.count(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Request>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
