//! The host library `libcsulcca.so`: the functions that are needed of it, and a safe way to call
//! each of them.
//!
//! All parameters of all verbs are pointers, to a `long` or to bytes. The first four are return
//! code, reason code, and exit data, which no verb uses; a [`Rules`] or a [`Buffer`] stands for
//! two of them, a length and what is that long.

use std::ffi::{OsStr, c_long, c_uchar};
use std::ptr;

use libloading::os::unix::{Library as Handle, RTLD_GLOBAL, RTLD_NOW};

use super::super::{CardType, SecureKeyError};
use super::parameters::{Buffer, Code, Rules};

/// The name that the dynamic linker searches for.
pub(super) const NAME: &str = "libcsulcca.so";

type Long = *mut c_long;
type Bytes = *mut c_uchar;

macro_rules! verbs {
    ($($name:ident($($parameter:ty),*);)*) => {
        /// The functions, all of which are there, also those that only other users of the library
        /// call: one that lacks them is too old.
        #[allow(non_snake_case, dead_code)]
        struct Verbs {
            $($name: unsafe extern "C" fn(Long, Long, Long, Bytes, $($parameter),*),)*
        }

        impl Verbs {
            fn load(handle: &Handle) -> Result<Verbs, SecureKeyError> {
                Ok(Verbs {
                    $($name: {
                        // SAFETY: the library's interface gives the function of this name this
                        // type. The pointer is not used after the library is unloaded, since
                        // `Library` keeps both.
                        let symbol = unsafe { handle.get(stringify!($name).as_bytes()) };
                        *symbol.map_err(|source| missing(stringify!($name), source))?
                    },)*
                })
            }
        }
    };
}

verbs! {
    CSUACFV(Long, Bytes);
    CSUACFQ(Long, Bytes, Long, Bytes);
    CSUACRA(Long, Bytes, Long, Bytes);
    CSUACRD(Long, Bytes, Long, Bytes);
    CSNBKTC(Long, Bytes, Bytes);
    CSNBKTC2(Long, Bytes, Long, Bytes);
    CSNBKTB2(
        Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes
    );
    CSNBKTR2(Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes);
    CSNBRKA(Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes);
    CSNDPKG(Long, Bytes, Long, Bytes, Long, Bytes, Bytes, Long, Bytes);
    CSNDPKB(
        Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes,
        Long, Bytes, Long, Bytes
    );
    CSNDKTC(Long, Bytes, Long, Bytes);
    CSNDDSG(Long, Bytes, Long, Bytes, Long, Bytes, Long, Long, Bytes);
    CSNDPKD(Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes);
    CSNDSYI(Long, Bytes, Long, Bytes, Long, Bytes, Long, Bytes);
}

fn missing(symbol: &'static str, source: libloading::Error) -> SecureKeyError {
    SecureKeyError::SymbolMissing {
        card_type: CardType::Cca,
        library: NAME,
        symbol,
        source,
    }
}

/// Calls a verb; the exit data is `exit` or, where real callers do so, null.
macro_rules! call {
    ($library:ident.$verb:ident($($argument:expr),* $(,)?)) => {{
        let (mut exit_length, mut exit) = (0, [0; 4]);
        call!($library.$verb[&mut exit_length, exit.as_mut_ptr()]($($argument),*))
    }};
    ($library:ident.$verb:ident without exit data ($($argument:expr),* $(,)?)) => {
        call!($library.$verb[ptr::null_mut(), ptr::null_mut()]($($argument),*))
    };
    ($library:ident.$verb:ident[$exit_length:expr, $exit:expr]($($argument:expr),*)) => {{
        let mut code = Code::default();
        // SAFETY: the pointers come from references and buffers that live until the verb is back
        // and that nothing else uses meanwhile. A verb writes no more bytes than the length
        // before them allows, or than the interface says where there is none; all buffers are as
        // long as their length, and rule arrays as long as the longest that is returned.
        unsafe {
            ($library.verbs.$verb)(
                &mut code.return_code,
                &mut code.reason_code,
                $exit_length,
                $exit,
                $($argument),*
            );
        }
        code
    }};
}

/// The loaded library. It reads the environment when it is loaded.
pub(super) struct Library {
    verbs: Verbs,
    /// Unloaded last.
    _handle: Handle,
}

impl Library {
    /// Loads the library by a name that the dynamic linker searches for, or by its path.
    pub(super) fn load(name: &OsStr) -> Result<Library, SecureKeyError> {
        // SAFETY: runs the initialisers of the library that the system has for these adapters,
        // found as zkey finds it.
        let handle = unsafe { Handle::open(Some(name), RTLD_NOW | RTLD_GLOBAL) };
        let handle = handle.map_err(|source| SecureKeyError::LibraryMissing {
            card_type: CardType::Cca,
            names: NAME,
            source,
        })?;
        Ok(Library {
            verbs: Verbs::load(&handle)?,
            _handle: handle,
        })
    }

    /// CSUACFV: the version of the library.
    pub(super) fn version(&self, version: &mut Buffer) -> Code {
        call!(self.CSUACFV(&mut version.length, version.data()))
    }

    /// CSUACFQ: facility query.
    pub(super) fn query(&self, rules: &mut Rules, data: &mut Buffer) -> Code {
        call!(self.CSUACFQ(
            &mut rules.count,
            rules.array(),
            &mut data.length,
            data.data()
        ))
    }

    /// CSUACRA: allocates an adapter.
    pub(super) fn allocate(&self, rules: &mut Rules, name: &mut Buffer) -> Code {
        call!(self.CSUACRA(
            &mut rules.count,
            rules.array(),
            &mut name.length,
            name.data()
        ))
    }

    /// CSUACRD: deallocates an adapter.
    pub(super) fn deallocate(&self, rules: &mut Rules, name: &mut Buffer) -> Code {
        call!(self.CSUACRD(
            &mut rules.count,
            rules.array(),
            &mut name.length,
            name.data()
        ))
    }

    /// CSNBKTC: re-enciphers an AESDATA token.
    pub(super) fn change_data_key(&self, rules: &mut Rules, key: &mut [u8; 64]) -> Code {
        call!(self.CSNBKTC(&mut rules.count, rules.array(), key.as_mut_ptr()))
    }

    /// CSNBKTC2: re-enciphers an AESCIPHER token.
    pub(super) fn change_cipher_key(&self, rules: &mut Rules, key: &mut Buffer) -> Code {
        call!(self.CSNBKTC2(&mut rules.count, rules.array(), &mut key.length, key.data()))
    }

    /// CSNBKTB2: builds the skeleton of an AESCIPHER token.
    pub(super) fn build_cipher_key(&self, rules: &mut Rules, token: &mut Buffer) -> Code {
        let mut clear_bits = 0;
        let [mut name, mut associated, mut token_data, mut verb_data] =
            [(); 4].map(|()| Buffer::empty());
        call!(self.CSNBKTB2(
            &mut rules.count,
            rules.array(),
            &mut clear_bits,
            ptr::null_mut(),
            &mut name.length,
            name.data(),
            &mut associated.length,
            associated.data(),
            &mut token_data.length,
            token_data.data(),
            &mut verb_data.length,
            verb_data.data(),
            &mut token.length,
            token.data(),
        ))
    }

    /// CSNBKTR2: translates a token into the one that `output` holds the skeleton of.
    pub(super) fn translate(
        &self,
        rules: &mut Rules,
        input: &mut Buffer,
        output: &mut Buffer,
    ) -> Code {
        let [mut input_kek, mut output_kek] = [(); 2].map(|()| Buffer::new(&[0; 64]));
        call!(self.CSNBKTR2(
            &mut rules.count,
            rules.array(),
            &mut input.length,
            input.data(),
            &mut input_kek.length,
            input_kek.data(),
            &mut output_kek.length,
            output_kek.data(),
            &mut output.length,
            output.data(),
        ))
    }

    /// CSNBRKA: restricts what may be done with a key.
    pub(super) fn restrict(&self, rules: &mut Rules, key: &mut Buffer) -> Code {
        let [mut kek, mut first, mut second] = [(); 3].map(|()| Buffer::empty());
        call!(self.CSNBRKA(
            &mut rules.count,
            rules.array(),
            &mut key.length,
            key.data(),
            &mut kek.length,
            kek.data(),
            &mut first.length,
            first.data(),
            &mut second.length,
            second.data(),
        ))
    }

    /// CSNDPKB: builds the skeleton of a key pair.
    pub(super) fn build_pair(
        &self,
        rules: &mut Rules,
        values: &mut Buffer,
        token: &mut Buffer,
    ) -> Code {
        let [mut name, mut r1, mut r2, mut r3, mut r4, mut r5] = [(); 6].map(|()| Buffer::empty());
        call!(self.CSNDPKB(
            &mut rules.count,
            rules.array(),
            &mut values.length,
            values.data(),
            &mut name.length,
            name.data(),
            &mut r1.length,
            r1.data(),
            &mut r2.length,
            r2.data(),
            &mut r3.length,
            r3.data(),
            &mut r4.length,
            r4.data(),
            &mut r5.length,
            r5.data(),
            &mut token.length,
            token.data(),
        ))
    }

    /// CSNDPKG: generates a key pair.
    pub(super) fn generate_pair(
        &self,
        rules: &mut Rules,
        skeleton: &mut Buffer,
        token: &mut Buffer,
    ) -> Code {
        let mut regeneration = Buffer::empty();
        let mut transport = [0; 64];
        call!(self.CSNDPKG without exit data (
            &mut rules.count,
            rules.array(),
            &mut regeneration.length,
            regeneration.data(),
            &mut skeleton.length,
            skeleton.data(),
            transport.as_mut_ptr(),
            &mut token.length,
            token.data(),
        ))
    }

    /// CSNDKTC: re-enciphers the token of a key pair.
    pub(super) fn change_pair(&self, rules: &mut Rules, key: &mut Buffer) -> Code {
        call!(self.CSNDKTC(&mut rules.count, rules.array(), &mut key.length, key.data()))
    }

    /// CSNDDSG: signs.
    pub(super) fn sign(
        &self,
        rules: &mut Rules,
        key: &mut Buffer,
        hash: &mut Buffer,
        signature: &mut Buffer,
    ) -> Code {
        let mut bits = 0;
        call!(self.CSNDDSG(
            &mut rules.count,
            rules.array(),
            &mut key.length,
            key.data(),
            &mut hash.length,
            hash.data(),
            &mut signature.length,
            &mut bits,
            signature.data(),
        ))
    }

    /// CSNDSYI: imports a key that is enciphered with RSA. The length of `token` is its room, not
    /// what some callers pass.
    pub(super) fn import(
        &self,
        rules: &mut Rules,
        enciphered: &mut Buffer,
        key: &mut Buffer,
        token: &mut Buffer,
    ) -> Code {
        call!(self.CSNDSYI without exit data (
            &mut rules.count,
            rules.array(),
            &mut enciphered.length,
            enciphered.data(),
            &mut key.length,
            key.data(),
            &mut token.length,
            token.data(),
        ))
    }
}

/// Sets what the library reads when it is loaded: the domain, and that no adapter is preset.
pub(super) fn set_environment(domain: u16) {
    // SAFETY: changing the environment is a data race only if another thread reads it at the same
    // time without the standard library. zkey and this crate's host have one thread; whoever
    // loads this library into a process with more must not change or read the environment from C
    // meanwhile. The library offers no other way to choose a domain.
    unsafe {
        std::env::set_var("CSU_DEFAULT_DOMAIN", domain.to_string());
        std::env::remove_var("CSU_DEFAULT_ADAPTER");
    }
}
