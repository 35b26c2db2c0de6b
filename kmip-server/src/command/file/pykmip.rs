//! `server.conf` of PyKMIP.

use std::path::PathBuf;

use openssl::ssl::cipher_name;

use super::ini::{self, Entry};
use super::{Fault, Read, Warning};
use crate::command::options::Options;

/// Reads it. What has no counterpart here gives a warning, unless leaving it out would let in somebody
/// who was to be kept out.
pub(super) fn read(text: &str) -> Read {
    let mut options = Options::default();
    let mut warnings = Vec::new();
    let (mut host, mut port) = (None, None);
    options.file.demand_client_usage = true;
    options.allow_duplicate_names = true;
    for entry in ini::read(text)? {
        let warning = match entry.section.as_str() {
            "server" => server(&entry, &mut options, &mut host, &mut port)?,
            section if section.starts_with("auth:") => plugin(&entry)?,
            section => Some(format!("the section [{section}] is unknown and ignored")),
        };
        warnings.extend(warning.map(|message| Warning {
            line: Some(entry.line),
            message,
        }));
    }
    let last = text.lines().count().max(1);
    let missing = |name: &str| {
        let message = format!("`{name}` is missing in the section [server]");
        Fault {
            line: last,
            message,
        }
    };
    let host: String = host.ok_or_else(|| missing("hostname"))?;
    let port: u16 = port.ok_or_else(|| missing("port"))?;
    let required = [
        ("certificate_path", options.cert.is_none()),
        ("key_path", options.key.is_none()),
        ("ca_path", options.client_ca.is_empty()),
    ];
    if let Some((name, _)) = required.iter().find(|(_, absent)| *absent) {
        return Err(missing(name));
    }
    let colons = host.contains(':') && !host.starts_with('[');
    options.listen = Some(match colons {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    });
    Ok((options, warnings))
}

fn server(
    entry: &Entry,
    options: &mut Options,
    host: &mut Option<String>,
    port: &mut Option<u16>,
) -> Result<Option<String>, Fault> {
    let value = entry.value.as_str();
    let fault = |message: String| Fault {
        line: entry.line,
        message,
    };
    let path = || match value {
        "" => Err(fault(format!("`{}` names no file", entry.name))),
        value => Ok(PathBuf::from(value)),
    };
    match entry.name.as_str() {
        "hostname" => *host = Some(value.to_owned()),
        "port" => {
            let number = value.parse().ok().filter(|port| *port > 0);
            let wrong = || fault(format!("`{value}` is no port from 1 to 65535"));
            *port = Some(number.ok_or_else(wrong)?);
        }
        "certificate_path" => options.cert = Some(path()?),
        "key_path" => options.key = Some(path()?),
        "ca_path" => options.client_ca = vec![path()?],
        "policy_path" if value.is_empty() => {}
        "policy_path" => options.policies = Some(path()?),
        "auth_suite" => return auth_suite(value, options).map_err(fault),
        "enable_tls_client_auth" => {
            options.file.demand_client_usage = boolean(value).map_err(fault)?;
        }
        "tls_cipher_suites" => return suites(value, options).map_err(fault),
        "logging_level" => options.log_messages = logging_level(value).map_err(fault)?,
        "database_path" => options.store = Some(path()?),
        name => return Ok(Some(format!("`{name}` is unknown and ignored"))),
    }
    Ok(None)
}

/// Plug-ins ask others which groups a client is in. If they were left out, policies would be applied
/// to the wrong people.
fn plugin(entry: &Entry) -> Result<Option<String>, Fault> {
    match (entry.name.as_str(), boolean(&entry.value)) {
        ("enabled", Ok(true)) => Err(Fault {
            line: entry.line,
            message: format!(
                "[{}] is not supported: use users in a TOML file",
                entry.section
            ),
        }),
        ("enabled", Err(message)) => Err(Fault {
            line: entry.line,
            message,
        }),
        _ => Ok(None),
    }
}

fn auth_suite(value: &str, options: &mut Options) -> Result<Option<String>, String> {
    options.file.tls.only_1_2 = true;
    match value {
        "TLS1.2" => Ok(None),
        // TLS 1.0, which nobody should speak any more (RFC 8996).
        "Basic" => Ok(Some(
            "auth_suite Basic is TLS 1.0, which is not spoken: TLS 1.2 is used".to_owned(),
        )),
        _ => Err(format!(
            "`{value}` is no auth_suite: there are TLS1.2 and Basic"
        )),
    }
}

fn boolean(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("`{value}` is neither True nor False")),
    }
}

/// At DEBUG, PyKMIP logs messages.
fn logging_level(value: &str) -> Result<bool, String> {
    match value.to_ascii_uppercase().as_str() {
        "DEBUG" => Ok(true),
        "INFO" | "WARNING" | "ERROR" | "CRITICAL" => Ok(false),
        _ => Err(format!(
            "`{value}` is no logging_level: there are DEBUG, INFO, WARNING, ERROR and CRITICAL"
        )),
    }
}

/// Names of cipher suites by IANA or by OpenSSL, separated by blanks or commas.
fn suites(value: &str, options: &mut Options) -> Result<Option<String>, String> {
    let (mut ciphers, mut unknown) = (Vec::new(), Vec::new());
    let names = value
        .split([' ', ',', '\t'])
        .filter(|name| !name.is_empty());
    for name in names {
        match name.starts_with("TLS_") {
            false => ciphers.push(name),
            true if name.contains(char::from(0)) => unknown.push(name),
            true => match cipher_name(name) {
                "(NONE)" => unknown.push(name),
                known => ciphers.push(known),
            },
        }
    }
    if ciphers.is_empty() && !unknown.is_empty() {
        return Err(format!("OpenSSL has none of these: {}", unknown.join(", ")));
    }
    if !ciphers.is_empty() {
        options.file.tls.ciphers = Some(ciphers.join(":"));
    }
    let warning = format!("OpenSSL does not have {}", unknown.join(", "));
    Ok((!unknown.is_empty()).then_some(warning))
}
