//! Keys from the server as secure keys: generation and import (behaviour reference 7.4, 7.6, 7.10).

use kmip::ProtocolVersion;
use kmip::client::{self, Client};
use kmip::types::{
    ActivateRequest, ActivateResponse, Attribute, Attributes, BatchErrorContinuationOption,
    CreateRequest, CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask,
    EncodingOption, EncryptionKeyInformation, GetAttributesRequest, GetAttributesResponse,
    GetRequest, GetResponse, HashingAlgorithm, KeyFormatType, KeyRoleType,
    KeyWrappingSpecification, ManagedObject, MaskGenerator, ObjectType, PaddingMethod,
    RequestPayload, UniqueIdentifier, WrappingMethod,
};

use super::attributes::{self, ALWAYS_SENSITIVE};
use super::left_behind;
use super::peer::is_refusal;
use super::server::Server;
use super::{Plugin, unsupported};
use crate::abi::options::code;
use crate::abi::{
    Errno, GenerateRequest, GeneratedKey, ImportRequest, KeyMode, OptionValue, PluginError,
    SecureKeyType,
};
use crate::config::{HeldIntent, Intended};
use crate::secure_key::{
    DigestAlgorithm, SecureKeyBackend, UnwrapRequest, WrapPadding, secure_key_size,
};
use crate::server_traits::ServerTrait;

pub(super) fn generate(
    plugin: &Plugin,
    request: &GenerateRequest<'_>,
) -> Result<GeneratedKey, PluginError> {
    let label = label(request.options, request.mode)?;
    let key_type = plugin.key_type(Some(request.key_type))?;
    demand_room(key_type, request.blob_capacity)?;
    let bits = match request.key_bits {
        0 => 256,
        bits @ (128 | 192 | 256) => bits as i32,
        bits => {
            return Err(PluginError::invalid(format!(
                "there are no AES keys of {bits} bits"
            )));
        }
    };
    let backend = plugin.backend()?;
    let mut server = plugin.server()?;
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
    let intent = plugin.intend(&address, Intended::Key)?;
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
    let finish = |server: &mut Server| {
        let key_id = text_id(&id)?;
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
    let key = match finish(&mut server) {
        Ok(key) => key,
        Err(error) => return Err(discard(&mut server.peer.client, &id, intent, error)),
    };
    // From now on the host may use the key, and nobody but the host knows whether it does.
    match intent.withdraw() {
        Ok(()) => Ok(key),
        Err(error) => Err(destroy_unused(&mut server.peer.client, &id, error.into()).1),
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
    Ok(Some(label))
}

/// An object that was to be made was not made, or nobody knows: then the intent stays.
pub(super) fn give_up(intent: HeldIntent, error: client::Error) -> PluginError {
    if error.failure().is_some() {
        forget(intent);
    }
    error.into()
}

/// There is no object for this intent. If it cannot be removed, the next command finds that out.
pub(super) fn forget(intent: HeldIntent) {
    let _ = intent.withdraw();
}

/// Destroys a key that was made in vain; tells in the error if that fails, too.
pub(super) fn discard(
    client: &mut Client,
    id: &UniqueIdentifier<'_>,
    intent: HeldIntent,
    error: PluginError,
) -> PluginError {
    let (is_gone, error) = destroy_unused(client, id, error);
    if is_gone {
        forget(intent);
    }
    error
}

fn destroy_unused(
    client: &mut Client,
    id: &UniqueIdentifier<'_>,
    error: PluginError,
) -> (bool, PluginError) {
    let Err(failure) = left_behind::destroy(client, id) else {
        return (true, error);
    };
    let text = format!(
        "{error}. The key {id} stays at the server, since {failure}; the next command will try it again"
    );
    (false, PluginError::new(error.errno(), text))
}

/// The identifier as text, which is all that zkey can store.
pub(super) fn text_id<'i>(id: &'i UniqueIdentifier<'_>) -> Result<&'i str, PluginError> {
    id.as_text().filter(|id| !id.is_empty()).ok_or_else(|| {
        let text = format!("the server gave an object the identifier {id:?}, which is no text");
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
    let secure_key = backend
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
    let found = backend.verify(&secure_key)?.bits;
    match bits {
        Some(bits) if found != 0 && u32::try_from(bits) != Ok(found) => {
            let problem = format!("it has {found} bits instead of {bits}");
            Err(unusable(key_id, server, &problem))
        }
        _ => Ok(secure_key),
    }
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
        key_wrapping_specification: Some(Box::new(wrapping_specification(server))),
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
    match server.peer.next(&mut results) {
        // Several servers refuse a key format together with wrapping, for any reason.
        Err(error) if !by_default && is_refusal(&error) => {
            let without_format = get(None, server);
            // The first failure is the one that counts.
            let response = server.peer.client.call(without_format).map_err(|_| error)?;
            server.peer.learn(ServerTrait::DefaultKeyFormat);
            Ok(response)
        }
        response => Ok(response?),
    }
}

fn wrapping_specification(server: &Server) -> KeyWrappingSpecification<'static> {
    let version = server.peer.client.version();
    KeyWrappingSpecification {
        wrapping_method: WrappingMethod::ENCRYPT,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: server.wrapping_key_id.clone().into(),
            cryptographic_parameters: Some(wrapping_parameters(
                server.peer.profile.wrap_padding,
                version,
            )),
            ..EncryptionKeyInformation::default()
        }),
        encoding_option: (version >= ProtocolVersion::V1_2).then_some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    }
}

/// How keys are wrapped, for the registration of the wrapping key and for Get (8.1).
pub(super) fn wrapping_parameters(
    padding: WrapPadding,
    version: ProtocolVersion,
) -> CryptographicParameters<'static> {
    let mut parameters = CryptographicParameters {
        padding_method: Some(padding_method(padding)),
        hashing_algorithm: hash(padding),
        key_role_type: Some(KeyRoleType::KEK),
        ..CryptographicParameters::default()
    };
    if version >= ProtocolVersion::V1_2 {
        parameters.cryptographic_algorithm = Some(CryptographicAlgorithm::RSA);
    }
    if version >= ProtocolVersion::V1_4 {
        let hash = hash(padding);
        parameters.mask_generator = hash.map(|_| MaskGenerator::MGF1);
        parameters.mask_generator_hashing_algorithm = hash;
    }
    parameters
}

fn padding_method(padding: WrapPadding) -> PaddingMethod {
    match padding {
        WrapPadding::Pkcs1V15 => PaddingMethod::PKCS1_V1_5,
        WrapPadding::Oaep(_) => PaddingMethod::OAEP,
    }
}

fn hash(padding: WrapPadding) -> Option<HashingAlgorithm> {
    match padding {
        WrapPadding::Pkcs1V15 => None,
        WrapPadding::Oaep(digest) => Some(match digest {
            DigestAlgorithm::Sha1 => HashingAlgorithm::SHA_1,
            DigestAlgorithm::Sha224 => HashingAlgorithm::SHA_224,
            DigestAlgorithm::Sha256 => HashingAlgorithm::SHA_256,
            DigestAlgorithm::Sha384 => HashingAlgorithm::SHA_384,
            DigestAlgorithm::Sha512 => HashingAlgorithm::SHA_512,
        }),
    }
}

/// The wrapped key, if the response is what was asked for. What servers may leave out counts as
/// right; a wrong padding would be found when the key is unwrapped.
fn check_wrapped<'r>(response: &'r GetResponse<'_>, server: &Server) -> Result<&'r [u8], String> {
    let ManagedObject::SymmetricKey(key) = &response.managed_object else {
        return Err(format!("it is of type {:?}", response.object_type));
    };
    let block = &key.key_block;
    let expect = |what: &str, found: Option<String>, expected: &str| match found {
        Some(found) if found != expected => Err(format!("its {what} is {found}, not {expected}")),
        _ => Ok(()),
    };
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    // Without encoding, the wrapped bytes are those of the key in both formats.
    if block.key_format_type != KeyFormatType::TRANSPARENT_SYMMETRIC_KEY {
        let format = text(&block.key_format_type);
        expect("key format", Some(format), &text(&KeyFormatType::RAW))?;
    }
    let algorithm = block.cryptographic_algorithm;
    expect(
        "algorithm",
        algorithm.map(|one| text(&one)),
        &text(&CryptographicAlgorithm::AES),
    )?;
    let wrapping = block
        .key_wrapping_data
        .as_ref()
        .ok_or("the server did not wrap it")?;
    let method = wrapping.wrapping_method;
    expect(
        "wrapping method",
        Some(text(&method)),
        &text(&WrappingMethod::ENCRYPT),
    )?;
    if server.peer.client.version() >= ProtocolVersion::V1_2 {
        let encoding = wrapping.encoding_option;
        let none = text(&EncodingOption::NO_ENCODING);
        expect("encoding", encoding.map(|one| text(&one)), &none)?;
    }
    if let Some(information) = &wrapping.encryption_key_information {
        if let Some(parameters) = &information.cryptographic_parameters {
            let padding = server.peer.profile.wrap_padding;
            let found = parameters.padding_method.map(|one| text(&one));
            expect("padding", found, &text(&padding_method(padding)))?;
            if let Some(hash) = hash(padding) {
                let found = parameters.hashing_algorithm.map(|one| text(&one));
                expect("hash", found, &text(&hash))?;
                let mask_hash = parameters.mask_generator_hashing_algorithm;
                expect("mask hash", mask_hash.map(|one| text(&one)), &text(&hash))?;
            }
        }
    }
    let value = block.key_value.as_ref().and_then(|value| value.as_bytes());
    value.ok_or_else(|| "the server did not send it".to_owned())
}
