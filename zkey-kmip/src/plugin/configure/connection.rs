//! The connection to a KMIP server: whom to trust, what it can do, which profile and version.

use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::transport::tls::{
    ClientTls, Fingerprint, LastHandshake, ServerCertificate, inspect_server,
};
use kmip::transport::{Deadline, ServerAddress};
use kmip::types::{ObjectType, Operation, QueryFunction, QueryResponse};

use super::options::Options;
use super::{backend, identity_key};
use crate::abi::{Errno, PluginError};
use crate::config::{ConfigFile, ConnectionSettings, Edit, Part, ProtocolSetting};
use crate::plugin::peer::Peer;
use crate::plugin::server::{self, Route};
use crate::plugin::target::Target;
use crate::plugin::{FINGERPRINT_VARIABLE, Plugin};
use crate::profile::{Profile, VersionChoice};
use crate::server_traits::{ServerTrait, ServerTraits};

/// What is demanded of the server's certificate from now on.
struct Trust {
    verify_chain: bool,
    certificate: Option<Vec<u8>>,
    public_key: Option<Vec<u8>>,
}

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
    // Later commands run in other directories.
    let ca_bundle = options.tls_ca_bundle.map(std::path::absolute).transpose();
    let ca_bundle =
        ca_bundle.map_err(|error| PluginError::io("cannot tell the current directory", error))?;
    let profiles = &plugin.surroundings.profiles;
    let given = options
        .profile
        .map(|name| profiles.named(name))
        .transpose()?;
    let provisional = match &given {
        Some(profile) => profile,
        None => &profiles.fallback()?,
    };
    let target = Target::new(server, provisional)?;
    let first_choice = provisional.kmip_version;
    let tls = tls_options(plugin, edit, options)?;
    let limit = server::timeouts(provisional).connect;
    let presented = inspect(plugin, &target.address, tls.clone(), limit, options)?;
    let trust = decide(&presented, options)?;
    let handshake = LastHandshake::default();
    let tls = demand(tls, &trust, &presented, options).last_handshake(&handshake);
    let mut learned = ServerTraits::default();
    let route = Route {
        target: &target,
        profile: provisional,
        tls: &tls,
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
    // The profile that was found may call for another way, limits or version.
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
    })?;
    Ok(Peer::new(client, profile, learned, handshake))
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

/// Fetches the server's certificate and lets the user decide whether it is the right one.
fn inspect(
    plugin: &Plugin,
    address: &ServerAddress,
    tls: ClientTls,
    limit: Option<Duration>,
    options: &Options<'_>,
) -> Result<ServerCertificate, PluginError> {
    let deadline = Deadline::after(limit);
    let presented = inspect_server(address, tls, deadline).map_err(|error| {
        let text = format!("cannot get the certificate of KMIP server {address}");
        PluginError::new(Errno::EIO, text).caused_by(error)
    })?;
    plugin.print(&describe(address, &presented))?;
    for remark in remarks(&presented, options) {
        plugin.print(&format!("ATTENTION: {remark}\n"))?;
    }
    refuse_unverified(&presented, options)?;
    match &plugin.surroundings.accepted_fingerprint {
        Some(accepted) => demand_fingerprint(&presented, accepted)?,
        None => {
            if !plugin.confirm("Is this the KMIP server you intend to work with?")? {
                return Err(PluginError::canceled("the server was not accepted"));
            }
        }
    }
    Ok(presented)
}

/// Takes the place of the question where the user answered it beforehand.
fn demand_fingerprint(presented: &ServerCertificate, accepted: &str) -> Result<(), PluginError> {
    let digits = |text: &str| text.replace(':', "").trim().to_ascii_lowercase();
    let found = presented.fingerprint().to_string();
    if digits(&found) == digits(accepted) {
        return Ok(());
    }
    Err(PluginError::new(
        Errno::ECANCELED,
        format!(
            "the certificate of the server has the SHA-256 fingerprint {found}, but \
             {FINGERPRINT_VARIABLE} accepts {accepted:?} only"
        ),
    ))
}

fn describe(address: &ServerAddress, presented: &ServerCertificate) -> String {
    let certificate = &presented.certificate;
    let serial = certificate.serial_number().to_bn();
    let serial = serial.and_then(|number| number.to_hex_str());
    format!(
        "The KMIP server {address} presents this certificate:\n  \
           Subject:                 {}\n  \
           Issuer:                  {}\n  \
           Not before:              {}\n  \
           Not after:               {}\n  \
           Serial number:           {}\n  \
           SHA-256 fingerprint:     {}\n  \
           SHA-256 of public key:   {}\n",
        one_line(certificate.subject_name()),
        one_line(certificate.issuer_name()),
        certificate.not_before(),
        certificate.not_after(),
        serial.map_or_else(|_| "?".to_owned(), |text| text.to_string()),
        presented.fingerprint(),
        Fingerprint::of_public_key(&presented.public_key),
    )
}

fn one_line(name: &openssl::x509::X509NameRef) -> String {
    let entries = name.entries().map(|entry| {
        let kind = entry.object().nid().short_name().unwrap_or("?").to_owned();
        let value = entry.data().to_string().unwrap_or_default();
        format!("{kind}={}", value.escape_debug())
    });
    entries.collect::<Vec<_>>().join(", ")
}

fn remarks(presented: &ServerCertificate, options: &Options<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    if presented.is_self_signed() {
        remarks.push("the certificate of the server is self-signed".to_owned());
    }
    if let Some(error) = &presented.chain_error {
        remarks.push(format!(
            "the certificate of the server is not verified: {error}"
        ));
    }
    if let Some(error) = &presented.host_name_error {
        remarks.push(format!(
            "the certificate is not for this host name: {error}"
        ));
    }
    if options.tls_dont_verify_server_cert {
        remarks
            .push("without verification, anybody in the network can pose as the server".to_owned());
    }
    remarks
}

/// A certificate that the user did not ask to accept must be verified.
fn refuse_unverified(
    presented: &ServerCertificate,
    options: &Options<'_>,
) -> Result<(), PluginError> {
    if options.tls_verify_hostname {
        if let Some(error) = &presented.host_name_error {
            return Err(PluginError::invalid(format!(
                "the certificate of the server is not for its host name: {error}"
            )));
        }
    }
    let Some(error) = &presented.chain_error else {
        return Ok(());
    };
    let is_accepted = options.tls_dont_verify_server_cert
        || options.tls_trust_server_cert
        || presented.is_self_signed();
    if is_accepted {
        return Ok(());
    }
    let source = match options.tls_ca_bundle {
        Some(path) => format!("the CA certificates in {}", path.display()),
        None => "the CA certificates of the system; others can be given with '--tls-ca-bundle'"
            .to_owned(),
    };
    Err(PluginError::invalid(format!(
        "the certificate of the server cannot be verified with {source}: {error}"
    )))
}

/// What is stored (5.2).
fn decide(presented: &ServerCertificate, options: &Options<'_>) -> Result<Trust, PluginError> {
    let failed = |error: openssl::error::ErrorStack| {
        PluginError::new(Errno::EIO, "OpenSSL cannot encode the certificate").caused_by(error)
    };
    let verified = presented.is_chain_verified() || options.tls_trust_server_cert;
    let certificate = options
        .tls_trust_server_cert
        .then(|| presented.certificate.to_pem().map_err(failed));
    let public_key = options
        .tls_pin_server_pubkey
        .then(|| presented.public_key.public_key_to_pem().map_err(failed));
    Ok(Trust {
        verify_chain: verified && !options.tls_dont_verify_server_cert,
        certificate: certificate.transpose()?,
        public_key: public_key.transpose()?,
    })
}

/// The very certificate that the user has seen is demanded while the connection is configured.
fn demand(
    tls: ClientTls,
    trust: &Trust,
    presented: &ServerCertificate,
    options: &Options<'_>,
) -> ClientTls {
    let tls = tls
        .verify_chain(trust.verify_chain)
        .verify_host_name(options.tls_verify_hostname);
    let certificate = presented.certificate.clone();
    if trust.certificate.is_some() && trust.verify_chain {
        tls.trusted_certificate(certificate)
    } else {
        tls.pinned_certificate(certificate)
    }
}

/// What a server says about itself, as text without line ends.
fn server_info(about: &QueryResponse<'_>) -> String {
    let information = about.server_information.as_ref();
    let text = about
        .vendor_identification
        .as_deref()
        .or_else(|| information.and_then(|one| one.product_name.as_deref()))
        .or_else(|| information.and_then(|one| one.server_name.as_deref()))
        .unwrap_or_default();
    let text: String = text.chars().filter(|one| !one.is_control()).collect();
    if text.is_empty() {
        "(unknown)".to_owned()
    } else {
        text
    }
}

/// What zkey needs of a server.
const OPERATIONS: [Operation; 9] = [
    Operation::QUERY,
    Operation::CREATE,
    Operation::REGISTER,
    Operation::ACTIVATE,
    Operation::REVOKE,
    Operation::DESTROY,
    Operation::GET,
    Operation::LOCATE,
    Operation::GET_ATTRIBUTES,
];

/// One of these is needed to change attributes.
const CHANGES: [Operation; 3] = [
    Operation::ADD_ATTRIBUTE,
    Operation::MODIFY_ATTRIBUTE,
    Operation::SET_ATTRIBUTE,
];

const OBJECT_TYPES: [ObjectType; 2] = [ObjectType::SYMMETRIC_KEY, ObjectType::PUBLIC_KEY];

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
    let operations = OPERATIONS
        .iter()
        .filter(|operation| !about.operation.contains(operation))
        .map(|operation| format!("operation {operation:?}"));
    let can_change = CHANGES.iter().any(|one| about.operation.contains(one));
    let change = (!can_change).then(|| format!("operation {:?}", Operation::ADD_ATTRIBUTE));
    let types = OBJECT_TYPES
        .iter()
        .filter(|kind| !about.object_type.contains(kind))
        .map(|kind| format!("object type {kind:?}"));
    let missing: Vec<_> = operations.chain(change).chain(types).collect();
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
