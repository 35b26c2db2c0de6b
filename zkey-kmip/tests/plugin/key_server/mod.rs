//! A key server in memory, on the engine of the library.

#![allow(dead_code)] // each test binary uses a part of it

mod objects;
mod wrapping;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::server::{Call, Engine, Failure, Handler, ServeOptions, Server, serve};
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip::types::*;
use openssl::x509::X509;
use test_support::Certified;

use objects::query;
use wrapping::{public_key, wrap};

/// What a test makes of the server.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    pub(crate) versions: Vec<ProtocolVersion>,
    pub(crate) vendor: String,
    /// Operations that fail, and why.
    pub(crate) refused: Vec<(Operation, ResultReason)>,
    /// Operations that Query does not tell.
    pub(crate) hidden: Vec<Operation>,
    /// Most identifiers that one Locate returns.
    pub(crate) locate_limit: usize,
    /// Locate tells how many identifiers it returns, not how many there are, and knows no offset.
    pub(crate) counts_answer: bool,
    /// Custom attributes must stand together.
    pub(crate) demands_runs: bool,
    /// What Get hands out is damaged.
    pub(crate) corrupts: bool,
    /// Get leaves out what it may.
    pub(crate) terse: bool,
    /// Messages with an operation that needs the ID Placeholder are refused as a whole.
    pub(crate) no_placeholder: bool,
    /// Messages with several items are refused.
    pub(crate) no_batches: bool,
    /// Get with both a key format and wrapping is refused for this reason.
    pub(crate) no_format: Option<ResultReason>,
    /// The wrapped key is in a structure.
    pub(crate) structured: bool,
    /// Delete Attribute by reference answers with success.
    pub(crate) lying_delete: bool,
    /// Locate ignores custom attributes, or refuses them.
    pub(crate) custom_locate: CustomLocate,
    /// Objects whose attributes are not told, and why not.
    pub(crate) unreadable: Vec<(String, ResultReason)>,
    /// Characters that each identifier is longer.
    pub(crate) long_ids: usize,
    /// A text that is blank is told as an empty one.
    pub(crate) trims: bool,
    /// What describes a public key is not kept.
    pub(crate) forgets_descriptions: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CustomLocate {
    Known,
    Ignored,
    Refused,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            versions: ProtocolVersion::ALL.to_vec(),
            vendor: "Test Server 1.0".to_owned(),
            refused: Vec::new(),
            hidden: Vec::new(),
            locate_limit: usize::MAX,
            counts_answer: false,
            demands_runs: false,
            corrupts: false,
            terse: false,
            no_placeholder: false,
            no_batches: false,
            no_format: None,
            structured: false,
            lying_delete: false,
            custom_locate: CustomLocate::Known,
            unreadable: Vec::new(),
            long_ids: 0,
            trims: false,
            forgets_descriptions: false,
        }
    }
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) attributes: Attributes<'static>,
    pub(crate) state: State,
    pub(crate) key: Vec<u8>,
    public: Option<PublicKey<'static>>,
}

impl Object {
    pub(crate) fn custom(&self, vendor: &str, name: &str) -> Option<String> {
        match self.attributes.custom(vendor, name)? {
            RawValue::TextString(text) => Some(text.clone().into_owned()),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    objects: BTreeMap<String, Object>,
    log: Vec<Operation>,
    messages: usize,
    /// Items of the current message that are still to come.
    open_items: i32,
    behaviour: Behaviour,
}

/// What server and test share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    state: Arc<Mutex<Shared>>,
    versions: Vec<ProtocolVersion>,
}

impl Store {
    pub(crate) fn with(behaviour: Behaviour) -> Store {
        let store = Store {
            versions: behaviour.versions.clone(),
            ..Store::default()
        };
        store.behave(|own| *own = behaviour);
        store
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap()
    }

    pub(crate) fn object(&self, id: &str) -> Option<Object> {
        self.lock().objects.get(id).cloned()
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Object> {
        self.lock().objects.clone()
    }

    /// The states of all AES keys.
    pub(crate) fn states_of_keys(&self) -> Vec<State> {
        let state = self.lock();
        let keys = state.objects.values().filter(|one| !one.key.is_empty());
        keys.map(|one| one.state).collect()
    }

    /// Makes a copy of an object with this identifier.
    pub(crate) fn copy(&self, id: &str, copy: &str) {
        let mut state = self.lock();
        let object = state.objects[id].clone();
        state.objects.insert(copy.to_owned(), object);
    }

    /// Brings the objects back to what [`Store::objects`] returned.
    pub(crate) fn restore(&self, objects: &BTreeMap<String, Object>) {
        self.lock().objects.clone_from(objects);
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Object)) {
        change(self.lock().objects.get_mut(id).unwrap());
    }

    /// Makes copies of an object.
    pub(crate) fn multiply(&self, id: &str, times: usize) {
        let mut state = self.lock();
        let object = state.objects[id].clone();
        for number in 0..times {
            state
                .objects
                .insert(format!("copy-{number}"), object.clone());
        }
    }

    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.lock().behaviour);
    }

    /// How many messages were answered since the last call.
    pub(crate) fn take_messages(&self) -> usize {
        std::mem::take(&mut self.lock().messages)
    }

    /// The operations since the last call.
    pub(crate) fn take_log(&self) -> Vec<Operation> {
        std::mem::take(&mut self.lock().log)
    }
}

/// A running server.
pub(crate) struct KeyServer {
    pub(crate) store: Store,
    server: Option<Server>,
}

impl KeyServer {
    /// Starts a server that trusts this client certificate.
    pub(crate) fn start(identity: &Certified, client: X509, behaviour: Behaviour) -> KeyServer {
        Self::start_with(identity, client, behaviour, ServeOptions::default())
    }

    pub(crate) fn start_with(
        identity: &Certified,
        client: X509,
        behaviour: Behaviour,
        options: ServeOptions,
    ) -> KeyServer {
        let identity =
            Identity::new(identity.key.clone(), identity.certificate.clone(), vec![]).unwrap();
        let tls = TlsAcceptor::new(ServerTls::new(identity).client_ca(client)).unwrap();
        let store = Store::with(behaviour);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Arc::new(Engine::new(store.clone()));
        let server = serve(listener, tls, engine, options).unwrap();
        KeyServer {
            store,
            server: Some(server),
        }
    }

    pub(crate) fn address(&self) -> String {
        self.server.as_ref().unwrap().address().to_string()
    }

    /// Waits until the server is done with all that clients have sent, who are gone.
    pub(crate) fn settle(&self) {
        let port = format!(":{:04X}", self.server.as_ref().unwrap().address().port());
        let is_open = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            let own = words.next().is_some_and(|local| local.ends_with(&port));
            // Established, or closed by the other end.
            own && matches!(words.nth(1), Some("01" | "08"))
        };
        while std::fs::read_to_string("/proc/self/net/tcp")
            .unwrap()
            .lines()
            .any(is_open)
        {
            std::thread::yield_now();
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown(Duration::ZERO);
        }
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the custom attributes are one run.
fn are_together(attributes: &Attributes<'_>) -> bool {
    let is_custom = |one: &Attribute<'_>| matches!(one.value, AttributeValue::Custom(_));
    let list = attributes.list.iter().map(is_custom);
    list.collect::<Vec<_>>()
        .split(|custom| !custom)
        .filter(|run| !run.is_empty())
        .count()
        <= 1
}

fn fail<T>(reason: ResultReason, text: &'static str) -> Result<T, Failure> {
    Err(Failure::new(reason, text))
}

impl Handler for Store {
    fn versions(&self) -> &[ProtocolVersion] {
        &self.versions
    }

    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let mut state = self.lock();
        let outcome = state.handle(call, request);
        let goes_on = Some(BatchErrorContinuationOption::CONTINUE);
        if outcome.is_err() && call.header().batch_error_continuation_option != goes_on {
            state.open_items = 0;
        }
        outcome
    }
}

impl Shared {
    fn handle(
        &mut self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let state = self;
        let items = call.header().batch_count;
        if state.open_items == 0 {
            state.messages += 1;
            state.open_items = items;
        }
        state.open_items -= 1;
        let operation = request.operation();
        state.log.push(operation);
        let refused = state.behaviour.refused.iter();
        if let Some((_, reason)) = refused.into_iter().find(|(one, _)| *one == operation) {
            return fail(*reason, "as the test says");
        }
        let makes = matches!(operation, Operation::CREATE | Operation::REGISTER);
        if items > 1 && (state.behaviour.no_batches || state.behaviour.no_placeholder && makes) {
            return fail(ResultReason::INVALID_MESSAGE, "one by one");
        }
        match request {
            RequestPayload::Query(_) => Ok(query(&state.behaviour).into()),
            RequestPayload::Create(create) => {
                let mut attributes = create.attributes.into_owned();
                if state.behaviour.demands_runs && !are_together(&attributes) {
                    return fail(ResultReason::INVALID_MESSAGE, "duplicate field `Attribute`");
                }
                let bits = attributes.iter().find_map(|one| match one.value {
                    AttributeValue::CryptographicLength(bits) => Some(bits),
                    _ => None,
                });
                let mut key = vec![0; bits.unwrap_or(256) as usize / 8];
                openssl::rand::rand_bytes(&mut key).unwrap();
                if attributes.values(Tag::SENSITIVE).next().is_some() {
                    attributes.push(Attribute::always_sensitive(true));
                }
                let id = state.insert(attributes, create.object_type, key, None);
                Ok(CreateResponse {
                    object_type: create.object_type,
                    unique_identifier: id.into(),
                    ..CreateResponse::default()
                }
                .into())
            }
            RequestPayload::Register(register) => {
                let Some(ManagedObject::PublicKey(public)) = register.managed_object else {
                    return fail(ResultReason::INVALID_FIELD, "no public key");
                };
                let mut attributes = register.attributes.into_owned();
                if state.behaviour.forgets_descriptions {
                    let is_description = |one: &Attribute<'_>| {
                        matches!(
                            one.value,
                            AttributeValue::Custom(_) | AttributeValue::Description(_)
                        )
                    };
                    attributes.list.retain(|one| !is_description(one));
                }
                let public = Some(public.into_owned());
                let id = state.insert(attributes, register.object_type, vec![], public);
                Ok(RegisterResponse {
                    unique_identifier: id.into(),
                    ..RegisterResponse::default()
                }
                .into())
            }
            RequestPayload::Activate(activate) => {
                let id = call.identify(activate.unique_identifier.as_ref())?;
                state.step(&id, &[State::PRE_ACTIVE], State::ACTIVE)?;
                Ok(ActivateResponse {
                    unique_identifier: id.into(),
                    ..ActivateResponse::default()
                }
                .into())
            }
            RequestPayload::Revoke(revoke) => {
                let id = call.identify(revoke.unique_identifier.as_ref())?;
                let code = revoke.revocation_reason.revocation_reason_code;
                if code == RevocationReasonCode::KEY_COMPROMISE {
                    if revoke.compromise_occurrence_date.is_none() {
                        return fail(ResultReason::MISSING_DATA, "since when?");
                    }
                    let from = [State::PRE_ACTIVE, State::ACTIVE, State::DEACTIVATED];
                    state.step(&id, &from, State::COMPROMISED)?;
                } else {
                    state.step(&id, &[State::ACTIVE], State::DEACTIVATED)?;
                }
                Ok(RevokeResponse {
                    unique_identifier: id.into(),
                    ..RevokeResponse::default()
                }
                .into())
            }
            RequestPayload::Destroy(destroy) => {
                let id = call.identify(destroy.unique_identifier.as_ref())?;
                let compromised = state.find(&id)?.state == State::COMPROMISED;
                let from = [State::PRE_ACTIVE, State::DEACTIVATED, State::COMPROMISED];
                let to = match compromised {
                    true => State::DESTROYED_COMPROMISED,
                    false => State::DESTROYED,
                };
                state.step(&id, &from, to)?;
                Ok(DestroyResponse {
                    unique_identifier: id.into(),
                    ..DestroyResponse::default()
                }
                .into())
            }
            RequestPayload::Get(get) => state.get(call, &get),
            RequestPayload::Locate(locate) => {
                let is_custom =
                    |one: &Attribute<'_>| matches!(one.value, AttributeValue::Custom(_));
                let refuses = state.behaviour.custom_locate == CustomLocate::Refused;
                if refuses && locate.attributes.iter().any(is_custom) {
                    return fail(ResultReason::INVALID_FIELD, "attribute is unsupported");
                }
                let mut response = state.locate(&locate);
                if call.version() < ProtocolVersion::V1_3 {
                    response.located_items = None;
                }
                Ok(response.into())
            }
            RequestPayload::GetAttributes(get) => {
                let trims = state.behaviour.trims;
                let id = call.identify(get.unique_identifier.as_ref())?;
                let mut unreadable = state.behaviour.unreadable.iter();
                if let Some((_, reason)) = unreadable.find(|(one, _)| *one == id) {
                    return fail(*reason, "as the test says");
                }
                let object = state.find(&id)?;
                let mut attributes = object.attributes.clone();
                attributes.push(Attribute::state(object.state));
                for attribute in &mut attributes.list {
                    if let AttributeValue::Custom(custom) = &mut attribute.value {
                        if trims && custom.value == RawValue::from(" ") {
                            custom.value = RawValue::from("");
                        }
                    }
                }
                let wanted = &get.attribute_reference;
                attributes
                    .list
                    .retain(|one| wanted.is_empty() || wanted.contains(&one.reference()));
                Ok(GetAttributesResponse {
                    unique_identifier: id.into(),
                    attributes,
                    ..GetAttributesResponse::default()
                }
                .into())
            }
            RequestPayload::AddAttribute(add) => {
                let id = call.identify(add.unique_identifier.as_ref())?;
                let attribute = add.new_attribute.unwrap().into_owned();
                let object = state.find(&id)?;
                let many = attribute.reference() == Tag::LINK.into();
                if !many && object.attributes.find(&attribute.reference()).is_some() {
                    return fail(ResultReason::INVALID_FIELD, "there already");
                }
                object.attributes.push(attribute.clone());
                Ok(AddAttributeResponse {
                    unique_identifier: id.into(),
                    attribute: (call.version() < ProtocolVersion::V2_0).then_some(attribute),
                    ..AddAttributeResponse::default()
                }
                .into())
            }
            RequestPayload::ModifyAttribute(modify) => {
                let id = call.identify(modify.unique_identifier.as_ref())?;
                let new = modify.new_attribute.into_owned();
                let current = modify.current_attribute;
                let object = state.find(&id)?;
                let mut list = object.attributes.list.iter_mut();
                let found = list.find(|one| match &current {
                    Some(current) => one.value == current.clone().into_owned().value,
                    None => one.reference() == new.reference(),
                });
                match found {
                    Some(one) => one.value = new.value.clone(),
                    None => return fail(ResultReason::ITEM_NOT_FOUND, "no such attribute"),
                }
                Ok(ModifyAttributeResponse {
                    unique_identifier: id.into(),
                    attribute: (call.version() < ProtocolVersion::V2_0).then_some(new),
                    ..ModifyAttributeResponse::default()
                }
                .into())
            }
            RequestPayload::DeleteAttribute(delete) => {
                let id = call.identify(delete.unique_identifier.as_ref())?;
                let by_reference = delete.current_attribute.is_none();
                let lies = state.behaviour.lying_delete && by_reference;
                let object = state.find(&id)?;
                if lies {
                    return Ok(DeleteAttributeResponse {
                        unique_identifier: id.into(),
                        ..DeleteAttributeResponse::default()
                    }
                    .into());
                }
                let place = object.attributes.iter().position(|one| {
                    let by_value = delete
                        .current_attribute
                        .as_ref()
                        .is_some_and(|current| current.clone().into_owned().value == one.value);
                    let by_name = delete.attribute_reference.as_ref() == Some(&one.reference())
                        && delete.attribute_index.unwrap_or_default()
                            == one.index.unwrap_or_default();
                    by_value || by_name
                });
                let Some(place) = place else {
                    return fail(ResultReason::ITEM_NOT_FOUND, "no such attribute");
                };
                let gone = object.attributes.list.remove(place);
                Ok(DeleteAttributeResponse {
                    unique_identifier: id.into(),
                    attribute: (call.version() < ProtocolVersion::V2_0).then_some(gone),
                    ..DeleteAttributeResponse::default()
                }
                .into())
            }
            RequestPayload::SetAttribute(set) => {
                let id = call.identify(set.unique_identifier.as_ref())?;
                let new = set.new_attribute.into_owned();
                let object = state.find(&id)?;
                object
                    .attributes
                    .list
                    .retain(|one| one.reference() != new.reference());
                object.attributes.push(new);
                Ok(SetAttributeResponse {
                    unique_identifier: id.into(),
                    ..SetAttributeResponse::default()
                }
                .into())
            }
            other => Err(Failure::operation_not_supported(other.operation())),
        }
    }
}
