//! Re-enciphering under the next master key, by an administrative call to a single adapter.

use zeroize::Zeroizing;

use super::adapter::{Adapter, Selection};
use super::calls::nonsense;
use super::library::Library;
use super::token::{Aes, Pair, Token, malformed};
use crate::secure_key::{CardType, Register, RegisterContent, SecureKeyError, VerificationPattern};

/// Re-enciphers any key. The first adapter that can is taken: it needs the master key of the
/// token in CURRENT and a committed one in NEW.
pub(super) fn reencipher(
    selection: &Selection,
    token: &Token<'_>,
) -> Result<Vec<u8>, SecureKeyError> {
    let found = selection.register_of(token.pattern())?;
    if found != Register::Current {
        return Err(SecureKeyError::WrongRegister {
            found,
            wanted: Register::Current,
        });
    }
    let mut unfit = None;
    let mut failed = None;
    for adapter in selection.adapters() {
        let result = adapter
            .master_keys(&selection.library)
            .and_then(|keys| match keys.new {
                _ if keys.find(&token.pattern().0) != Some(Register::Current) => {
                    Err(SecureKeyError::UnknownMasterKey {
                        pattern: token.pattern().to_string(),
                        cause: None,
                    })
                }
                RegisterContent::Key(next) => {
                    let step = Step {
                        library: &selection.library,
                        adapter,
                        next,
                    };
                    step.key(token)
                }
                RegisterContent::Empty | RegisterContent::Unfinished => {
                    Err(SecureKeyError::NoNewMasterKey {
                        apqn: adapter.apqn,
                        kind: CardType::Ep11.master_key_kind(),
                    })
                }
            });
        match result {
            Ok(key) => return Ok(key),
            Err(
                error @ (SecureKeyError::UnknownMasterKey { .. }
                | SecureKeyError::NoNewMasterKey { .. }),
            ) => unfit = unfit.or(Some(error)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    // That one has no NEW master key tells little if another one that has it failed.
    Err(failed.or(unfit).unwrap_or(SecureKeyError::NoApqn))
}

struct Step<'a> {
    library: &'a Library,
    adapter: &'a Adapter,
    next: VerificationPattern,
}

impl Step<'_> {
    fn key(&self, token: &Token<'_>) -> Result<Vec<u8>, SecureKeyError> {
        let new = match token {
            Token::Pair(pair) => self.pair(pair)?,
            Token::Aes(aes) => self.aes(aes)?,
        };
        // A key that nobody can use must not replace one that somebody can.
        if Token::parse(&new)?.pattern() != self.next {
            let problem = "the key is not under the NEW master key";
            return Err(self.adapter.error(nonsense("m_admin", problem)));
        }
        Ok(new)
    }

    fn pair(&self, pair: &Pair<'_>) -> Result<Vec<u8>, SecureKeyError> {
        let blob = self.blob(pair.blob)?;
        // The MAC of the public key is made with the master key too.
        let public = self.blob(pair.public_with_mac)?;
        if !public.starts_with(pair.public) {
            return Err(malformed("its public key changed"));
        }
        pair.rebuild(&blob, &public)
    }

    fn aes(&self, aes: &Aes) -> Result<Vec<u8>, SecureKeyError> {
        Ok(aes.with_blob(self.blob(&aes.blob)?)?.token())
    }

    fn blob(&self, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecureKeyError> {
        let (library, adapter) = (self.library, self.adapter);
        let new = library
            .reencrypt(adapter.apqn, blob, adapter.handle())
            .map_err(|failed| adapter.error(failed))?;
        if new.len() != blob.len() {
            let problem = "the key has another size than before";
            return Err(adapter.error(nonsense("m_admin", problem)));
        }
        Ok(new)
    }
}
