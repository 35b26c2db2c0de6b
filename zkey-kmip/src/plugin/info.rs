//! What `zkey kms info` shows (behaviour reference 11.3). Needs neither network nor adapter, and
//! shows what it can.

use std::fmt::Write;

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::X509NameRef;

use super::{Plugin, given, remembered};
use crate::abi::PluginError;
use crate::config::{Config, ConfigFile, Part, ProtocolSetting};
use crate::identity::certificates_from_pem;
use crate::profile::{Profile, ProfileDirectory, VersionChoice};

/// How long before its end the user is told that the client certificate must be renewed, at most: of
/// one for a shorter time it is the last third.
const NOTICE_DAYS: i32 = 30;

const REQUIRED: &str = "(configuration required)";

/// The lines for the user.
///
/// `check` is what [`check`] found out, if it was asked for.
pub(super) fn describe(
    config: &Config,
    profiles: &ProfileDirectory,
    check: Option<&Result<String, PluginError>>,
) -> String {
    let mut page = Page(String::new());
    page.identity(config);
    if !config.has(Part::ClientCertificate) {
        page.line("Client certificate:", REQUIRED);
        page.left(config);
        return page.0;
    }
    page.certificate(config);
    page.connection(config, profiles);
    match check {
        None => {}
        Some(Ok(text)) => page.line("Connection check:", text),
        Some(Err(_)) => page.line("Connection check:", "(failed)"),
    }
    page.left(config);
    page.0
}

/// Connects, and looks whether the wrapping key is in use; returns what to show.
///
/// # Errors
/// Keys could not be fetched now.
pub(super) fn check(plugin: &Plugin) -> Result<String, PluginError> {
    let mut server = plugin.server()?;
    remembered::ask_wrapping_key_state(&mut server)?;
    remembered::demand_use(&server)?;
    let client = &server.peer.client;
    Ok(format!(
        "{} answers in KMIP {}",
        client.server(),
        client.version()
    ))
}

/// What the user is to know of the time that a certificate is valid.
fn notice(begin: &Asn1TimeRef, end: &Asn1TimeRef, now: &Asn1TimeRef) -> Option<String> {
    let days = |from: &Asn1TimeRef, to| from.diff(to).ok().map(|diff| (diff.days, diff.secs));
    let left = days(now, end)?;
    if left <= (0, 0) {
        return Some("expired".to_owned());
    }
    let limit = NOTICE_DAYS.min(days(begin, end)?.0 / 3);
    (left < (limit, 0)).then(|| format!("ends in {} days", left.0))
}

struct Page(String);

impl Page {
    fn line(&mut self, label: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "  {label:<22}{value}");
    }

    fn identity(&mut self, config: &Config) {
        match config.identity_key() {
            None => self.line("Identity key:", REQUIRED),
            Some(key) => {
                let unit = if key.algorithm == "RSA" { " bits" } else { "" };
                let text = format!("{} ({}{unit})", key.algorithm, key.parameters);
                self.line("Identity key:", &text);
                self.pending(config, ConfigFile::IdentityKeyReenciphered);
            }
        }
    }

    fn pending(&mut self, config: &Config, file: ConfigFile) {
        if config.path(file).is_some_and(|path| path.exists()) {
            self.line("", "(re-enciphering is pending)");
        }
    }

    fn certificate(&mut self, config: &Config) {
        let certificates = config
            .read(ConfigFile::ClientCertificate)
            .ok()
            .and_then(|pem| certificates_from_pem(&pem).ok());
        let Some(certificate) = certificates.as_ref().and_then(|list| list.first()) else {
            self.line("Client certificate:", "(error)");
            return;
        };
        self.line("Client certificate:", "Subject:");
        self.name(certificate.subject_name());
        self.line("", "Issuer:");
        self.name(certificate.issuer_name());
        self.line("", "Validity:");
        self.line("", &format!("  Not before:  {}", certificate.not_before()));
        self.line("", &format!("  Not after:   {}", certificate.not_after()));
        if let Some(notice) = Asn1Time::days_from_now(0)
            .ok()
            .and_then(|now| notice(certificate.not_before(), certificate.not_after(), &now))
        {
            self.line("", &format!("  ({notice}: renew it with '--renew-cert')"));
        }
        let serial = certificate.serial_number().to_bn();
        let serial = serial.and_then(|number| number.to_hex_str());
        let serial = serial.map_or_else(|_| "(error)".to_owned(), |text| text.to_string());
        self.line("", &format!("Serial Number:  {serial}"));
    }

    fn name(&mut self, name: &X509NameRef) {
        for entry in name.entries() {
            let object = entry.object();
            let nid = object.nid();
            let kind = nid
                .short_name()
                .map_or_else(|_| object.to_string(), str::to_owned);
            let value = entry.data().to_string().unwrap_or_default();
            self.line("", &format!("  {kind}={}", value.escape_debug()));
        }
    }

    fn connection(&mut self, config: &Config, profiles: &ProfileDirectory) {
        let connection = match config.connection() {
            Ok(connection) => connection,
            Err(_) if config.server().is_none() => {
                self.line("KMIP server:", REQUIRED);
                return;
            }
            Err(error) => {
                self.line("KMIP server:", config.server().unwrap_or_default());
                self.line("", &format!("(error: {error})"));
                return;
            }
        };
        self.line("KMIP server:", &connection.server);
        self.line("KMIP server info:", &connection.server_info);
        self.line("KMIP plugin profile:", &connection.profile);
        let profile = profiles.named(&connection.profile);
        let profile = match profile {
            Ok(profile) => Some(profile),
            Err(error) => {
                self.line("", &format!("(error: {error})"));
                None
            }
        };
        self.line(
            "KMIP version:",
            &version(connection.protocol, profile.as_ref()),
        );
        self.traits(config, profile.as_ref());
        if let Some(contact) = config.last_contact() {
            self.line("Last contact:", contact);
        }
        match &connection.ca_bundle {
            Some(path) => self.line("CA-bundle:", &path.display().to_string()),
            None => self.line("CA-bundle:", "System's CA certificates"),
        }
        if connection.server_certificate.is_some() {
            self.line("", "The server certificate is trusted, and no other");
        }
        if connection.server_public_key.is_some() {
            self.line("", "The public key of the server certificate is pinned");
        }
        self.line(
            "",
            if connection.verify_server_certificate {
                "The server certificate must be valid"
            } else {
                "The server certificate is not verified"
            },
        );
        if connection.verify_host_name {
            self.line("", "The server certificate must match the host name");
        }
        self.line("Authentication:", "TLS client certificate");
        if let Some(path) = &connection.credential_file {
            let text = format!("User name and password, from {}", path.display());
            self.line("", &text);
        }
        self.wrapping_key(config, profile.as_ref());
    }

    /// In what requests to this server differ from those to others.
    fn traits(&mut self, config: &Config, profile: Option<&Profile>) {
        let pinned = profile.and_then(|profile| profile.server_traits.as_ref());
        match pinned {
            Some(traits) => self.line("Server traits:", &format!("{traits} (from profile)")),
            None => {
                let traits = config.server_traits();
                if !traits.is_empty() {
                    self.line("Server traits:", &traits.to_string());
                }
            }
        }
    }

    /// What the next command that is connected will remove or tell.
    fn left(&mut self, config: &Config) {
        for held in given::left(config).unwrap_or_default() {
            self.line("Interrupted:", &held.intent().to_string());
        }
    }

    fn wrapping_key(&mut self, config: &Config, profile: Option<&Profile>) {
        let Some(key) = config.wrapping_key() else {
            self.line("Wrapping key ID:", REQUIRED);
            return;
        };
        self.line("Wrapping key ID:", &key.id);
        if let Some(label) = &key.label {
            self.line("Wrapping key label:", label);
        }
        let state = config.wrapping_key_state();
        let state = state.map(|state| format!("{state} (as last seen)"));
        self.line(
            "Wrapping key state:",
            state.as_deref().unwrap_or("(not seen yet)"),
        );
        let padding =
            profile.map_or_else(String::new, |profile| format!(", {}", profile.wrap_padding));
        let text = format!("{} ({} bits{padding})", key.algorithm, key.parameters);
        self.line("Wrapping algorithm:", &text);
        self.pending(config, ConfigFile::WrappingKeyReenciphered);
    }
}

fn version(setting: ProtocolSetting, profile: Option<&Profile>) -> String {
    match (setting, profile.map(|profile| profile.kmip_version)) {
        (ProtocolSetting::Agreed { major, minor }, _) => format!("{major}.{minor}"),
        (ProtocolSetting::FromProfile, Some(VersionChoice::Fixed { major, minor })) => {
            format!("{major}.{minor} (from profile)")
        }
        (ProtocolSetting::FromProfile, _) => "(from profile)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_announced_in_time() {
        let time = |text: &str| Asn1Time::from_str_x509(text).unwrap();
        let begin = time("20260101000000Z");
        let noticed = |end, now| notice(&begin, &time(end), &time(now));
        for (end, now, expected) in [
            ("20280101000000Z", "20271130000000Z", None),
            (
                "20280101000000Z",
                "20271203000000Z",
                Some("ends in 29 days"),
            ),
            ("20280101000000Z", "20280101000000Z", Some("expired")),
            ("20280101000000Z", "20280102000000Z", Some("expired")),
            // One for 30 days is not about to end from its first day on.
            ("20260131000000Z", "20260101000000Z", None),
            ("20260131000000Z", "20260121000001Z", Some("ends in 9 days")),
        ] {
            assert_eq!(noticed(end, now).as_deref(), expected, "{end} {now}");
        }
    }
}
