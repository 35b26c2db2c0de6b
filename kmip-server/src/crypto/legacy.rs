//! Algorithms that OpenSSL keeps in its legacy provider: ciphers and hash functions of old, for what was
//! protected with them long ago.

use std::sync::OnceLock;

use openssl::cipher::Cipher;
use openssl::lib_ctx::LibCtx;
use openssl::md::Md;
use openssl::provider::Provider;

/// The provider, in a context of its own: the rest of the process, such as its TLS, has no old
/// algorithms because of it.
struct Legacy {
    context: LibCtx,
    _provider: Provider,
}

/// `None` where the system does not have the provider.
fn legacy() -> Option<&'static Legacy> {
    static LEGACY: OnceLock<Option<Legacy>> = OnceLock::new();
    let load = || {
        let context = LibCtx::new().ok()?;
        let provider = Provider::load(Some(&context), "legacy").ok()?;
        Some(Legacy {
            context,
            _provider: provider,
        })
    };
    LEGACY.get_or_init(load).as_ref()
}

/// A cipher by its name, of the default provider or of this one.
pub(super) fn cipher(name: &str) -> Option<Cipher> {
    let known = Cipher::fetch(None, name, None).ok();
    known.or_else(|| Cipher::fetch(Some(&legacy()?.context), name, None).ok())
}

/// A hash function of this provider by its name.
pub(super) fn hash_function(name: &str) -> Option<Md> {
    Md::fetch(Some(&legacy()?.context), name, None).ok()
}
