//! The values of one profile.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kmip::transport::ServerAddress;

use super::ProfileError;
use super::regex::Regex;
use super::values::Values;
use crate::properties::{Integrity, Properties};
use crate::secure_key::WrapPadding;
use crate::server_traits::ServerTraits;

/// Which version of the protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionChoice {
    /// The highest one that the server knows too.
    Auto,
    /// This one.
    #[allow(missing_docs)]
    Fixed { major: u32, minor: u32 },
}

/// What carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Transport {
    Tls,
    Https,
}

/// How messages are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Encoding {
    Ttlv,
    Json,
    Xml,
}

/// How the public wrapping key is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapKeyFormat {
    /// DER RSAPublicKey.
    Pkcs1,
    /// DER SubjectPublicKeyInfo.
    Pkcs8,
    /// Modulus and exponent.
    TransparentPublicKey,
}

/// How custom attributes are named from KMIP 2.0 on (7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomAttributeScheme {
    /// Vendor `x`, names begin with `zkey-`.
    V1Style,
    /// Vendor `zkey`.
    V2Style,
}

/// A profile.
pub struct Profile {
    /// The name of the file without `.profile`.
    pub name: String,
    /// Where it came from; the built-in one has no file.
    pub path: Option<PathBuf>,
    server_regex: Regex,
    /// Version of the protocol.
    pub kmip_version: VersionChoice,
    /// Transport.
    pub transport: Transport,
    /// Encoding; other than TTLV only over HTTPS.
    pub encoding: Encoding,
    /// Path of the service for HTTPS, beginning with a slash.
    pub https_uri: String,
    /// Bits of the RSA wrapping key.
    pub wrap_key_bits: u32,
    /// How the wrapping key is registered.
    pub wrap_key_format: WrapKeyFormat,
    /// How keys are wrapped.
    pub wrap_padding: WrapPadding,
    /// The server knows Link.
    pub supports_link: bool,
    /// The server knows Description, from 2.0 on.
    pub supports_description: bool,
    /// The server knows Comment, from 2.0 on.
    pub supports_comment: bool,
    /// How custom attributes are named.
    pub custom_attribute_scheme: CustomAttributeScheme,
    /// The server knows Sensitive, from 2.0 on.
    pub supports_sensitive: bool,
    /// Keys must have been sensitive all their life. Only set together with
    /// `supports_sensitive`.
    pub check_always_sensitive: bool,
    /// The server must announce all that is needed.
    pub check_server_capabilities: bool,
    /// What there is to know about the server, instead of learning it.
    pub server_traits: Option<ServerTraits>,
    /// Servers of the same cluster, used in this order while the configured one cannot be reached.
    pub failover_servers: Vec<ServerAddress>,
    /// How long to wait for a connection.
    pub connect_timeout: Option<Duration>,
    /// How long to wait for an answer.
    pub response_timeout: Option<Duration>,
    /// The most operations in one message.
    pub batch_size: usize,
}

const SERVER_REGEX: &str = "server-regex";
pub(super) const WRAP_KEY_PARAMS: &str = "wrap-key-params";

/// The most operations in one message, unless the profile says otherwise.
const BATCH_SIZE: u32 = 50;

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Profile {
    /// The profile for servers that are not known, as it is shipped.
    ///
    /// # Errors
    /// None that can happen: a test reads it.
    pub fn built_in_default() -> Result<Profile, ProfileError> {
        let content = include_bytes!("../../profiles/default.profile");
        let path = Path::new("default.profile (built in)");
        let values = Properties::parse(content, path, Integrity::Plain)?;
        let profile = Profile::from_properties("default".to_owned(), path, &values)?;
        Ok(Profile {
            path: None,
            ..profile
        })
    }

    /// Reads the file of a profile.
    ///
    /// # Errors
    /// The file cannot be read, or has a wrong value.
    pub fn load(name: &str, path: &Path) -> Result<Profile, ProfileError> {
        let values = Properties::load(path, Integrity::Plain).map_err(|error| {
            if error.is_not_found() {
                ProfileError::NotFound {
                    name: name.to_owned(),
                    path: path.to_owned(),
                    known: Vec::new(),
                }
            } else {
                error.into()
            }
        })?;
        Profile::from_properties(name.to_owned(), path, &values)
    }

    /// All that is wrong with the values of a profile, which [`Profile::load`] tells one by one.
    ///
    /// # Errors
    /// There is no such file, or a line has no value at all.
    pub fn problems(path: &Path) -> Result<Vec<ProfileError>, ProfileError> {
        let mut values = Properties::load(path, Integrity::Plain)?;
        let mut problems = Vec::new();
        // What is wrong is left out or, where it must be there, replaced, and then the rest shows.
        loop {
            match Profile::from_properties(String::new(), path, &values) {
                Ok(_) => return Ok(problems),
                Err(problem) => {
                    let key = match problem {
                        ProfileError::Value { key, .. } | ProfileError::Missing { key, .. } => key,
                        other => return Err(other),
                    };
                    problems.push(problem);
                    values.remove(key);
                    if key == SERVER_REGEX {
                        values.set(key, ".*")?;
                    } else if key == WRAP_KEY_PARAMS {
                        values.set(key, "2048")?;
                    }
                }
            }
        }
    }

    /// Whether the profile is for a server that introduces itself with this text.
    pub fn matches(&self, server_info: &str) -> bool {
        self.server_regex.is_match(server_info)
    }

    fn from_properties(
        name: String,
        path: &Path,
        values: &Properties,
    ) -> Result<Profile, ProfileError> {
        let values = Values { path, values };
        let server_regex = values.mandatory(SERVER_REGEX)?;
        let server_regex = Regex::new(server_regex)
            .map_err(|problem| values.wrong(SERVER_REGEX, server_regex, problem))?;
        let transport = values.choice(
            "transport",
            &[("TLS", Transport::Tls), ("HTTPS", Transport::Https)],
        )?;
        let encodings = [
            ("TTLV", Encoding::Ttlv),
            ("JSON", Encoding::Json),
            ("XML", Encoding::Xml),
        ];
        let encoding = values.choice("encoding", &encodings)?;
        if encoding != Encoding::Ttlv && transport != Transport::Https {
            let value = values.get("encoding").unwrap_or_default();
            return Err(values.wrong("encoding", value, "it needs transport=HTTPS"));
        }
        values.choice("auth-scheme", &[("TLSClientCert", ())])?;
        values.choice("wrap-key-algorithm", &[("RSA", ())])?;
        let formats = [
            ("PKCS1", WrapKeyFormat::Pkcs1),
            ("PKCS8", WrapKeyFormat::Pkcs8),
            ("TransparentPublicKey", WrapKeyFormat::TransparentPublicKey),
        ];
        let schemes = [
            ("v1-style", CustomAttributeScheme::V1Style),
            ("v2-style", CustomAttributeScheme::V2Style),
        ];
        let supports_sensitive = values.flag("supports-sensitive-attr", false)?;
        let check_always_sensitive = values.flag("check-always-sensitive-attr", false)?;
        Ok(Profile {
            name,
            path: Some(path.to_owned()),
            server_regex,
            kmip_version: values.version()?,
            transport,
            encoding,
            https_uri: values.https_uri(transport)?,
            wrap_key_bits: values.wrap_key_bits()?,
            wrap_key_format: values.choice("wrap-key-format", &formats)?,
            wrap_padding: values.wrap_padding()?,
            supports_link: values.flag("supports-link-attr", false)?,
            supports_description: values.flag("supports-description-attr", false)?,
            supports_comment: values.flag("supports-comment-attr", false)?,
            custom_attribute_scheme: values.choice("custom-attr-scheme", &schemes)?,
            supports_sensitive,
            check_always_sensitive: supports_sensitive && check_always_sensitive,
            check_server_capabilities: values.flag("check-server-capabilities", true)?,
            server_traits: values.server_traits()?,
            failover_servers: values.failover_servers()?,
            connect_timeout: values.seconds("connect-timeout")?,
            response_timeout: values.seconds("response-timeout")?,
            batch_size: values.number("batch-size", 1..=1000)?.unwrap_or(BATCH_SIZE) as usize,
        })
    }
}
