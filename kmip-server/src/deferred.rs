//! Requests that are processed asynchronously (KMIP 1.4, 4.26, 4.27 and 6.7; 2.1, 6.1.5, 6.1.36 and
//! 9.2): the client asks for the result later.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::server::Failure;
use kmip::types::{Operation, ProtocolVersion, RequestPayload, ResponsePayload, ResultReason};

use crate::crypto::random;

/// How many may wait at a time, of all clients together. More are refused.
const MOST: usize = 1024;

/// The requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    waiting: Mutex<VecDeque<Request>>,
}

/// A request that waits.
#[derive(Debug)]
struct Request {
    correlation: Vec<u8>,
    owner: String,
    version: ProtocolVersion,
    progress: Progress,
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
            progress: Progress::Waiting(Box::new(payload)),
        });
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
    ) -> Result<Progress, Failure> {
        let mut waiting = self.lock();
        let same = |request: &Request| {
            request.correlation == correlation
                && request.owner == owner
                && request.version == version
        };
        let found = waiting.iter().position(same);
        let request = found.and_then(|at| waiting.remove(at));
        request.map(|request| request.progress).ok_or_else(|| {
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

    /// Keeps the result of a request that was taken.
    pub(crate) fn put_back(
        &self,
        correlation: &[u8],
        owner: &str,
        version: ProtocolVersion,
        progress: Progress,
    ) {
        self.lock().push_back(Request {
            correlation: correlation.to_owned(),
            owner: owner.to_owned(),
            version,
            progress,
        });
    }

    /// The oldest request of a client that is not yet performed. Whoever takes it performs it and
    /// puts the result back.
    pub(crate) fn next(
        &self,
        owner: &str,
        version: ProtocolVersion,
    ) -> Option<(Vec<u8>, Box<RequestPayload<'static>>)> {
        let mut waiting = self.lock();
        let due = |request: &Request| {
            request.owner == owner
                && request.version == version
                && matches!(request.progress, Progress::Waiting(_))
        };
        let at = waiting.iter().position(due)?;
        let request = waiting.remove(at)?;
        match request.progress {
            Progress::Waiting(payload) => Some((request.correlation, payload)),
            Progress::Done(..) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Request>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
