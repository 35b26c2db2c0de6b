//! The objects of the server, and what Query, Locate and Get tell of them.

use kmip::server::{Call, Failure};
use kmip::types::*;

use super::handler::fail;
use super::wrapping::{public_key, wrap};
use super::{Behaviour, CustomLocate, Object, Shared};

pub(super) fn query(behaviour: &Behaviour) -> QueryResponse<'static> {
    let operations = [
        Operation::QUERY,
        Operation::DISCOVER_VERSIONS,
        Operation::CREATE,
        Operation::REGISTER,
        Operation::ACTIVATE,
        Operation::REVOKE,
        Operation::DESTROY,
        Operation::GET,
        Operation::LOCATE,
        Operation::GET_ATTRIBUTES,
        Operation::ADD_ATTRIBUTE,
        Operation::MODIFY_ATTRIBUTE,
        Operation::DELETE_ATTRIBUTE,
        Operation::SET_ATTRIBUTE,
    ];
    let is_told = |operation: &Operation| !behaviour.hidden.contains(operation);
    QueryResponse {
        operation: operations.into_iter().filter(is_told).collect(),
        object_type: vec![ObjectType::SYMMETRIC_KEY, ObjectType::PUBLIC_KEY],
        vendor_identification: Some(behaviour.vendor.clone().into()),
        ..QueryResponse::default()
    }
}

impl Shared {
    pub(super) fn insert(
        &mut self,
        mut attributes: Attributes<'static>,
        object_type: ObjectType,
        key: Vec<u8>,
        public: Option<PublicKey<'static>>,
    ) -> String {
        let filling = "x".repeat(self.behaviour.long_ids);
        let id = format!("id{filling}-{}", self.objects.len() + 1);
        attributes.push(Attribute::object_type(object_type));
        attributes.push(Attribute::unique_identifier(id.clone()));
        let object = Object {
            attributes,
            state: State::PRE_ACTIVE,
            key,
            public,
        };
        self.objects.insert(id.clone(), object);
        id
    }

    pub(super) fn find(&mut self, id: &str) -> Result<&mut Object, Failure> {
        match self.objects.get_mut(id) {
            Some(object) => Ok(object),
            None => fail(ResultReason::ITEM_NOT_FOUND, "no such object"),
        }
    }

    pub(super) fn step(&mut self, id: &str, from: &[State], to: State) -> Result<(), Failure> {
        let object = self.find(id)?;
        if !from.contains(&object.state) {
            return fail(ResultReason::WRONG_KEY_LIFECYCLE_STATE, "wrong state");
        }
        object.state = to;
        Ok(())
    }

    pub(super) fn locate(&self, locate: &LocateRequest<'_>) -> LocateResponse<'static> {
        let understands = self.behaviour.custom_locate == CustomLocate::Known;
        let fits = |object: &Object| {
            locate.attributes.iter().all(|wanted| match &wanted.value {
                AttributeValue::State(state) => object.state == *state,
                AttributeValue::Custom(_) if !understands => true,
                value => object.attributes.iter().any(|one| one.value == *value),
            })
        };
        let all: Vec<_> = self
            .objects
            .iter()
            .filter(|(_, object)| fits(object))
            .map(|(id, _)| id.clone())
            .collect();
        let counts = self.behaviour.counts_answer;
        let offset = locate.offset_items.filter(|_| !counts);
        let page = all.iter().skip(offset.unwrap_or_default() as usize);
        let page: Vec<_> = page.take(self.behaviour.locate_limit).collect();
        let located = if counts { page.len() } else { all.len() };
        LocateResponse {
            located_items: Some(located as i32),
            unique_identifier: page.into_iter().map(|id| id.clone().into()).collect(),
            ..LocateResponse::default()
        }
    }

    pub(super) fn get(
        &mut self,
        call: &Call<'_>,
        get: &GetRequest<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let id = call.identify(get.unique_identifier.as_ref())?;
        let object = self.find(&id)?;
        let mut key = object.key.clone();
        let bits = key.len() as i32 * 8;
        if let (Some(public), None) = (&object.public, &get.key_wrapping_specification) {
            return Ok(GetResponse {
                object_type: ObjectType::PUBLIC_KEY,
                managed_object: ManagedObject::PublicKey(public.clone()),
                unique_identifier: id.into(),
                ..GetResponse::default()
            }
            .into());
        }
        let Some(wrapping) = &get.key_wrapping_specification else {
            return fail(ResultReason::PERMISSION_DENIED, "not in the clear");
        };
        if let (Some(reason), Some(_)) = (self.behaviour.no_format, get.key_format_type) {
            return fail(reason, "it must be the default");
        }
        let Some(information) = wrapping.encryption_key_information.clone() else {
            return fail(ResultReason::MISSING_DATA, "no wrapping key");
        };
        let information = information.into_owned();
        let wrapping_id = information.unique_identifier.as_text().unwrap_or_default();
        let wrapping_key = self.find(wrapping_id)?;
        if wrapping_key.state != State::ACTIVE {
            return fail(ResultReason::WRONG_KEY_LIFECYCLE_STATE, "wrapping key");
        }
        let public = public_key(wrapping_key.public.as_ref().unwrap());
        let parameters = information.cryptographic_parameters.as_ref().unwrap();
        key.truncate(self.behaviour.cut_to.unwrap_or(usize::MAX));
        let mut wrapped = wrap(&public, parameters, &key);
        if self.behaviour.corrupts {
            wrapped[10] ^= 1;
        }
        let terse = self.behaviour.terse;
        let block = KeyBlock {
            key_format_type: KeyFormatType::RAW,
            key_value: Some(match self.behaviour.structured {
                true => KeyValue::new(Secret::owned(wrapped)),
                false => KeyValue::Wrapped(Secret::owned(wrapped)),
            }),
            cryptographic_algorithm: (!terse).then_some(CryptographicAlgorithm::AES),
            cryptographic_length: (!terse).then_some(self.behaviour.told_bits.unwrap_or(bits)),
            key_wrapping_data: Some(KeyWrappingData {
                wrapping_method: WrappingMethod::ENCRYPT,
                encryption_key_information: (!terse).then_some(information),
                encoding_option: wrapping.encoding_option,
                ..KeyWrappingData::default()
            }),
            ..KeyBlock::default()
        };
        Ok(GetResponse {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: id.into(),
            managed_object: ManagedObject::SymmetricKey(SymmetricKey {
                key_block: block,
                ..SymmetricKey::default()
            }),
            ..GetResponse::default()
        }
        .into())
    }
}
