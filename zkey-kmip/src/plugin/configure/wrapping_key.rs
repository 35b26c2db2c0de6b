//! The wrapping key: generated in the adapter, registered at the server (behaviour reference 8.2).

use kmip::client::Client;
use kmip::types::{
    Attribute, CryptographicUsageMask, ManagedObject, ObjectType, RegisterRequest,
    RegisterResponse, RevocationReasonCode, UniqueIdentifier,
};

use super::backend;
use super::options::Options;
use crate::abi::PluginError;
use crate::config::{Edit, HeldIntent, Intended, Part};
use crate::plugin::Plugin;
use crate::plugin::attributes::{self, DESCRIPTION};
use crate::plugin::left_behind;
use crate::plugin::peer::{Peer, is_refusal};
use crate::plugin::public_key::RsaPublicKey;
use crate::plugin::remembered;
use crate::plugin::retrieve::text_id;
use crate::plugin::server::Server;
use crate::plugin::unused::{discard, forget, give_up};
use crate::plugin::wrapping::wrapping_parameters;
use crate::secure_key::{KeySpec, WrapPadding};

/// A wrapping key that is registered, but not configured yet.
pub(super) struct Registered {
    client: Client,
    id: UniqueIdentifier<'static>,
    /// The one that it replaces at the same server.
    former: Option<String>,
    intent: HeldIntent,
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
    check_size(plugin, &peer.profile.name, bits, padding)?;
    let server = edit.config().server().unwrap_or_default().to_owned();
    left_behind::clean_up(plugin, &mut peer, &server);
    let token = backend.generate_wrapping_key(bits)?;
    let public_key = RsaPublicKey::from_spki(&backend.public_key(&token)?)?;
    let object = public_key.to_object(peer.profile.wrap_key_format, bits)?;
    let intended = Intended::WrappingKey {
        public_key: public_key.digest()?,
        former: former.clone(),
    };
    let intent = plugin.intend(&server, intended)?;
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
    let description = attributes::wrapping_key_description(&intent.intent().marker);
    list.push(style.attribute(DESCRIPTION, &description));
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
            let created = peer.create(register(needed), id_of);
            // The first refusal counts, but not for what a lost connection leaves behind.
            created.map_err(|second| if is_refusal(&second) { error } else { second })
        }
        created => created,
    };
    let created = match created {
        Ok(created) => created,
        Err(error) => return Err(give_up(intent, error)),
    };
    let id = created.id.clone();
    let configured = match (peer.activate(&created), text_id(&id)) {
        (Err(error), _) => Err(error.into()),
        (Ok(()), Err(error)) => Err(error),
        (Ok(()), Ok(text)) => edit
            .set_wrapping_key(&token, bits, text, options.label)
            .and_then(|()| edit.set_wrapping_key_state(&remembered::in_use()))
            .and_then(|()| edit.set_server_traits(&peer.learned()))
            .and_then(|()| edit.set_last_contact(peer.contact().as_deref()))
            .map_err(PluginError::from),
    };
    let mut client = peer.client;
    match configured {
        Ok(()) => Ok(Registered {
            client,
            id,
            former,
            intent,
        }),
        Err(error) => Err(discard(&mut client, &id, intent, error)),
    }
}

/// Refuses a wrapping key that no AES key fits into, and warns of one that is weak.
fn check_size(
    plugin: &Plugin,
    profile: &str,
    bits: u32,
    padding: WrapPadding,
) -> Result<(), PluginError> {
    let what =
        format!("the wrapping key that profile '{profile}' wants (RSA, {bits} bits, {padding})");
    match padding.largest_aes_key(bits) {
        None => {
            return Err(PluginError::invalid(format!(
                "{what} is too small for any AES key: set a larger number for wrap-key-params, or \
                 another padding"
            )));
        }
        Some(256) => {}
        Some(largest) => plugin.console.warn(&format!(
            "WARNING: {what} is too small for AES keys of more than {largest} bits"
        )),
    }
    let secure = KeySpec::SECURE_RSA_BITS;
    if bits < secure {
        plugin.console.warn(&format!(
            "WARNING: {what} does not protect keys on their way any more: use {secure} bits or more, \
             if the KMIP server can"
        ));
    }
    Ok(())
}

impl Registered {
    /// The configuration was not changed after all, so nobody needs the key.
    pub(super) fn take_back(mut self, error: PluginError) -> PluginError {
        discard(&mut self.client, &self.id, self.intent, error)
    }

    /// Puts the former wrapping key out of use. The new configuration is valid already, so
    /// failures are only told.
    pub(super) fn retire_former(mut self, plugin: &Plugin) -> Result<(), PluginError> {
        let Some(former) = self.former else {
            forget(self.intent);
            return Ok(());
        };
        let superseded = RevocationReasonCode::SUPERSEDED;
        if let Err(error) = self.client.revoke(former.as_str(), superseded, None) {
            let text = format!("WARNING: the former wrapping key cannot be deactivated: {error}");
            plugin.console.warn(&text);
            // Otherwise it is tried again by the next command.
            if is_refusal(&error) || error.is_not_found() || error.is_permission_denied() {
                forget(self.intent);
            }
            return Ok(());
        }
        forget(self.intent);
        let question = format!(
            "The former wrapping key {former} was deactivated at the KMIP server.\nDestroy it?"
        );
        if plugin.ask(&question, false)? {
            if let Err(error) = self.client.destroy(former.as_str()) {
                let text = format!("WARNING: the former wrapping key cannot be destroyed: {error}");
                plugin.console.warn(&text);
            }
        }
        Ok(())
    }
}
