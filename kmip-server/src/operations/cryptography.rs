//! What the operations that use keys have in common.

use kmip::server::Failure;
use kmip::types::{
    CryptographicParameters, CryptographicUsageMask, Data, IntoOwned, ManagedObject, Operation,
    ResultReason, UniqueIdentifier, ValidityIndicator,
};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::object::StoredObject;
use crate::refusal;
use crate::streams::{Stream, Work, collect};

/// A key that may be used as a client wants to.
pub(super) struct UsableKey {
    pub(super) object: StoredObject,
    pub(super) content: ManagedObject<'static>,
    /// Those of the request, or else the first ones among the attributes of the key.
    pub(super) parameters: CryptographicParameters<'static>,
}

/// A use of a key.
pub(super) struct Use<'u> {
    pub(super) usage: CryptographicUsageMask,
    /// Whether data is protected, for which a key must be active, or processed.
    pub(super) protects: bool,
    pub(super) parameters: Option<&'u CryptographicParameters<'u>>,
    /// Bytes that count for Usage Limits, if the use counts.
    pub(super) bytes: Option<usize>,
}

impl<'u> Use<'u> {
    /// The same use with so much data, which counts if it is protected.
    pub(super) fn of(&self, data: &[u8]) -> Use<'u> {
        Use {
            bytes: self.protects.then_some(data.len()),
            ..*self
        }
    }
}

/// Which key is meant.
#[derive(Clone, Copy)]
pub(super) enum Key<'k> {
    /// That of the request.
    Given(Option<&'k UniqueIdentifier<'k>>),
    /// That with which a stream was begun.
    Known(&'k str),
}

impl UsableKey {
    /// Finds the key and checks that it may be used.
    ///
    /// # Errors
    /// If there is none, or its state, its Cryptographic Usage Mask or its Usage Limits do not
    /// allow it.
    pub(super) fn new(
        context: &Context<'_>,
        key: Key<'_>,
        wanted: &Use<'_>,
    ) -> Result<Self, Failure> {
        // By itself, since what streams have so far is not there for another attempt.
        context.repeated(|| UsableKey::find(context, key, wanted))
    }

    fn find(context: &Context<'_>, key: Key<'_>, wanted: &Use<'_>) -> Result<Self, Failure> {
        let version = context.version();
        let mut objects = context.begin()?;
        let mut object = match key {
            Key::Given(given) => objects.get_online(given)?,
            Key::Known(identifier) => objects.by_identifier(identifier)?,
        };
        let content = objects.content(&object)?;
        match wanted.protects {
            true => object.check_protects(version, context.now)?,
            false => object.check_processes(version, context.now)?,
        }
        if !object.allows(wanted.usage, version) {
            let usage = wanted.usage;
            let message = format!("the key `{}` may not {usage:?}", object.identifier);
            return Err(refusal::wrong_usage(version, message));
        }
        if let Some(bytes) = wanted.bytes {
            // Last of what can refuse it: what is counted is used.
            if objects.count(&mut object, context.operation(), bytes)? {
                objects.commit()?;
            }
        }
        let given = wanted.parameters.cloned().map(IntoOwned::into_owned);
        let own = || object.attributes.cryptographic_parameters().cloned();
        let parameters = given.or_else(own).unwrap_or_default();
        Ok(UsableKey {
            object,
            content,
            parameters,
        })
    }
}

/// Where in a stream a request stands.
#[derive(Clone, Copy)]
pub(super) struct Piece<'p> {
    pub(super) correlation: Option<&'p [u8]>,
    pub(super) init: bool,
    pub(super) last: bool,
}

impl<'p> Piece<'p> {
    pub(super) fn new(
        correlation: Option<&'p [u8]>,
        init: Option<bool>,
        last: Option<bool>,
    ) -> Self {
        Piece {
            correlation,
            init: init == Some(true),
            last: last == Some(true),
        }
    }

    /// Whether more is to come.
    pub(super) fn is_open(&self) -> bool {
        !self.last && (self.init || self.correlation.is_some())
    }
}

/// Where in a stream a request stands: the requests of all operations have the same fields for it.
macro_rules! piece_of {
    ($request:expr) => {
        $crate::operations::cryptography::Piece::new(
            $request.correlation_value.as_deref(),
            $request.init_indicator,
            $request.final_indicator,
        )
    };
}
pub(super) use piece_of;

/// Data that was collected, or awaits more.
pub(super) enum Collected {
    /// All of it, and the stream that it came in if it was one.
    Complete(Zeroizing<Vec<u8>>, Option<Box<Stream>>),
    /// There is more to come with this Correlation Value.
    Open(Vec<u8>),
}

/// Collects data that is processed only when it is complete. `begin` tells about a new stream the
/// key and the parameters.
pub(super) fn gather(
    context: &Context<'_>,
    operation: Operation,
    piece: &Piece<'_>,
    data: &[u8],
    begin: impl FnOnce() -> Result<(Option<String>, CryptographicParameters<'static>), Failure>,
) -> Result<Collected, Failure> {
    let owner = context.owner();
    let mut stream = match piece.correlation {
        Some(correlation) => context
            .volatile
            .streams
            .take(correlation, owner, operation)?,
        None if !piece.is_open() => {
            return Ok(Collected::Complete(Zeroizing::new(data.to_vec()), None));
        }
        None => {
            let (object, parameters) = begin()?;
            Stream {
                owner: owner.to_owned(),
                operation,
                object,
                parameters,
                work: Work::Collected(Zeroizing::new(Vec::new())),
            }
        }
    };
    let Work::Collected(collected) = &mut stream.work else {
        return Err(Failure::internal());
    };
    collect(collected, data)?;
    if piece.is_open() {
        return Ok(Collected::Open(context.volatile.streams.keep(stream)?));
    }
    let all = std::mem::take(collected);
    Ok(Collected::Complete(all, Some(Box::new(stream))))
}

/// As [`gather`], for an operation with a key, which is checked at the begin.
///
/// # Errors
/// If the key may not be used so, or the data does not fit together.
pub(super) fn collect_with_key(
    context: &Context<'_>,
    operation: Operation,
    piece: &Piece<'_>,
    data: &[u8],
    given: Option<&UniqueIdentifier<'_>>,
    wanted: &Use<'_>,
) -> Result<Collected, Failure> {
    gather(context, operation, piece, data, || {
        let key = UsableKey::new(context, Key::Given(given), wanted)?;
        Ok((Some(key.object.identifier), key.parameters))
    })
}

/// The key when the data is complete: for a stream, the one it was begun with, with the parameters it
/// was begun with.
///
/// # Errors
/// If the key may not be used so, or no longer.
pub(super) fn again(
    context: &Context<'_>,
    stream: Option<Box<Stream>>,
    given: Option<&UniqueIdentifier<'_>>,
    wanted: &Use<'_>,
) -> Result<UsableKey, Failure> {
    let Some(stream) = stream else {
        return UsableKey::new(context, Key::Given(given), wanted);
    };
    let object = stream.object.as_deref().unwrap_or_default();
    let key = UsableKey::new(context, Key::Known(object), wanted)?;
    Ok(UsableKey {
        parameters: stream.parameters,
        ..key
    })
}

/// The identifier in the answer to a piece of a stream.
pub(super) fn named(given: Option<&UniqueIdentifier<'_>>) -> UniqueIdentifier<'static> {
    let given = given.cloned().map(IntoOwned::into_owned);
    given.unwrap_or_default()
}

/// The bytes of Data, which may be missing in a stream.
///
/// # Errors
/// If it refers to data of another batch item.
pub(super) fn bytes<'d>(data: Option<&'d Data<'_>>) -> Result<&'d [u8], Failure> {
    match data {
        None => Ok(&[]),
        Some(data) => data
            .as_bytes()
            .ok_or_else(|| refusal::not_supported("data of other batch items is not referred to")),
    }
}

/// As [`bytes`], outside of a stream.
///
/// # Errors
/// If it is missing or refers to data of another batch item.
pub(super) fn required<'d>(
    data: Option<&'d Data<'_>>,
    piece: &Piece<'_>,
) -> Result<&'d [u8], Failure> {
    // The first and the last piece of a stream need none (KMIP 2.1, 6.1).
    let may_be_absent = piece.correlation.is_some() || piece.init || piece.last;
    if data.is_none() && !may_be_absent {
        let reason = ResultReason::INVALID_MESSAGE;
        return Err(Failure::new(reason, "the data is missing"));
    }
    bytes(data)
}

/// Validity Indicator.
pub(super) fn validity(valid: bool) -> ValidityIndicator {
    match valid {
        true => ValidityIndicator::VALID,
        false => ValidityIndicator::INVALID,
    }
}
