//! What a document shows of the server that it was made with: things that each server says of itself,
//! and that are settings of the embedded one.

use std::collections::BTreeMap;

use kmip::codec::Options;
use kmip::conformance::Document;
use kmip::types::{
    Attribute, AttributeValue, CredentialValue, Interval, IntoOwned, ObjectType, QueryResponse,
    RandomNumberGenerator, RequestMessage, ResponseBatchItem, ResponseMessage, ResponsePayload,
    ResultReason, SecretText, Tag,
};
use kmip::xml;
use kmip_server::{Configuration, User};

/// The facts in a document.
#[derive(Debug, Default)]
pub(super) struct Facts {
    query: QueryResponse<'static>,
    generator: Option<RandomNumberGenerator<'static>>,
    lease_time: Option<Interval>,
    /// Names and passwords that are right.
    users: BTreeMap<String, SecretText<'static>>,
    /// Whether there are requests without credentials that are performed.
    anybody: bool,
}

impl Facts {
    /// Those in the messages of a document. What cannot be read shows none.
    pub(super) fn of(text: &str) -> Self {
        let mut facts = Facts::default();
        let mut logins = Vec::new();
        for message in Document::parse(text).messages {
            let Ok(filled) = message.filled() else {
                continue;
            };
            let (text, options) = (filled.text.as_bytes(), Options::default());
            if message.tag == Tag::REQUEST_MESSAGE {
                let request: Result<RequestMessage<'_>, _> = xml::decode(text, &options);
                logins = request.map_or_else(|_| Vec::new(), |request| passwords(&request));
                continue;
            }
            let response: Result<ResponseMessage<'_>, _> = xml::decode(text, &options);
            let items = response.map(|response| response.into_owned().batch_item);
            let items = items.unwrap_or_default();
            facts.note_logins(std::mem::take(&mut logins), &items);
            let payloads = items.into_iter().filter_map(|item| item.response_payload);
            payloads.for_each(|payload| facts.note(payload));
        }
        facts
    }

    /// Who plays the whole case, if that is one user.
    pub(super) fn only_user(&self) -> Option<(String, String)> {
        let mut users = self.users.iter();
        let (name, password) = users.next().filter(|_| !self.anybody)?;
        let one = users.next().is_none();
        one.then(|| (name.clone(), password.expose().to_owned()))
    }

    fn note_logins(
        &mut self,
        logins: Vec<(String, SecretText<'static>)>,
        answers: &[ResponseBatchItem<'static>],
    ) {
        let refused = Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL);
        if answers.iter().any(|answer| answer.result_reason == refused) {
            return;
        }
        self.anybody |= logins.is_empty();
        self.users.extend(logins);
    }

    fn note(&mut self, payload: ResponsePayload<'static>) {
        match payload {
            ResponsePayload::Query(told) => self.note_query(told),
            ResponsePayload::ObtainLease(told) => {
                self.lease_time.get_or_insert(told.lease_time);
            }
            ResponsePayload::GetAttributes(told) => {
                told.attributes
                    .iter()
                    .for_each(|own| self.note_attribute(own));
            }
            _ => {}
        }
    }

    fn note_attribute(&mut self, attribute: &Attribute<'static>) {
        match &attribute.value {
            AttributeValue::RandomNumberGenerator(told) => {
                self.generator.get_or_insert_with(|| told.clone());
            }
            AttributeValue::LeaseTime(told) => {
                self.lease_time.get_or_insert(*told);
            }
            _ => {}
        }
    }

    fn note_query(&mut self, told: QueryResponse<'static>) {
        let own = &mut self.query;
        // They ended with KMIP 1.4, but documents of 2.0 list them still.
        let mut templates = told.object_type;
        templates.retain(|object_type| *object_type == ObjectType::TEMPLATE);
        keep(&mut own.object_type, templates);
        keep(&mut own.application_namespace, told.application_namespace);
        keep(&mut own.extension_information, told.extension_information);
        keep(&mut own.attestation_type, told.attestation_type);
        keep(&mut own.rng_parameters, told.rng_parameters);
        keep(&mut own.profile_information, told.profile_information);
        keep(&mut own.validation_information, told.validation_information);
        keep(&mut own.capability_information, told.capability_information);
        let methods = told.client_registration_method;
        keep(&mut own.client_registration_method, methods);
        let masks = told.protection_storage_masks;
        own.protection_storage_masks = own.protection_storage_masks.take().or(masks);
    }

    /// Makes the server one with these facts.
    pub(super) fn configure(self, configuration: &mut Configuration) {
        configuration.query = self.query;
        if let Some(generator) = self.generator {
            configuration.random_number_generator = generator;
        }
        if let Some(lease_time) = self.lease_time {
            configuration.lease_time = Some(lease_time);
        }
        configuration.login_is_optional = self.anybody;
        for (name, password) in self.users {
            configuration.users.insert(name, User::new(password));
        }
    }
}

/// The first list that has something in it counts.
fn keep<T>(own: &mut Vec<T>, told: Vec<T>) {
    if own.is_empty() {
        *own = told;
    }
}

/// The names and passwords in a request.
fn passwords(request: &RequestMessage<'_>) -> Vec<(String, SecretText<'static>)> {
    let authentication = request.request_header.authentication.iter();
    let credentials = authentication.flat_map(|given| &given.credential);
    credentials
        .filter_map(|given| match &given.credential_value {
            CredentialValue::UsernameAndPassword(login) => {
                let password = login.password.clone()?.into_owned();
                Some((login.username.to_string(), password))
            }
            _ => None,
        })
        .collect()
}
