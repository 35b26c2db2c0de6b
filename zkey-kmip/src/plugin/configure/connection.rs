//! The connection to a KMIP server: what it can do, which profile and version.

use std::path::{Path, PathBuf};

use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::transport::tls::{ClientTls, LastHandshake};
use kmip::types::{Operation, QueryFunction, QueryResponse};

use super::options::Options;
use super::trust::{decide, demand, inspect};
use super::{backend, identity_key};
use crate::abi::PluginError;
use crate::config::{ConfigFile, ConnectionSettings, Edit, Part, ProtocolSetting};
use crate::plugin::Plugin;
use crate::plugin::credential;
use crate::plugin::peer::Peer;
use crate::plugin::server::{self, Route};
use crate::plugin::target::{self, Target};
use crate::profile::{Profile, VersionChoice};
use crate::server_traits::{ServerTrait, ServerTraits};

pub(super) fn configure(
    plugin: &Plugin,
    edit: &mut Edit,
    server: &str,
    options: &Options<'_>,
) -> Result<Peer, PluginError> {
    for part in [Part::Apqns, Part::IdentityKey, Part::ClientCertificate] {
        edit.config().require(part)?;
    }
    if edit.config().server().is_some()
        && !plugin.confirm(
            "ATTENTION: A KMIP server is configured already. A new wrapping key is made for the \
             new connection, and the former one is not used any more.\nConfigure it anew?",
        )?
    {
        return Err(PluginError::canceled("the connection was kept"));
    }
    let ca_bundle = absolute(options.tls_ca_bundle)?;
    let credential_file = absolute(options.credential_file)?;
    let credential = credential_file
        .as_deref()
        .map(credential::read)
        .transpose()?;
    let profiles = &plugin.surroundings.profiles;
    let given = options
        .profile
        .map(|name| profiles.named(name))
        .transpose()?;
    let provisional = match &given {
        Some(profile) => profile,
        None => &profiles.fallback()?,
    };
    let target = Target::new(&target::complete(server, provisional), provisional)?;
    let first_choice = provisional.kmip_version;
    let tls = tls_options(plugin, edit, options)?;
    let limit = server::timeouts(provisional).connect;
    let presented = inspect(plugin, &target.address, tls.clone(), limit, options)?;
    let trust = decide(&presented, options)?;
    if credential.is_some() {
        credential::demand_known_server(
            trust.certificate.is_some() || trust.public_key.is_some(),
            trust.verify_chain && options.tls_verify_hostname,
        )?;
    }
    let handshake = LastHandshake::default();
    let tls = demand(tls, &trust, &presented, options).last_handshake(&handshake);
    let mut learned = ServerTraits::default();
    let route = Route {
        target: &target,
        profile: provisional,
        tls: &tls,
        credential: credential.as_ref(),
        choice: first_choice,
    };
    let mut client = route.connect(&learned)?;
    let about = client.query([
        QueryFunction::QUERY_OPERATIONS,
        QueryFunction::QUERY_OBJECTS,
        QueryFunction::QUERY_SERVER_INFORMATION,
    ])?;
    let server_info = server_info(&about);
    let profile = match given {
        Some(profile) => profile,
        None => {
            let selection = profiles.matching(&server_info)?;
            for error in &selection.skipped {
                plugin.console.warn(&format!("WARNING: {error}"));
            }
            selection.profile
        }
    };
    if let Some(file) = &credential {
        file.credential_for(&profile.failover_servers)?;
    }
    // The profile that was found may call for another way, limits or version.
    let server = &*target::complete(server, &profile);
    let final_target = Target::new(server, &profile)?;
    match profile.kmip_version {
        VersionChoice::Fixed { major, minor } if final_target == target => {
            client.set_version(server::version(major, minor)?);
        }
        VersionChoice::Auto if final_target == target && first_choice == VersionChoice::Auto => {}
        choice => {
            let route = Route {
                target: &final_target,
                profile: &profile,
                tls: &tls,
                credential: credential.as_ref(),
                choice,
            };
            client = route.connect(&learned)?;
        }
    }
    client.set_timeouts(server::timeouts(&profile));
    if profile.check_server_capabilities {
        check_capabilities(&about, &client, &profile)?;
        learn(&about, &client, &mut learned);
    }
    edit.set_connection(&ConnectionSettings {
        server,
        server_info: &server_info,
        profile: &profile.name,
        protocol: match profile.kmip_version {
            VersionChoice::Fixed { .. } => ProtocolSetting::FromProfile,
            VersionChoice::Auto => ProtocolSetting::Agreed {
                major: u32::try_from(client.version().major).unwrap_or_default(),
                minor: u32::try_from(client.version().minor).unwrap_or_default(),
            },
        },
        ca_bundle: ca_bundle.as_deref(),
        server_certificate: trust.certificate.as_deref(),
        server_public_key: trust.public_key.as_deref(),
        verify_server_certificate: trust.verify_chain,
        verify_host_name: options.tls_verify_hostname,
        credential_file: credential_file.as_deref(),
    })?;
    Ok(Peer::new(client, profile, learned, handshake))
}

/// Later commands run in other directories.
fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>, PluginError> {
    let path = path.map(std::path::absolute).transpose();
    path.map_err(|error| PluginError::io("cannot tell the current directory", error))
}

fn tls_options(
    plugin: &Plugin,
    edit: &Edit,
    options: &Options<'_>,
) -> Result<ClientTls, PluginError> {
    let backend = backend(plugin, edit)?;
    let key = identity_key(edit)?;
    let certificate = edit.read(ConfigFile::ClientCertificate)?;
    let identity = server::identity(&backend, &key, &certificate)?;
    Ok(server::trust_options(options.tls_ca_bundle).identity(identity))
}

/// What a server says about itself, as text without line ends.
fn server_info(about: &QueryResponse<'_>) -> String {
    let text = zkey_needs::introduction(about);
    if text.is_empty() {
        "(unknown)".to_owned()
    } else {
        text
    }
}

/// What the announced operations say about the ways of the server.
fn learn(about: &QueryResponse<'_>, client: &Client, learned: &mut ServerTraits) {
    if !about.operation.contains(&Operation::ADD_ATTRIBUTE) {
        learned.insert(ServerTrait::NoAddAttribute);
    }
    let is_2x = client.version() >= ProtocolVersion::V2_0;
    if is_2x && about.operation.contains(&Operation::SET_ATTRIBUTE) {
        learned.insert(ServerTrait::SetAttribute);
    }
}

fn check_capabilities(
    about: &QueryResponse<'_>,
    client: &Client,
    profile: &Profile,
) -> Result<(), PluginError> {
    let missing = zkey_needs::missing(about);
    if missing.is_empty() {
        return Ok(());
    }
    Err(PluginError::invalid(format!(
        "KMIP server {} does not announce what is needed: {}. If it can do it nevertheless, set \
         check-server-capabilities=FALSE in a profile (now in use: {})",
        client.server(),
        missing.join(", "),
        profile.name
    )))
}
