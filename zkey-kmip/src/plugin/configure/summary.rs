//! What `zkey kms configure` tells when it has succeeded: what is new, and what is still missing.

use std::fmt::Write;

use super::options::Options;
use crate::abi::Apqn;
use crate::config::{Config, ConfigError, ProtocolSetting};

/// The lines for the user. `had_identity_key` tells whether there was one before.
pub(super) fn describe(
    config: &Config,
    apqns: Option<&[Apqn]>,
    options: &Options<'_>,
    had_identity_key: bool,
) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    if let Some(apqns) = apqns {
        let list: Vec<_> = apqns.iter().map(Apqn::to_string).collect();
        match (config.card_type(), list.is_empty()) {
            (Ok(Some(card_type)), false) => {
                line(format!("APQNs ({card_type}): {}", list.join(",")));
            }
            _ => line("There are no APQNs any more.".to_owned()),
        }
    }
    let has_new_key = options.gen_identity_key.is_some()
        || (options.generates_certificate() && !had_identity_key);
    if let Some(key) = config.identity_key().filter(|_| has_new_key) {
        line(format!(
            "New identity key: {} ({})",
            key.algorithm, key.parameters
        ));
    }
    if let Some(path) = options.gen_csr {
        line(format!("Certificate signing request: {}", path.display()));
    }
    if let Some(path) = options.gen_self_signed_cert {
        let path = path.display();
        line(format!("New client certificate, self-signed: {path}"));
    }
    if let Some(path) = options.client_cert {
        line(format!("New client certificate, from {}", path.display()));
    }
    if let (true, Ok(connection)) = (options.kmip_server.is_some(), config.connection()) {
        let version = match connection.protocol {
            ProtocolSetting::Agreed { major, minor } => format!("KMIP {major}.{minor}"),
            ProtocolSetting::FromProfile => "the KMIP version of the profile".to_owned(),
        };
        line(format!(
            "KMIP server: {}, profile {}, {version}",
            connection.server, connection.profile
        ));
    }
    let has_new_wrapping_key = options.kmip_server.is_some() || options.gen_wrapping_key;
    if let Some(key) = config.wrapping_key().filter(|_| has_new_wrapping_key) {
        line(format!(
            "New wrapping key: {} ({}, {} bits)",
            key.id, key.algorithm, key.parameters
        ));
    }
    match config.missing() {
        None => line("The KMIP plugin is configured completely.".to_owned()),
        Some(part) => line(format!("INFO: {}", ConfigError::Incomplete(part))),
    }
    text
}
