//! Tickets that Login gives and that stand for a client afterwards (KMIP 2.1, 6.1.14, 6.1.26, 6.1.27
//! and 9.11).

use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::codec::{Item, Options, RawValue};
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    DateTime, Interval, IntoOwned, Operation, ProtocolVersion, RequestPayload, ResultReason, Right,
    Rights, Secret, Tag, Ticket, TicketType, UsageLimits, UsageLimitsUnit,
};
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::refusal;

/// How many tickets may be out at a time. More are refused.
const MOST: usize = 4096;

/// The tickets that are out.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    out: Mutex<Vec<Issued>>,
}

#[derive(Debug)]
struct Issued {
    value: Secret<'static>,
    grant: Grant,
}

/// What a ticket is good for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// The client that it stands for.
    pub(crate) owner: String,
    /// When it ends.
    pub(crate) until: Option<DateTime>,
    /// For how many requests it still is.
    pub(crate) requests: Option<u32>,
    /// What it allows, if not all that the client may.
    pub(crate) rights: Option<Rights<'static>>,
    /// How much may be protected with keys.
    pub(crate) usage: Option<UsageLimits<'static>>,
}

/// The limits of a ticket as a request gives them.
pub(crate) struct Limits<'l> {
    pub(crate) lease: Option<Interval>,
    pub(crate) requests: Option<i32>,
    pub(crate) usage: Option<&'l UsageLimits<'l>>,
}

impl Grant {
    /// A grant with the limits of a request, where zero means none.
    ///
    /// # Errors
    /// If the number of requests or the total of usage limits is negative.
    pub(crate) fn new(
        owner: &str,
        limits: &Limits<'_>,
        rights: Option<&Rights<'_>>,
        now: DateTime,
    ) -> Result<Self, Failure> {
        let requests = limits.requests.map(u32::try_from).transpose();
        let requests =
            requests.map_err(|_| refusal::invalid_field("the Request Count is negative"))?;
        let mut rights = rights.cloned().map(IntoOwned::into_owned);
        let mut usage = limits.usage.cloned().map(IntoOwned::into_owned);
        let of_rights = rights.iter_mut().flat_map(|rights| &mut rights.right);
        let of_rights = of_rights.filter_map(|right| right.usage_limits.as_mut());
        for limits in of_rights.chain(&mut usage) {
            if limits.usage_limits_total < 0 {
                return Err(refusal::invalid_field("the Usage Limits Total is negative"));
            }
            // Nothing is used yet, whatever the client says.
            limits.usage_limits_count = Some(limits.usage_limits_total);
        }
        let lease = limits.lease.filter(|lease| lease.0 > 0);
        Ok(Grant {
            owner: owner.to_owned(),
            until: lease.map(|lease| DateTime(now.0.saturating_add(lease.0.into()))),
            requests: requests.filter(|requests| *requests > 0),
            rights,
            usage,
        })
    }

    /// Whether the ticket is good for less than the client itself.
    pub(crate) fn is_limited(&self) -> bool {
        self.until.is_some()
            || self.requests.is_some()
            || self.rights.is_some()
            || self.usage.is_some()
    }

    /// Whether the grant allows an operation on an object, or on none.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn check(&self, operation: Operation, object: Option<&str>) -> Result<(), Failure> {
        let Some(rights) = &self.rights else {
            return Ok(());
        };
        match rights
            .right
            .iter()
            .any(|right| covers(right, operation, object))
        {
            true => Ok(()),
            false => Err(Failure::new(
                ResultReason::NOT_AUTHORISED,
                "the ticket does not allow this",
            )),
        }
    }
}

/// Whether a right covers an operation. What a right does not name it does not restrict; groups, which are
/// not looked at, count as covering nothing.
fn covers(right: &Right<'_>, operation: Operation, object: Option<&str>) -> bool {
    let operations = right.operations.as_ref();
    let named = operations.is_none_or(|operations| operations.operation.contains(&operation));
    let objects = right.objects.as_ref().is_none_or(|objects| {
        let mut identifiers = objects.unique_identifier.iter();
        identifiers.any(|identifier| object.is_some() && identifier.as_text() == object)
    });
    named && objects && right.object_groups.is_none()
}

/// What is left of limits after a use with so much data. `None` if it is too much.
fn left_after(limits: &UsageLimits<'_>, bytes: usize) -> Option<i64> {
    let used = match limits.usage_limits_unit {
        UsageLimitsUnit::BYTE => i64::try_from(bytes).unwrap_or(i64::MAX),
        _ => 1,
    };
    let left = limits.usage_limits_count.unwrap_or_default();
    left.checked_sub(used).filter(|left| *left >= 0)
}

impl Tickets {
    /// Gives out a ticket.
    ///
    /// # Errors
    /// If too many are out, or there are no random numbers.
    pub(crate) fn issue(&self, grant: Grant, now: DateTime) -> Result<Ticket<'static>, Failure> {
        let value = Secret::owned(random(32)?.to_vec());
        let mut out = self.lock();
        out.retain(|issued| issued.grant.until.is_none_or(|until| now < until));
        if out.len() >= MOST {
            let message = "too many tickets are out; log out where they are not needed";
            return Err(Failure::new(ResultReason::GENERAL_FAILURE, message));
        }
        out.push(Issued {
            value: value.clone(),
            grant,
        });
        Ok(Ticket {
            ticket_type: TicketType::LOGIN,
            ticket_value: value,
            ..Ticket::default()
        })
    }

    /// What a ticket is good for, counting the request.
    ///
    /// # Errors
    /// If it was not given out, has ended or is used up.
    pub(crate) fn redeem(&self, ticket: &Ticket<'_>, now: DateTime) -> Result<Grant, Failure> {
        let mut out = self.lock();
        let same = |issued: &Issued| issued.value == ticket.ticket_value;
        let at = out.iter().position(same).ok_or_else(|| {
            let reason = ResultReason::INVALID_TICKET;
            Failure::new(
                reason,
                "the ticket was not given out by this server, or has ended",
            )
        })?;
        let grant = out[at].grant.clone();
        if grant.until.is_some_and(|until| until <= now) {
            out.remove(at);
            return Err(Failure::new(
                ResultReason::INVALID_TICKET,
                "the ticket has ended",
            ));
        }
        match &mut out[at].grant.requests {
            Some(0) => {
                let reason = ResultReason::USAGE_LIMIT_EXCEEDED;
                return Err(Failure::new(reason, "the ticket is used up"));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(grant)
    }

    /// What a ticket of a message that was let in is good for.
    ///
    /// # Errors
    /// If it has ended meanwhile.
    pub(crate) fn grant(&self, ticket: &Ticket<'_>) -> Result<Grant, Failure> {
        let out = self.lock();
        let mut found = out.iter();
        let found = found.find(|issued| issued.value == ticket.ticket_value);
        let grant = found.map(|issued| issued.grant.clone());
        grant.ok_or_else(|| Failure::new(ResultReason::INVALID_TICKET, "the ticket has ended"))
    }

    /// Counts that data is protected with a key for whoever has a ticket: of the ticket, and of the first
    /// right that allows it and has as much left.
    ///
    /// # Errors
    /// If less is left, or the ticket has ended.
    pub(crate) fn consume(
        &self,
        ticket: &Ticket<'_>,
        operation: Operation,
        key: &str,
        bytes: usize,
    ) -> Result<(), Failure> {
        let mut out = self.lock();
        let mut issued = out.iter_mut();
        let issued = issued.find(|issued| issued.value == ticket.ticket_value);
        let ended = || Failure::new(ResultReason::INVALID_TICKET, "the ticket has ended");
        let grant = &mut issued.ok_or_else(ended)?.grant;
        let used_up = || {
            let reason = ResultReason::USAGE_LIMIT_EXCEEDED;
            Failure::new(reason, "the Usage Limits of the ticket are reached")
        };
        let usage = match &grant.usage {
            Some(limits) => Some(left_after(limits, bytes).ok_or_else(used_up)?),
            None => None,
        };
        if let Some(rights) = &mut grant.rights {
            let mut rights = rights.right.iter_mut();
            let right = rights.find(|right| {
                let enough = right.usage_limits.as_ref();
                let enough = enough.is_none_or(|limits| left_after(limits, bytes).is_some());
                enough && covers(right, operation, Some(key))
            });
            if let Some(limits) = &mut right.ok_or_else(used_up)?.usage_limits {
                limits.usage_limits_count = left_after(limits, bytes);
            }
        }
        if let Some(limits) = &mut grant.usage {
            limits.usage_limits_count = usage;
        }
        Ok(())
    }

    /// Ends a ticket.
    ///
    /// # Errors
    /// If it was not given out to this client, or has ended.
    pub(crate) fn end(&self, ticket: &Ticket<'_>, owner: &str) -> Result<(), Failure> {
        let mut out = self.lock();
        let same =
            |issued: &Issued| issued.value == ticket.ticket_value && issued.grant.owner == owner;
        match out.iter().position(same) {
            Some(at) => {
                out.remove(at);
                Ok(())
            }
            None => {
                let reason = ResultReason::INVALID_TICKET;
                Err(Failure::new(reason, "there is no such ticket"))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Issued>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identifiers of all objects that a request names; one that is no text is empty.
///
/// # Errors
/// If the request cannot be looked through.
pub(crate) fn named_objects(
    request: &RequestPayload<'_>,
    version: ProtocolVersion,
) -> Result<Vec<String>, Failure> {
    let named = identifiers(request, Tag::REQUEST_PAYLOAD, version)?;
    Ok(named.into_iter().map(|one| one.identifier).collect())
}

/// An identifier in a payload, and where it stands.
pub(crate) struct Named {
    pub(crate) identifier: String,
    /// How many structures it is within, besides the payload.
    pub(crate) depth: usize,
    /// How many with its tag stand before it in its structure.
    pub(crate) position: usize,
}

/// As [`named_objects`], for the payload with this tag.
///
/// # Errors
/// If the payload cannot be looked through.
pub(crate) fn identifiers<'a>(
    payload: &impl Item<'a>,
    tag: Tag,
    version: ProtocolVersion,
) -> Result<Vec<Named>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let written = ttlv::encode_item(payload, tag, version, &mut bytes);
    written.map_err(|_| Failure::internal())?;
    let item = ttlv::decode_item::<RawValue<'_>>(&bytes, tag, version, &Options::default());
    let mut named = Vec::new();
    collect(&item.map_err(|_| Failure::internal())?, 0, &mut named);
    Ok(named)
}

fn collect(value: &RawValue<'_>, depth: usize, named: &mut Vec<Named>) {
    const IDENTIFIERS: [Tag; 3] = [
        Tag::UNIQUE_IDENTIFIER,
        Tag::PRIVATE_KEY_UNIQUE_IDENTIFIER,
        Tag::PUBLIC_KEY_UNIQUE_IDENTIFIER,
    ];
    let RawValue::Structure(items) = value else {
        return;
    };
    let mut before = [0; IDENTIFIERS.len()];
    for item in items {
        let Some(which) = IDENTIFIERS.iter().position(|tag| *tag == item.tag) else {
            collect(&item.value, depth + 1, named);
            continue;
        };
        named.push(Named {
            identifier: match &item.value {
                RawValue::TextString(text) => text.to_string(),
                _ => String::new(),
            },
            depth,
            position: before[which],
        });
        before[which] += 1;
    }
}
