//! What a ticket is good for, and how that stands in the store.

use kmip::codec::Item;
use kmip::server::Failure;
use kmip::types::{
    DateTime, Interval, IntoOwned, Operation, ProtocolVersion, ResultReason, Right, Rights, Tag,
    UsageLimits,
};
use openssl::base64::{decode_block, encode_block};
use serde::{Deserialize, Serialize};

use crate::kept;
use crate::refusal;
use crate::usage_limits::left_after;

/// When a ticket ends for which no lease was asked, in seconds.
const DAY: i64 = 86_400;
/// No lease is longer, whatever is asked for, in seconds: what a client may do does not outlive for long that it
/// is let in.
const LONGEST: i64 = 7 * DAY;

/// What a ticket is good for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grant {
    /// The client that it stands for.
    pub(crate) owner: String,
    /// When it ends.
    pub(crate) until: DateTime,
    /// Where it is noted for whom the certificate stands with which the client has logged in, if the server
    /// has issued that.
    pub(crate) certificate: Option<String>,
    /// Whether it is good for less than the client itself.
    is_limited: bool,
    /// For how many requests it still is.
    pub(super) requests: Option<u32>,
    /// What it allows, if not all that the client may.
    rights: Option<Rights<'static>>,
    /// How much may be protected with keys.
    usage: Option<UsageLimits<'static>>,
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
        let requests = requests.filter(|requests| *requests > 0);
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
        let seconds = lease.map_or(DAY, |lease| i64::from(lease.0).min(LONGEST));
        let is_limited =
            lease.is_some() || requests.is_some() || rights.is_some() || usage.is_some();
        Ok(Grant {
            owner: owner.to_owned(),
            until: DateTime(now.0.saturating_add(seconds)),
            certificate: None,
            is_limited,
            requests,
            rights,
            usage,
        })
    }

    /// Whether the ticket is good for less than the client itself.
    pub(crate) fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Whether the grant allows an operation on an object, or on none.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn check(&self, operation: Operation, object: Option<&str>) -> Result<(), Failure> {
        let Some(rights) = &self.rights else {
            return Ok(());
        };
        let mut rights = rights.right.iter();
        match rights.any(|right| covers(right, operation, object)) {
            true => Ok(()),
            false => Err(Failure::new(
                ResultReason::NOT_AUTHORISED,
                "the ticket does not allow this",
            )),
        }
    }

    /// Counts that data is protected with a key: of the ticket, and of the first right that allows it and
    /// has as much left. `false` if nothing is counted.
    ///
    /// # Errors
    /// If less is left.
    pub(super) fn consume(
        &mut self,
        operation: Operation,
        key: &str,
        bytes: usize,
    ) -> Result<bool, Failure> {
        let used_up = || {
            let reason = ResultReason::USAGE_LIMIT_EXCEEDED;
            Failure::new(reason, "the Usage Limits of the ticket are reached")
        };
        let mut counts = false;
        if let Some(limits) = &mut self.usage {
            let left = left_after(limits, bytes).ok_or_else(used_up)?;
            limits.usage_limits_count = Some(left);
            counts = true;
        }
        if let Some(rights) = &mut self.rights {
            let mut rights = rights.right.iter_mut();
            let right = rights.find(|right| {
                let enough = right.usage_limits.as_ref();
                let enough = enough.is_none_or(|limits| left_after(limits, bytes).is_some());
                enough && covers(right, operation, Some(key))
            });
            if let Some(limits) = &mut right.ok_or_else(used_up)?.usage_limits {
                limits.usage_limits_count = left_after(limits, bytes);
                counts = true;
            }
        }
        Ok(counts)
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

/// A grant as it is stored. Structures of the protocol are in Base64 of their TTLV.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredGrant {
    owner: String,
    until: i64,
    limited: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rights: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    /// The password of the user, sealed with the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
}

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

impl StoredGrant {
    /// # Errors
    /// If what the client has given cannot be encoded.
    pub(super) fn new(grant: &Grant, password: Option<[u8; 32]>) -> Result<Self, Failure> {
        let (rights, usage) = (grant.rights.as_ref(), grant.usage.as_ref());
        Ok(StoredGrant {
            owner: grant.owner.clone(),
            until: grant.until.0,
            limited: grant.is_limited,
            certificate: grant.certificate.clone(),
            requests: grant.requests,
            rights: rights
                .map(|rights| written(rights, Tag::RIGHTS))
                .transpose()?,
            usage: usage
                .map(|usage| written(usage, Tag::USAGE_LIMITS))
                .transpose()?,
            password: password.map(|sealed| encode_block(&sealed)),
        })
    }

    /// # Errors
    /// If it is damaged.
    pub(super) fn grant(self) -> Result<Grant, Failure> {
        let read = |text: Option<String>| {
            let bytes = text.as_deref().map(decode_block).transpose();
            bytes.map_err(|_| Failure::internal())
        };
        let rights = read(self.rights)?
            .map(|bytes| kept::from_bytes::<Rights<'_>>(&bytes, Tag::RIGHTS, VERSION));
        let usage = read(self.usage)?
            .map(|bytes| kept::from_bytes::<UsageLimits<'_>>(&bytes, Tag::USAGE_LIMITS, VERSION));
        Ok(Grant {
            owner: self.owner,
            until: DateTime(self.until),
            certificate: self.certificate,
            is_limited: self.limited,
            requests: self.requests,
            rights: rights.transpose()?,
            usage: usage.transpose()?,
        })
    }
}

fn written<'a>(item: &impl Item<'a>, tag: Tag) -> Result<String, Failure> {
    Ok(encode_block(&kept::to_bytes(item, tag, VERSION)?))
}
