//! The wrapping key: generated in the adapter, registered at the server (behaviour reference 8.2).

use kmip::client::Client;
use kmip::types::{
    Attribute, BigInteger, CryptographicAlgorithm, CryptographicUsageMask, KeyBlock, KeyFormatType,
    KeyMaterial, KeyValue, ManagedObject, ObjectType, PublicKey, RegisterRequest, RegisterResponse,
    RevocationReasonCode, Secret, TransparentRsaPublicKey, UniqueIdentifier,
};
use openssl::pkey::PKey;

use super::backend;
use super::options::Options;
use crate::abi::{Errno, PluginError};
use crate::config::{Edit, Part};
use crate::environment;
use crate::plugin::Plugin;
use crate::plugin::attributes::{self, DESCRIPTION};
use crate::plugin::peer::{Peer, is_refusal};
use crate::plugin::retrieve::{discard, text_id, wrapping_parameters};
use crate::plugin::server::Server;
use crate::profile::WrapKeyFormat;

/// A wrapping key that is registered, but not configured yet.
pub(super) struct Registered {
    client: Client,
    id: UniqueIdentifier<'static>,
    /// The one that it replaces at the same server.
    former: Option<String>,
}

pub(super) fn generate(
    plugin: &Plugin,
    edit: &mut Edit,
    connected: Option<Peer>,
    former: Option<String>,
    options: &Options<'_>,
) -> Result<Registered, PluginError> {
    edit.config().require(Part::Connection)?;
    let backend = backend(plugin, edit)?;
    let mut peer = match connected {
        Some(connected) => connected,
        None => Server::open(edit.config(), &backend, &plugin.surroundings.profiles)?,
    };
    let padding = peer.profile.wrap_padding;
    if !backend.knows_padding(padding) {
        let text = format!(
            "the adapters cannot unwrap keys with the padding of profile '{}' ({padding})",
            peer.profile.name
        );
        return Err(PluginError::invalid(text));
    }
    let bits = peer.profile.wrap_key_bits;
    let token = backend.generate_wrapping_key(bits)?;
    let public_key = backend.public_key(&token)?;
    let style = peer.style();
    let mut list: Vec<_> = options.label.map(attributes::name).into_iter().collect();
    list.push(Attribute::cryptographic_usage_mask(
        CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::WRAP_KEY,
    ));
    let needed = list.clone();
    list.push(Attribute::cryptographic_parameters(wrapping_parameters(
        padding,
        peer.client.version(),
    )));
    let description = format!("Wrapping key of zkey on {}", environment::node_name());
    list.push(style.attribute(DESCRIPTION, &description));
    let object = object(&public_key, peer.profile.wrap_key_format, bits)?;
    let register = |list: Vec<Attribute<'static>>| RegisterRequest {
        object_type: ObjectType::PUBLIC_KEY,
        attributes: list.into(),
        managed_object: Some(ManagedObject::PublicKey(object.clone())),
        ..RegisterRequest::default()
    };
    let id_of = |response: RegisterResponse<'static>| response.unique_identifier;
    let created = match peer.create(register(list), id_of) {
        // The parameters are in each request for a key, too, and the description is for people.
        Err(error) if is_refusal(&error) => {
            peer.create(register(needed), id_of).map_err(|_| error)?
        }
        created => created?,
    };
    let id = created.id.clone();
    let configured = match (peer.activate(&created), text_id(&id)) {
        (Err(error), _) => Err(error.into()),
        (Ok(()), Err(error)) => Err(error),
        (Ok(()), Ok(text)) => edit
            .set_wrapping_key(&token, bits, text, options.label)
            .and_then(|()| edit.set_server_traits(&peer.learned()))
            .map_err(PluginError::from),
    };
    let mut client = peer.client;
    match configured {
        Ok(()) => Ok(Registered { client, id, former }),
        Err(error) => Err(discard(&mut client, &id, error)),
    }
}

impl Registered {
    /// The configuration was not changed after all, so nobody needs the key.
    pub(super) fn take_back(mut self, error: PluginError) -> PluginError {
        discard(&mut self.client, &self.id, error)
    }

    /// Puts the former wrapping key out of use. The new configuration is valid already, so
    /// failures are only told.
    pub(super) fn retire_former(mut self, plugin: &Plugin) -> Result<(), PluginError> {
        let Some(former) = self.former else {
            return Ok(());
        };
        let superseded = RevocationReasonCode::SUPERSEDED;
        if let Err(error) = self.client.revoke(former.as_str(), superseded, None) {
            let text = format!("WARNING: the former wrapping key cannot be deactivated: {error}");
            plugin.console.warn(&text);
            return Ok(());
        }
        let question = format!(
            "The former wrapping key {former} was deactivated at the KMIP server.\nDestroy it?"
        );
        if plugin.confirm(&question)? {
            if let Err(error) = self.client.destroy(former.as_str()) {
                let text = format!("WARNING: the former wrapping key cannot be destroyed: {error}");
                plugin.console.warn(&text);
            }
        }
        Ok(())
    }
}

/// The public key in the form that the server wants.
fn object(
    encoded: &[u8],
    format: WrapKeyFormat,
    bits: u32,
) -> Result<PublicKey<'static>, PluginError> {
    let failed = |error: openssl::error::ErrorStack| {
        PluginError::new(Errno::EIO, "OpenSSL cannot read the wrapping key").caused_by(error)
    };
    let rsa = PKey::public_key_from_der(encoded)
        .and_then(|key| key.rsa())
        .map_err(failed)?;
    let (key_format_type, material) = match format {
        WrapKeyFormat::Pkcs1 => {
            let encoded = rsa.public_key_to_der_pkcs1().map_err(failed)?;
            (KeyFormatType::PKCS_1, Secret::owned(encoded).into())
        }
        // Servers take a SubjectPublicKeyInfo for it, as the C plugin sends it.
        WrapKeyFormat::Pkcs8 => (
            KeyFormatType::PKCS_8,
            Secret::owned(encoded.to_vec()).into(),
        ),
        WrapKeyFormat::TransparentPublicKey => (
            KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
            KeyMaterial::TransparentRsaPublicKey(TransparentRsaPublicKey {
                modulus: BigInteger::from_unsigned(&rsa.n().to_vec()),
                public_exponent: BigInteger::from_unsigned(&rsa.e().to_vec()),
                ..TransparentRsaPublicKey::default()
            }),
        ),
    };
    Ok(PublicKey {
        key_block: KeyBlock {
            key_format_type,
            key_value: Some(KeyValue::new(material)),
            cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
            cryptographic_length: i32::try_from(bits).ok(),
            ..KeyBlock::default()
        },
        ..PublicKey::default()
    })
}
