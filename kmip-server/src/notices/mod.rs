//! What the server tells clients without being asked: Put for new objects, Notify for changed attributes
//! (KMIP 1.4, 5.1 and 5.2; 2.1, 6.2.2 and 6.2.3).

mod network;

use kmip::types::{
    Attribute, AttributeValue, Attributes, IntoOwned, ManagedObject, NotifyRequest,
    ProtocolVersion, PutFunction, PutRequest, RequestMessage, Tag, UniqueIdentifier,
};

use crate::attributes::visible;
use crate::object::StoredObject;
use crate::operations::{may_leave, replaced};

pub use network::{NetworkNotices, NoticeError, Recipient};

/// Takes requests to clients.
pub trait Notices: Send + Sync {
    /// Sends a request to the client that an object belongs to. Called once the change is permanent,
    /// from the thread that answers the client: what takes long is done elsewhere.
    fn send(&self, owner: &str, request: RequestMessage<'static>);
}

/// What changes in a transaction, as far as a client is to be told.
#[derive(Default)]
pub(crate) struct Changes {
    new: Vec<(StoredObject, ManagedObject<'static>)>,
    /// Objects before and after they were changed.
    changed: Vec<(StoredObject, StoredObject)>,
}

impl Changes {
    /// There is a new object.
    pub(crate) fn add(&mut self, object: &StoredObject, content: &ManagedObject<'static>) {
        self.new.push((object.clone(), content.clone()));
    }

    /// Whether what an object was before the transaction is known.
    pub(crate) fn knows(&self, identifier: &str) -> bool {
        let new = self.new.iter().map(|(object, _)| object);
        let changed = self.changed.iter().map(|(before, _)| before);
        new.chain(changed)
            .any(|object| object.identifier == identifier)
    }

    /// An object changes for the first time in the transaction.
    pub(crate) fn change(&mut self, before: StoredObject) {
        self.changed.push((before.clone(), before));
    }

    /// An object is now so.
    pub(crate) fn note(&mut self, object: &StoredObject) {
        let same = |own: &&mut StoredObject| own.identifier == object.identifier;
        let new = self.new.iter_mut().map(|(own, _)| own);
        let changed = self.changed.iter_mut().map(|(_, after)| after);
        if let Some(own) = new.chain(changed).find(same) {
            *own = object.clone();
        }
    }

    /// Tells the client all of it.
    pub(crate) fn send(self, notices: &dyn Notices, version: ProtocolVersion) {
        for (object, content) in self.new {
            if may_leave(&object, &content) {
                let request = put(&object, content, version);
                notices.send(&object.owner, RequestMessage::single(version, request));
            }
        }
        for (before, after) in self.changed {
            if let Some(request) = notify(&before, &after, version) {
                notices.send(&after.owner, RequestMessage::single(version, request));
            }
        }
    }
}

fn put(
    object: &StoredObject,
    content: ManagedObject<'static>,
    version: ProtocolVersion,
) -> PutRequest<'static> {
    let replaced = replaced(object).map(UniqueIdentifier::from);
    PutRequest {
        unique_identifier: object.unique_identifier(),
        put_function: match replaced {
            Some(_) => PutFunction::REPLACE,
            None => PutFunction::NEW,
        },
        replaced_unique_identifier: replaced,
        managed_object: content,
        attributes: Some(visible(&object.attributes, &[], version)),
        ..PutRequest::default()
    }
}

/// The attributes that have another value now, and those that are gone. `None` if there are none.
fn notify(
    before: &StoredObject,
    after: &StoredObject,
    version: ProtocolVersion,
) -> Option<NotifyRequest<'static>> {
    let was = visible(&before.attributes, &[], version);
    let is = visible(&after.attributes, &[], version);
    let changed = missing_in(&is, &was);
    let gone: Vec<_> = missing_in(&was, &is)
        .into_iter()
        .map(|attribute| attribute.reference().into_owned())
        .filter(|gone| !is.iter().any(|own| own.reference() == *gone))
        .collect();
    if changed.is_empty() && gone.is_empty() {
        return None;
    }
    let mut told = changed;
    let date = after.attributes.value(Tag::LAST_CHANGE_DATE);
    told.extend(date.cloned().map(Attribute::from));
    let mut request = NotifyRequest {
        unique_identifier: after.unique_identifier(),
        ..NotifyRequest::default()
    };
    match version >= ProtocolVersion::V2_0 {
        true => request.attribute_reference = gone,
        // An attribute that is gone has no value.
        false => told.extend(
            gone.into_iter()
                .map(|gone| AttributeValue::Absent(gone).into()),
        ),
    }
    request.attributes = Some(Attributes::from(told));
    Some(request)
}

/// Attributes that come and go with the use of an object and are no news.
const BY_USE: [Tag; 3] = [Tag::LAST_CHANGE_DATE, Tag::FRESH, Tag::USAGE_LIMITS];

fn missing_in(these: &Attributes<'static>, those: &Attributes<'_>) -> Vec<Attribute<'static>> {
    let news = |own: &&Attribute<'_>| {
        !own.value.tag().is_some_and(|tag| BY_USE.contains(&tag))
            && !those.iter().any(|other| other.value == own.value)
    };
    these.iter().filter(news).cloned().collect()
}
