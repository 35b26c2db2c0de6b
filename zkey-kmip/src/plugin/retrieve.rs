//! Keys from the server as secure keys: generation and import (behaviour reference 7.4, 7.6, 7.10).

use kmip::types::{
    ActivateRequest, ActivateResponse, Attribute, Attributes, BatchErrorContinuationOption,
    CreateRequest, CryptographicAlgorithm, CryptographicUsageMask, GetAttributesRequest,
    GetAttributesResponse, GetRequest, GetResponse, KeyFormatType, ObjectType, RequestPayload,
    UniqueIdentifier,
};

use super::attributes::{self, ALWAYS_SENSITIVE};
use super::peer::is_refusal;
use super::server::Server;
use super::unused::{discard, give_up};
use super::wrapping::{AES_BITS, XTS_BITS, check_wrapped, told_bits, wrapping_specification};
use super::{Plugin, pair, remembered, unsupported};
use crate::abi::options::code;
use crate::abi::{
    Errno, GenerateRequest, GeneratedKey, ImportRequest, KEY_LABEL_SIZE, KeyMode, OptionValue,
    PluginError, SecureKeyType,
};
use crate::config::Intended;
use crate::secure_key::{KeyKind, Register, SecureKeyBackend, UnwrapRequest, secure_key_size};
use crate::server_traits::ServerTrait;

/// Makes a key. If it is the second one of a pair and that fails, the first one is destroyed.
pub(super) fn generate(
    plugin: &Plugin,
    request: &GenerateRequest<'_>,
) -> Result<GeneratedKey, PluginError> {
    let begun = pair::of_second_key(plugin, request);
    match generate_one(plugin, request) {
        Ok(key) => {
            pair::go_on(plugin, begun, request.mode, &key.key_id);
            Ok(key)
        }
        Err(error) => Err(match begun {
            Some(pair) => pair.take_back(plugin, error),
            None => error,
        }),
    }
}

fn generate_one(
    plugin: &Plugin,
    request: &GenerateRequest<'_>,
) -> Result<GeneratedKey, PluginError> {
    let label = label(request.options, request.mode)?;
    let key_type = plugin.key_type(Some(request.key_type))?;
    demand_room(key_type, request.blob_capacity)?;
    let bits = match request.key_bits {
        0 => 256,
        bits => i32::try_from(bits)
            .ok()
            .filter(|bits| AES_BITS.contains(bits))
            .ok_or_else(|| PluginError::invalid(format!("there are no AES keys of {bits} bits")))?,
    };
    if request.mode != KeyMode::NonXts && !XTS_BITS.contains(&bits) {
        // zkey asks for them, and only then finds out that it cannot use them.
        return Err(PluginError::invalid(format!(
            "XTS takes keys of 128 or 256 bits, not of {bits}"
        )));
    }
    let backend = plugin.backend()?;
    let mut server = plugin.server()?;
    demand_fit(plugin, &server, bits as u32)?;
    let mut list = vec![
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(bits),
        Attribute::cryptographic_usage_mask(
            CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
        ),
    ];
    if server.style.sensitive {
        list.push(Attribute::sensitive(true));
    }
    list.extend(label.map(attributes::name));
    list.extend(server.style.attributes(request.properties));
    if request.mode == KeyMode::Xts1 && server.peer.has(ServerTrait::NoAddAttribute) {
        list.extend(server.style.prepared());
    }
    let address = plugin
        .config
        .borrow()
        .server()
        .unwrap_or_default()
        .to_owned();
    let mut intent = plugin.intend(&address, Intended::Key)?;
    let mut marked = list.clone();
    marked.push(server.style.marker(&intent.intent().marker));
    let create = CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: marked.into(),
        ..CreateRequest::default()
    };
    let created = match server
        .peer
        .create(create, |response| response.unique_identifier)
    {
        Ok(created) => created,
        Err(error) => return Err(give_up(intent, error)),
    };
    let id = created.id.clone();
    plugin.note(&format!("generated key {id}"));
    // By another identifier it could not be destroyed for sure, but the next command finds it by its
    // marker: the intent stays.
    let key_id = text_id(&id)?;
    let finish = |server: &mut Server| {
        if key_id.len() > request.key_id_capacity {
            let text = format!("the server gave the key an identifier too long for zkey: {key_id}");
            return Err(PluginError::new(Errno::ERANGE, text));
        }
        let expected = Expected {
            key_id,
            key_type,
            bits: Some(bits),
            is_active: created.is_active,
        };
        let blob = retrieve(server, &*backend, &expected)?;
        server.known.insert(key_id, Attributes::from(list));
        Ok(GeneratedKey {
            blob,
            key_id: key_id.to_owned(),
            label: label.unwrap_or(key_id).to_owned(),
        })
    };
    // From then on the host may use the key, and nobody but the host knows whether it does.
    let key = finish(&mut server).and_then(|key| {
        intent.give(key_id)?;
        Ok(key)
    });
    match key {
        Ok(key) => {
            let is_half = request.mode != KeyMode::NonXts;
            plugin.given.borrow_mut().add(intent, is_half);
            Ok(key)
        }
        Err(error) => Err(discard(&mut server.peer.client, &id, intent, error)),
    }
}

pub(super) fn import(plugin: &Plugin, request: &ImportRequest<'_>) -> Result<Vec<u8>, PluginError> {
    let key_type = plugin.key_type(request.key_type)?;
    demand_room(key_type, request.blob_capacity)?;
    let backend = plugin.backend()?;
    let mut server = plugin.server()?;
    let expected = Expected {
        key_id: request.key_id,
        key_type,
        bits: None,
        is_active: true,
    };
    retrieve(&mut server, &*backend, &expected)
}

/// The key that is fetched.
struct Expected<'a> {
    key_id: &'a str,
    /// What it is to become.
    key_type: SecureKeyType,
    /// Its length, if it is known.
    bits: Option<i32>,
    /// Otherwise it is activated on this occasion.
    is_active: bool,
}

fn demand_room(key_type: SecureKeyType, capacity: usize) -> Result<(), PluginError> {
    let size = secure_key_size(key_type);
    if size <= capacity {
        return Ok(());
    }
    let text =
        format!("a key of type {key_type} has {size} bytes, but there is room for {capacity}");
    Err(PluginError::new(Errno::ERANGE, text))
}

/// A key that the server cannot wrap for us is not made at all.
fn demand_fit(plugin: &Plugin, server: &Server, bits: u32) -> Result<(), PluginError> {
    let config = plugin.config.borrow();
    // Only a size that we have generated is there.
    let rsa_bits = config.wrapping_key().and_then(|key| key.bits());
    let padding = server.peer.profile.wrap_padding;
    match rsa_bits {
        Some(rsa_bits) if padding.largest_aes_key(rsa_bits) < Some(bits) => {
            Err(PluginError::invalid(format!(
                "the wrapping key (RSA, {rsa_bits} bits, {padding}) is too small for an AES key of \
                 {bits} bits: set a larger number for wrap-key-params in profile '{}', and then run \
                 'zkey kms configure --gen-wrapping-key'",
                server.peer.profile.name
            )))
        }
        _ => Ok(()),
    }
}

/// The label for this key out of `--label`.
fn label<'a>(options: &[OptionValue<'a>], mode: KeyMode) -> Result<Option<&'a str>, PluginError> {
    if let Some(option) = options.iter().find(|option| option.code != code::LABEL) {
        return Err(unsupported(option));
    }
    // Of several, the first one counts.
    let Some(option) = options.first() else {
        return Ok(None);
    };
    let text = option.text()?;
    let wrong = |what: &str| Err(PluginError::invalid(format!("label `{text}`: {what}")));
    let label = match (mode, text.split_once(':')) {
        (KeyMode::NonXts, None) => text,
        (KeyMode::NonXts, Some(_)) => return wrong("only labels for keys of type XTS have a `:`"),
        (_, None) => return wrong("a key of type XTS needs two labels, LABEL1:LABEL2"),
        (_, Some((one, two))) if one == two => return wrong("the two labels must differ"),
        (KeyMode::Xts1, Some((label, _))) | (KeyMode::Xts2, Some((_, label))) => label,
    };
    if label.is_empty() || label.starts_with(' ') {
        return wrong("a label must not be empty or begin with a blank");
    }
    if label.len() > KEY_LABEL_SIZE {
        // It would be cut in the repository.
        return wrong(&format!("zkey has room for {KEY_LABEL_SIZE} bytes"));
    }
    Ok(Some(label))
}

/// The identifier as text, which is all that zkey can store.
pub(super) fn text_id<'i>(id: &'i UniqueIdentifier<'_>) -> Result<&'i str, PluginError> {
    let text = id.as_text();
    text.filter(|id| !id.is_empty() && !id.contains(char::is_control))
        .ok_or_else(|| {
            let text =
                format!("the server gave an object the identifier {id:?}, which zkey cannot store");
            PluginError::new(Errno::EBADMSG, text)
        })
}

/// Fetches a wrapped key and makes it a secure key.
fn retrieve(
    server: &mut Server,
    backend: &dyn SecureKeyBackend,
    expected: &Expected<'_>,
) -> Result<Vec<u8>, PluginError> {
    let Expected {
        key_id,
        key_type,
        bits,
        ..
    } = *expected;
    let response = get_wrapped(server, expected)?;
    let wrapped =
        check_wrapped(&response, server).map_err(|problem| unusable(key_id, server, &problem))?;
    server.wrapping_key_state = Some(remembered::in_use());
    let key = backend
        .unwrap_aes_key(&UnwrapRequest {
            wrapping_key: &server.wrapping_key,
            padding: server.peer.profile.wrap_padding,
            wrapped,
            key_type,
        })
        .map_err(|error| {
            let text = format!("cannot make a secure key of key {key_id}");
            let error = PluginError::from(error);
            PluginError::new(error.errno(), format!("{text}: {error}"))
        })?;
    // What was asked for, and what the server says.
    let mut expected = [bits, told_bits(&response)].into_iter().flatten();
    let is_wrong = |one: &i32| u32::try_from(*one) != Ok(key.bits);
    if let Some(expected) = expected.find(is_wrong) {
        let problem = format!("it has {} bits instead of {expected}", key.bits);
        return Err(unusable(key_id, server, &problem));
    }
    let status = backend.verify(&key.token)?;
    if status.kind != KeyKind::Aes(key_type) || status.register != Register::Current {
        let text = format!(
            "the adapter made something else of key {key_id} than a secure key of type {key_type} \
             under the current master key"
        );
        return Err(PluginError::new(Errno::EIO, text));
    }
    Ok(key.token)
}

fn unusable(key_id: &str, server: &Server, problem: &str) -> PluginError {
    let server = server.peer.client.server();
    PluginError::invalid(format!(
        "the key {key_id} of KMIP server {server} cannot be used: {problem}"
    ))
}

/// Fetches the key in one message.
fn get_wrapped(
    server: &mut Server,
    expected: &Expected<'_>,
) -> Result<GetResponse<'static>, PluginError> {
    let key_id = expected.key_id;
    let get = |format: Option<KeyFormatType>, server: &Server| GetRequest {
        unique_identifier: Some(key_id.to_owned().into()),
        key_format_type: format,
        key_wrapping_specification: Some(wrapping_specification(server)),
        ..GetRequest::default()
    };
    let mut requests: Vec<RequestPayload<'static>> = Vec::new();
    if !expected.is_active {
        let activate = ActivateRequest {
            unique_identifier: Some(key_id.to_owned().into()),
            ..ActivateRequest::default()
        };
        requests.push(activate.into());
    }
    if server.style.always_sensitive {
        let attributes = GetAttributesRequest {
            unique_identifier: Some(key_id.to_owned().into()),
            attribute_reference: vec![ALWAYS_SENSITIVE.into()],
            ..GetAttributesRequest::default()
        };
        requests.push(attributes.into());
    }
    let by_default = server.peer.has(ServerTrait::DefaultKeyFormat);
    requests.push(get((!by_default).then_some(KeyFormatType::RAW), server).into());
    let stop = BatchErrorContinuationOption::STOP;
    let mut results = server.peer.send(requests, stop)?.into_iter();
    if !expected.is_active {
        server.peer.next::<ActivateResponse<'_>>(&mut results)?;
        server.peer.learn_separate_activate();
    }
    if server.style.always_sensitive {
        let response: GetAttributesResponse<'_> = server.peer.next(&mut results)?;
        if !server
            .style
            .read(&response.attributes)
            .is_always_sensitive()
        {
            let text = format!(
                "the key {key_id} is not and was not always sensitive: it may have left the \
                 server in the clear"
            );
            return Err(PluginError::new(Errno::EPERM, text));
        }
    }
    let response = match server.peer.next(&mut results) {
        // Several servers refuse a key format together with wrapping, for any reason.
        Err(error) if !by_default && is_refusal(&error) => {
            let without_format = get(None, server);
            // The first failure is the one that counts.
            let response = server.peer.client.call(without_format).map_err(|_| error);
            if response.is_ok() {
                server.peer.learn(ServerTrait::DefaultKeyFormat);
            }
            response
        }
        response => response,
    };
    response.map_err(|error| remembered::explain(server, error))
}
