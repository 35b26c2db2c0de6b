//! Where the KMIP server is and how messages get there (behaviour reference 5.1).

use std::borrow::Cow;

use kmip::Encoding;
use kmip::client::ClientBuilder;
use kmip::transport::{AddressError, HttpsUrl, ServerAddress};

use crate::abi::PluginError;
use crate::profile::{self, Profile, Transport};

const SCHEME: &str = "https://";

/// A server as the user and the profile describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: ServerAddress,
    /// Path and encoding, for HTTPS.
    https: Option<(String, Encoding)>,
}

/// The server with the path that the profile has for HTTPS, if the user gave a URL without one. Such a
/// URL in `kmip.conf` is that of the C plugin, which means the path `/` by it.
pub(super) fn complete<'s>(server: &'s str, profile: &Profile) -> Cow<'s, str> {
    match authority(server) {
        Some(authority) if !authority.contains(['/', '?']) => {
            // The value is ignored in a profile that is not for HTTPS.
            let path = &*profile.https_uri;
            let path = if path.starts_with('/') { path } else { "/kmip" };
            Cow::Owned(format!("{server}{path}"))
        }
        _ => Cow::Borrowed(server),
    }
}

/// What follows the scheme of a URL.
fn authority(server: &str) -> Option<&str> {
    let scheme = server.get(..SCHEME.len())?;
    let is_url = scheme.eq_ignore_ascii_case(SCHEME);
    is_url.then(|| &server[SCHEME.len()..])
}

impl Target {
    /// `server` is `HOST[:PORT]` or a URL, as the user gave it. A URL means HTTPS whatever the
    /// profile says; the port is that of KMIP unless it is given.
    pub(super) fn new(server: &str, profile: &Profile) -> Result<Target, PluginError> {
        let invalid = |error: AddressError| PluginError::invalid(error.to_string());
        if authority(server).is_some() {
            let url: HttpsUrl = server.parse().map_err(invalid)?;
            return Ok(Target {
                address: url.server().clone(),
                https: Some((url.path().to_owned(), encoding(profile))),
            });
        }
        let https = match profile.transport {
            Transport::Tls => None,
            Transport::Https => Some((profile.https_uri.clone(), encoding(profile))),
        };
        Ok(Target {
            address: server.parse().map_err(invalid)?,
            https,
        })
    }

    /// Sets up a client for this way.
    pub(super) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.https {
            None => builder,
            Some((path, encoding)) => builder.https(path.clone(), *encoding),
        }
    }
}

fn encoding(profile: &Profile) -> Encoding {
    match profile.encoding {
        profile::Encoding::Ttlv => Encoding::Ttlv,
        profile::Encoding::Json => Encoding::Json,
        profile::Encoding::Xml => Encoding::Xml,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(server: &str) -> Result<Target, PluginError> {
        Target::new(server, &Profile::built_in_default().unwrap())
    }

    #[test]
    fn urls_mean_https() {
        for (server, address, path) in [
            ("https://keys.example", "keys.example:5696", "/"),
            ("HTTPS://keys.example:443/kmip", "keys.example:443", "/kmip"),
            ("https://[::1]/a:b?c", "[::1]:5696", "/a:b?c"),
        ] {
            let found = target(server).unwrap();
            assert_eq!(found.address.to_string(), address);
            let https = Some((path.to_owned(), Encoding::Ttlv));
            assert_eq!(found.https, https, "{server}");
        }
        for (server, completed) in [
            ("https://keys.example", "https://keys.example/kmip"),
            ("https://[::1]:443", "https://[::1]:443/kmip"),
            ("https://keys.example/", "https://keys.example/"),
            ("https://keys.example/a", "https://keys.example/a"),
            ("keys.example", "keys.example"),
        ] {
            let profile = Profile::built_in_default().unwrap();
            assert_eq!(complete(server, &profile), completed);
        }
        let found = target("keys.example").unwrap();
        assert_eq!((found.address.port(), found.https), (5696, None));
        for wrong in [
            "",
            "http://keys.example",
            "https://",
            "keys.example:0",
            "a b",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }
}
