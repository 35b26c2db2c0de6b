//! Keys, passwords and what else must not be seen.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use super::owned::IntoOwned;
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Item, Result};

/// A byte string that is a secret. Debug shows its length only; owned memory is wiped when it is
/// dropped, borrowed memory is up to its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<'a>(Bytes<'a>);

/// A text that is a secret, such as a password. See [`Secret`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText<'a>(Secret<'a>);

#[derive(Clone)]
enum Bytes<'a> {
    Borrowed(&'a [u8]),
    Owned(Zeroizing<Vec<u8>>),
}

impl<'a> Secret<'a> {
    /// A secret in somebody else's memory.
    pub const fn borrowed(bytes: &'a [u8]) -> Self {
        Secret(Bytes::Borrowed(bytes))
    }

    /// A secret of its own, wiped when it is dropped.
    pub fn owned(bytes: Vec<u8>) -> Secret<'static> {
        Secret(Bytes::Owned(Zeroizing::new(bytes)))
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl<'a> SecretText<'a> {
    /// A secret in somebody else's memory.
    pub const fn borrowed(text: &'a str) -> Self {
        SecretText(Secret::borrowed(text.as_bytes()))
    }

    /// A secret of its own, wiped when it is dropped.
    pub fn owned(text: String) -> SecretText<'static> {
        SecretText(Secret::owned(text.into_bytes()))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        // Only texts get in, so there is no other case.
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

impl PartialEq for Bytes<'_> {
    /// Takes the same time for all secrets of a length.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.as_slice(), other.as_slice());
        a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

impl Eq for Bytes<'_> {}

impl Bytes<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl Default for Secret<'_> {
    fn default() -> Self {
        Secret::borrowed(&[])
    }
}

impl<'a> From<&'a [u8]> for Secret<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Secret::borrowed(bytes)
    }
}

impl From<Vec<u8>> for Secret<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Secret::owned(bytes)
    }
}

impl<'a> From<&'a str> for SecretText<'a> {
    fn from(text: &'a str) -> Self {
        SecretText::borrowed(text)
    }
}

impl From<String> for SecretText<'_> {
    fn from(text: String) -> Self {
        SecretText::owned(text)
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret([{} bytes])", self.len())
    }
}

impl fmt::Debug for SecretText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText([redacted])")
    }
}

impl IntoOwned for Secret<'_> {
    type Owned = Secret<'static>;

    fn into_owned(self) -> Secret<'static> {
        match self.0 {
            Bytes::Borrowed(bytes) => Secret::owned(bytes.to_vec()),
            Bytes::Owned(bytes) => Secret(Bytes::Owned(bytes)),
        }
    }
}

impl IntoOwned for SecretText<'_> {
    type Owned = SecretText<'static>;

    fn into_owned(self) -> SecretText<'static> {
        SecretText(self.0.into_owned())
    }
}

impl<'a> Item<'a> for Secret<'a> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = match d.bytes()? {
            Cow::Borrowed(bytes) => Secret::borrowed(bytes),
            Cow::Owned(bytes) => Secret::owned(bytes),
        };
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.bytes(tag, self.expose())
    }
}

impl<'a> Item<'a> for SecretText<'a> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = match d.text()? {
            Cow::Borrowed(text) => SecretText::borrowed(text),
            Cow::Owned(text) => SecretText::owned(text),
        };
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.text(tag, self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!(
            "{:?} {:?}",
            Secret::borrowed(b"k3y"),
            SecretText::borrowed("pa55")
        );
        assert_eq!(shown, "Secret([3 bytes]) SecretText([redacted])");
    }

    #[test]
    fn owned_and_borrowed_secrets_compare_by_content() {
        assert_eq!(Secret::owned(vec![1, 2]), Secret::borrowed(&[1, 2]));
        assert_ne!(Secret::owned(vec![1, 2]), Secret::borrowed(&[1, 3]));
        assert_ne!(Secret::owned(vec![1, 2]), Secret::borrowed(&[1]));
    }
}
