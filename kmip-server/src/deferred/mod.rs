//! Requests that are processed asynchronously (KMIP 1.4, 4.26, 4.27 and 6.7; 2.1, 6.1.5, 6.1.36 and
//! 9.2): the client asks for the result later. They are kept in the store, so that it can ask any server
//! that shares that.

mod entry;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::server::{Call, Failure, Polled};
use kmip::types::{
    AsynchronousRequest, CancellationResult, DateTime, DateTimeExtended, Operation,
    ProcessingStage, ProtocolVersion, RequestBatchItem, RequestPayload, ResponseBatchItem,
    ResponsePayload, ResultReason, ResultStatus, Tag,
};
use zeroize::Zeroizing;

use self::entry::{Entry, Stage};
use crate::kept::{self, KeptError, Lifetime, Shelf};
use crate::store::{Store, Transaction};

const SHELF: Shelf = Shelf {
    kind: "asynchronous-request",
    most: 256,
    full: "too many asynchronous requests wait for their client to poll",
};
/// How long a result is there for its client, in seconds.
const KEPT: i64 = 86_400;
/// How long a request may be under way, in seconds. After that, its server is taken to be gone.
const LONGEST: i64 = 600;
/// How many may wait that this server has accepted, of all clients together. More are refused.
const MOST: usize = 1024;
/// How many of them may be of one client. It may have no more in the store; but what another server has
/// performed and given to it is not there any more, and still waits here.
const SHARE: usize = MOST / 4;

/// What came out of a request.
pub(crate) type Outcome = Result<Box<ResponsePayload<'static>>, Failure>;

/// Where a request is kept. Only its client gets there, in the same version.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) owner: &'p str,
    pub(crate) version: ProtocolVersion,
    pub(crate) correlation: &'p [u8],
}

impl<'p> Place<'p> {
    /// Where a request of this client is kept.
    pub(crate) fn of(call: &'p Call<'_>, correlation: &'p [u8]) -> Self {
        Place {
            owner: call.user().unwrap_or_default(),
            version: call.version(),
            correlation,
        }
    }

    fn identifier(&self) -> String {
        let mut known_by =
            format!("{}:{}{}", self.owner.len(), self.owner, self.version).into_bytes();
        known_by.extend_from_slice(self.correlation);
        SHELF.place(&known_by)
    }

    fn unknown(&self) -> Failure {
        let reason = match self.version >= ProtocolVersion::V2_0 {
            true => ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
            false => ResultReason::ITEM_NOT_FOUND,
        };
        let message = "nothing waits with this Asynchronous Correlation Value";
        Failure::new(reason, message)
    }
}

/// The requests that this server has accepted and not begun to perform: of them it need not be reminded.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    waiting: Mutex<VecDeque<Waiting>>,
    /// How many they are. Changed under the lock, but looked at without it: each operation looks, mostly in
    /// vain, and would wait for a thread that is interrupted with the lock.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Waiting {
    owner: String,
    version: ProtocolVersion,
    correlation: Vec<u8>,
    submitted: DateTime,
}

impl Deferred {
    /// Takes note of a request.
    ///
    /// # Errors
    /// If there are too many, of the client or of all.
    pub(crate) fn note(&self, place: &Place<'_>, now: DateTime) -> Result<(), Failure> {
        let is_full = |waiting: &VecDeque<Waiting>| {
            let own = waiting.iter().filter(|one| one.owner == place.owner);
            waiting.len() >= MOST || own.count() >= SHARE
        };
        let mut waiting = self.lock();
        if is_full(&waiting) {
            waiting.retain(|one| !has_ended(one.submitted, now));
            self.count.store(waiting.len(), Ordering::Release);
        }
        if is_full(&waiting) {
            let message = "too many asynchronous requests wait to be performed";
            return Err(Failure::new(ResultReason::SERVER_LIMIT_EXCEEDED, message));
        }
        waiting.push_back(Waiting {
            owner: place.owner.to_owned(),
            version: place.version,
            correlation: place.correlation.to_vec(),
            submitted: now,
        });
        self.count.store(waiting.len(), Ordering::Release);
        Ok(())
    }

    /// A request is not to be performed any more.
    pub(crate) fn forget(&self, place: &Place<'_>) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut waiting = self.lock();
        // Only its client knows the correlation value, which is random.
        waiting.retain(|one| one.correlation != place.correlation || one.owner != place.owner);
        self.count.store(waiting.len(), Ordering::Release);
    }

    /// The oldest of a client. Whoever takes it performs it, if it still waits.
    pub(crate) fn next(&self, owner: &str, version: ProtocolVersion) -> Option<Vec<u8>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut waiting = self.lock();
        let due = |one: &Waiting| one.owner == owner && one.version == version;
        let at = waiting.iter().position(due)?;
        let next = waiting.remove(at);
        self.count.store(waiting.len(), Ordering::Release);
        next.map(|one| one.correlation)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request, or its result, is not there any more for its client, even if it is still in the store.
fn has_ended(submitted: DateTime, now: DateTime) -> bool {
    submitted.0.saturating_add(KEPT) <= now.0
}

/// Keeps a request until it is performed.
///
/// # Errors
/// If the client has too many, or the store is out of order.
pub(crate) fn keep(
    store: &dyn Store,
    place: &Place<'_>,
    now: DateTime,
    request: &RequestPayload<'_>,
) -> Result<(), KeptError> {
    let item = RequestBatchItem::new(request.clone());
    let entry = Entry {
        stage: Stage::Waiting,
        submitted: now,
        begun: now,
        operation: item.operation,
        correlation: place.correlation.to_vec(),
        item: kept::to_bytes(&item, Tag::BATCH_ITEM, place.version)?,
    };
    let lifetime = Lifetime {
        owner: place.owner,
        now,
        until: DateTime(now.0.saturating_add(KEPT)),
    };
    SHELF.clear(store, now)?;
    let mut transaction = store.begin()?;
    let (identifier, bytes) = (place.identifier(), entry.to_bytes());
    SHELF.put(&mut *transaction, &identifier, &lifetime, bytes)?;
    Ok(transaction.commit()?)
}

/// Takes a request that waits, in order to perform it: nobody else does so. `None` if there is none.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn begin(
    store: &dyn Store,
    place: &Place<'_>,
    now: DateTime,
) -> Result<Option<RequestPayload<'static>>, KeptError> {
    let waits = |found: Option<Entry>| found.filter(|entry| entry.stage == Stage::Waiting);
    // Each Poll looks for it, mostly in vain: nobody is to wait for that.
    let seen = Entry::current(&*store.view()?, place, now, false)?;
    if waits(seen).is_none() {
        return Ok(None);
    }
    let mut transaction = store.begin()?;
    let found = Entry::current(&*transaction, place, now, true)?;
    let Some(entry) = waits(found) else {
        return Ok(None);
    };
    let (tag, version) = (Tag::BATCH_ITEM, place.version);
    let item = kept::from_bytes::<RequestBatchItem<'_>>(&entry.item, tag, version)?;
    let request = item.request_payload;
    let begun = Entry {
        stage: Stage::Begun,
        begun: now,
        item: Zeroizing::default(),
        ..entry
    };
    begun.replace(&mut *transaction, place)?;
    transaction.commit()?;
    Ok(Some(request))
}

/// Keeps what came out of a request until its client asks for it.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn finish(
    store: &dyn Store,
    place: &Place<'_>,
    outcome: &Outcome,
) -> Result<(), KeptError> {
    let mut transaction = store.begin()?;
    let Some(entry) = Entry::find(&*transaction, place, true)? else {
        return Ok(());
    };
    let item = match outcome {
        Ok(payload) => ResponseBatchItem::success((**payload).clone()),
        Err(failure) => ResponseBatchItem {
            operation: Some(entry.operation),
            result_status: ResultStatus::OPERATION_FAILED,
            result_reason: Some(failure.reason()),
            result_message: Some(failure.message().to_owned().into()),
            ..ResponseBatchItem::default()
        },
    };
    let done = Entry {
        stage: Stage::Done,
        item: kept::to_bytes(&item, Tag::BATCH_ITEM, place.version)?,
        ..entry
    };
    done.replace(&mut *transaction, place)?;
    Ok(transaction.commit()?)
}

/// What came out of a request, which is given once, and only to who `may` perform the operation.
///
/// # Errors
/// If there is no such request, or the store is out of order.
pub(crate) fn poll(
    store: &dyn Store,
    place: &Place<'_>,
    now: DateTime,
    may: &dyn Fn(Operation) -> Result<(), Failure>,
) -> Result<Polled, KeptError> {
    let ended = |transaction: &dyn Transaction, to_change| {
        let entry = Entry::current(transaction, place, now, to_change)?;
        let entry = entry.ok_or_else(|| place.unknown())?;
        may(entry.operation)?;
        let is_lost = entry.stage == Stage::Begun && now.0.saturating_sub(entry.begun.0) > LONGEST;
        let ended = (entry.stage == Stage::Done || is_lost).then_some(entry);
        Ok::<_, KeptError>(ended)
    };
    // A client may ask often: nobody is to wait for that.
    if ended(&*store.view()?, false)?.is_none() {
        return Ok(Polled::Pending);
    }
    let mut transaction = store.begin()?;
    let Some(entry) = ended(&*transaction, true)? else {
        return Ok(Polled::Pending);
    };
    let outcome = match entry.stage {
        Stage::Done => entry.outcome(place.version)?,
        _ => {
            let message = "the server that had begun with it is gone: perhaps it was performed";
            Err(Failure::new(ResultReason::GENERAL_FAILURE, message))
        }
    };
    transaction.remove(&place.identifier())?;
    transaction.commit()?;
    Ok(Polled::Done {
        operation: entry.operation,
        outcome,
    })
}

/// Whether there is such a request.
///
/// # Errors
/// If there is not, or the store is out of order.
pub(crate) fn check(
    transaction: &dyn Transaction,
    place: &Place<'_>,
    now: DateTime,
) -> Result<(), KeptError> {
    let found = Entry::current(transaction, place, now, false)?;
    found.map(drop).ok_or_else(|| place.unknown().into())
}

/// Takes a request back that still waits.
///
/// # Errors
/// If there is no such request, or the store is out of order.
pub(crate) fn cancel(
    transaction: &mut dyn Transaction,
    place: &Place<'_>,
    now: DateTime,
) -> Result<CancellationResult, KeptError> {
    let entry = Entry::current(transaction, place, now, true)?;
    let entry = entry.ok_or_else(|| place.unknown())?;
    Ok(match entry.stage {
        Stage::Waiting => {
            transaction.remove(&place.identifier())?;
            CancellationResult::CANCELED
        }
        Stage::Begun => CancellationResult::UNABLE_TO_CANCEL,
        Stage::Done => CancellationResult::COMPLETED,
    })
}

/// Takes a request back that its client has not been told of.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn take_back(
    store: &dyn Store,
    place: &Place<'_>,
    now: DateTime,
) -> Result<(), KeptError> {
    let mut transaction = store.begin()?;
    cancel(&mut *transaction, place, now)?;
    Ok(transaction.commit()?)
}

/// What a client may be told of its requests, oldest first.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn outstanding(
    transaction: &dyn Transaction,
    owner: &str,
    now: DateTime,
) -> Result<Vec<AsynchronousRequest<'static>>, KeptError> {
    let mut all = Vec::new();
    for own in SHELF.places(transaction, owner)?.iter().rev() {
        let Some(bytes) = kept::read(transaction, &own.place)? else {
            continue;
        };
        let entry = Entry::from_bytes(bytes.expose()).ok_or_else(Failure::internal)?;
        if has_ended(entry.submitted, now) {
            continue;
        }
        let submitted = entry.submitted.0.saturating_mul(1_000_000);
        all.push(AsynchronousRequest {
            asynchronous_correlation_value: entry.correlation.into(),
            operation: entry.operation,
            submission_date: DateTimeExtended(submitted),
            processing_stage: match entry.stage {
                Stage::Waiting => ProcessingStage::SUBMITTED,
                Stage::Begun => ProcessingStage::IN_PROCESS,
                Stage::Done => ProcessingStage::COMPLETED,
            },
            ..AsynchronousRequest::default()
        });
    }
    Ok(all)
}
