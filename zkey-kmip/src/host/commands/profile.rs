//! `profile check`: whether a profile will do, before the plugin needs it.

use std::path::Path;

use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::output::{self, Record};
use crate::host::terminal::Terminal;
use crate::profile::{CustomAttributeScheme, Profile, VersionChoice, WrapKeyFormat};

const SUFFIX: &str = ".profile";

/// All keys that a profile can have (behaviour reference 4.1).
const KEYS: [&str; 24] = [
    "server-regex",
    "kmip-version",
    "transport",
    "encoding",
    "https-uri",
    "auth-scheme",
    "wrap-key-algorithm",
    "wrap-key-params",
    "wrap-key-format",
    "wrap-padding-method",
    "wrap-hashing-algorithm",
    "wrap-oaep-hashing-algorithm",
    "supports-link-attr",
    "supports-description-attr",
    "supports-comment-attr",
    "custom-attr-scheme",
    "supports-sensitive-attr",
    "check-always-sensitive-attr",
    "check-server-capabilities",
    "server-traits",
    "failover-servers",
    "connect-timeout",
    "response-timeout",
    "batch-size",
];

/// `profile check`
pub(crate) fn check(arguments: &Arguments, terminal: &Terminal) -> Result<(), HostError> {
    let path = arguments.path("file").unwrap_or(Path::new(""));
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file.strip_suffix(SUFFIX).unwrap_or(&file);
    let mut problems = Profile::problems(path)?;
    for key in warnings(path) {
        terminal.warn(key);
    }
    if let Some(last) = problems.pop() {
        for problem in problems {
            terminal.error(&problem.into());
        }
        return Err(last.into());
    }
    let profile = Profile::load(name, path)?;
    if !file.ends_with(SUFFIX) {
        terminal.warn(format_args!(
            "the plugin only finds files whose names end with '{SUFFIX}'"
        ));
    }
    output::print(vec![record(&profile)], arguments.flag("json"), terminal)?;
    match arguments.text("server-info")? {
        Some(server_info) if !profile.matches(&server_info) => {
            Err(HostError::ProfileDoesNotMatch {
                profile: profile.name,
                server_info,
            })
        }
        _ => Ok(()),
    }
}

/// What is no error to the plugin, but hardly meant.
fn warnings(path: &Path) -> Vec<String> {
    let content = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let mut seen = Vec::new();
    let mut warnings = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let Some((key, _)) = text.split_once('=').filter(|_| !text.starts_with('#')) else {
            continue;
        };
        let mut warn = |text: &str| {
            warnings.push(format!("{}:{line}: '{key}' {text}", path.display()));
        };
        if !KEYS.contains(&key) {
            warn("is no key of a profile and has no effect");
        } else if seen.contains(&key) {
            warn("was given before; the last one counts");
        }
        seen.push(key);
    }
    warnings
}

fn record(profile: &Profile) -> Record {
    let version = match profile.kmip_version {
        VersionChoice::Auto => "AUTO".to_owned(),
        VersionChoice::Fixed { major, minor } => format!("{major}.{minor}"),
    };
    let yes_no = |value: bool| if value { "yes" } else { "no" };
    let transport = format!("{:?}", profile.transport).to_uppercase();
    let encoding = format!("{:?}", profile.encoding).to_uppercase();
    // In the words of the file.
    let format = match profile.wrap_key_format {
        WrapKeyFormat::Pkcs1 => "PKCS1",
        WrapKeyFormat::Pkcs8 => "PKCS8",
        WrapKeyFormat::TransparentPublicKey => "TransparentPublicKey",
    };
    let padding = profile.wrap_padding.to_string();
    let scheme = match profile.custom_attribute_scheme {
        CustomAttributeScheme::V1Style => "v1-style",
        CustomAttributeScheme::V2Style => "v2-style",
    };
    let mut record = Record::new("Profile", &profile.name)
        .field(
            "KMIP version",
            version.as_str(),
            "kmip_version",
            version.as_str(),
        )
        .field(
            "Transport",
            transport.as_str(),
            "transport",
            transport.as_str(),
        )
        .field("Encoding", encoding.as_str(), "encoding", encoding.as_str())
        .field(
            "HTTPS URI",
            &*profile.https_uri,
            "https_uri",
            &*profile.https_uri,
        )
        .field(
            "Wrapping key",
            format!("RSA, {} bits, {format}", profile.wrap_key_bits),
            "wrap_key_bits",
            profile.wrap_key_bits,
        )
        .field(
            "Padding",
            padding.as_str(),
            "wrap_padding",
            padding.as_str(),
        )
        .field("Custom attributes", scheme, "custom_attributes", scheme);
    for (title, key, value) in [
        ("Supports Link", "supports_link", profile.supports_link),
        (
            "Supports Description",
            "supports_description",
            profile.supports_description,
        ),
        (
            "Supports Comment",
            "supports_comment",
            profile.supports_comment,
        ),
        (
            "Supports Sensitive",
            "supports_sensitive",
            profile.supports_sensitive,
        ),
        (
            "Check Always Sensitive",
            "check_always_sensitive",
            profile.check_always_sensitive,
        ),
        (
            "Check capabilities",
            "check_server_capabilities",
            profile.check_server_capabilities,
        ),
    ] {
        record = record.field(title, yes_no(value), key, value);
    }
    let traits = match &profile.server_traits {
        None => "AUTO".to_owned(),
        Some(traits) => traits.to_string(),
    };
    let servers: Vec<_> = profile
        .failover_servers
        .iter()
        .map(ToString::to_string)
        .collect();
    let servers = servers.join(", ");
    record
        .field(
            "Server traits",
            traits.as_str(),
            "server_traits",
            traits.as_str(),
        )
        .field(
            "Failover servers",
            servers.as_str(),
            "failover_servers",
            servers.as_str(),
        )
        .field(
            "Batch size",
            profile.batch_size.to_string(),
            "batch_size",
            profile.batch_size,
        )
}
