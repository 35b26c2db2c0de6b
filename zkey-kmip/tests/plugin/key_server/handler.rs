//! What the server does with each request.

use kmip::ProtocolVersion;
use kmip::server::{Call, Failure, Handler, Peer};
use kmip::types::*;

use super::objects::query;
use super::{CustomLocate, Shared, Store};

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

pub(super) fn fail<T>(reason: ResultReason, text: &'static str) -> Result<T, Failure> {
    Err(Failure::new(reason, text))
}

impl Handler for Store {
    fn versions(&self) -> &[ProtocolVersion] {
        &self.versions
    }

    fn authenticate(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        let mut state = self.lock();
        state.credentials += usize::from(credentials.is_some());
        let Some((user, password)) = state.behaviour.credential else {
            return Ok(peer.common_name());
        };
        let expected = Credential::username_and_password(user, password.to_owned());
        match credentials {
            Some(given) if given.credential == [expected] => Ok(Some(user.to_owned())),
            _ => fail(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL, "who are you?"),
        }
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
                    unique_identifier: state.behaviour.tells_id.clone().unwrap_or(id.into()),
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
