//! What a command got to know about the server, kept in `kmip.conf` for the next one and for `info`.

use kmip::types::{AttributeReference, State, Tag};

use super::server::Server;
use super::{Plugin, left_behind};
use crate::abi::{Errno, PluginError};
use crate::config::Config;

/// Keeps it. That this fails is no reason to fail: it would be learned again.
pub(super) fn keep(plugin: &Plugin) {
    let Ok(mut slot) = plugin.server.try_borrow_mut() else {
        return;
    };
    let Some(server) = slot.as_mut() else {
        return;
    };
    let traits = server.peer.take_news();
    let contact = server.peer.contact();
    let state = server.wrapping_key_state.clone();
    let is_known = {
        let config = plugin.config.borrow();
        config.last_contact() == contact.as_deref()
            && (state.is_none() || config.wrapping_key_state() == state.as_deref())
    };
    if traits.is_none() && is_known {
        return;
    }
    if let Some(traits) = &traits {
        plugin.note(&format!("learned about the KMIP server: {traits}"));
    }
    let edit = plugin.config.borrow().edit();
    // Another process may have configured another server since: this is not about it.
    let is_about_it = |config: &Config| config.server() == plugin.config.borrow().server();
    if edit.as_ref().is_ok_and(|edit| !is_about_it(edit.config())) {
        return;
    }
    let stored = edit.and_then(|mut edit| {
        if let Some(traits) = &traits {
            edit.set_server_traits(traits)?;
        }
        edit.set_last_contact(contact.as_deref())?;
        // Another process may have made a new wrapping key since.
        let key = edit.config().wrapping_key();
        if key.is_some_and(|key| key.id == server.wrapping_key_id) {
            if let Some(state) = &state {
                edit.set_wrapping_key_state(state)?;
            }
        }
        edit.commit()
    });
    match stored {
        Ok(config) => {
            plugin.config.replace(config);
        }
        Err(error) => plugin.note(&format!("this cannot be stored: {error}")),
    }
}

/// A wrapping key in this state is in use.
pub(super) fn in_use() -> String {
    format!("{:?}", State::ACTIVE)
}

/// Asks the server for the state of the wrapping key, in one more message.
pub(super) fn ask_wrapping_key_state(server: &mut Server) -> Result<(), PluginError> {
    let id = server.wrapping_key_id.clone();
    let reference = [AttributeReference::from(Tag::STATE)];
    let state = match server.peer.client.get_attributes(&*id, reference) {
        Ok(attributes) => match left_behind::state(&attributes) {
            Some(state) => format!("{state:?}"),
            None => "not told by the server".to_owned(),
        },
        Err(error) if error.is_not_found() => "not at the server".to_owned(),
        Err(error) => return Err(error.into()),
    };
    server.wrapping_key_state = Some(state);
    Ok(())
}

/// What a failure has to do with the wrapping key, if it has.
pub(super) fn explain(server: &mut Server, error: kmip::client::Error) -> PluginError {
    let is_answer = error.failure().is_some();
    let error = PluginError::from(error);
    if !is_answer || ask_wrapping_key_state(server).is_err() {
        return error;
    }
    match demand_use(server) {
        Ok(()) => error,
        Err(cause) => PluginError::new(error.errno(), format!("{error}. {cause}")),
    }
}

/// Fails unless the wrapping key is in use, as far as the server has told.
pub(super) fn demand_use(server: &Server) -> Result<(), PluginError> {
    let id = &server.wrapping_key_id;
    match &server.wrapping_key_state {
        Some(state) if *state != in_use() => Err(PluginError::new(
            Errno::EBADMSG,
            format!(
                "The wrapping key {id} is {state}: make a new one with 'zkey kms configure \
                 --gen-wrapping-key'"
            ),
        )),
        _ => Ok(()),
    }
}
