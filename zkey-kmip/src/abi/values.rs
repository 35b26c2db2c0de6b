//! The values that cross the interface, as safe Rust types (behaviour reference 1.3, 1.9).

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroize;

use super::error::PluginError;

/// Longest key identifier in bytes; the host's buffer has one more for the NUL.
pub const KEY_ID_SIZE: usize = 256;
/// Longest key label in bytes; the host's buffer has one more for the NUL.
pub const KEY_LABEL_SIZE: usize = 256;

/// One domain of one cryptographic adapter. Displayed, parsed and stored as `cc.dddd`, in
/// hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Apqn {
    /// Number of the adapter.
    pub card: u16,
    /// Number of the domain.
    pub domain: u16,
}

impl fmt::Display for Apqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}.{:04x}", self.card, self.domain)
    }
}

/// The text is not an APQN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an APQN: write card.domain in hexadecimal, such as 03.0039")]
pub struct ApqnError(String);

impl FromStr for Apqn {
    type Err = ApqnError;

    fn from_str(text: &str) -> Result<Self, ApqnError> {
        let number = |digits: &str, longest: usize| {
            let fits = (1..=longest).contains(&digits.len());
            let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if fits && all_hex {
                u16::from_str_radix(digits, 16).ok()
            } else {
                None
            }
        };
        text.split_once('.')
            .and_then(|(card, domain)| {
                Some(Apqn {
                    card: number(card, 2)?,
                    domain: number(domain, 4)?,
                })
            })
            .ok_or_else(|| ApqnError(text.to_owned()))
    }
}

/// One plugin option of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionValue<'a> {
    /// The option's value: see [`super::options::code`].
    pub code: i32,
    /// Its argument. Not necessarily UTF-8, since many arguments are file names.
    pub argument: Option<&'a OsStr>,
}

impl<'a> OptionValue<'a> {
    /// The argument as text.
    ///
    /// # Errors
    /// The option came without argument, or with one that is not UTF-8.
    pub fn text(&self) -> Result<&'a str, PluginError> {
        self.required()?
            .to_str()
            .ok_or_else(|| PluginError::invalid(format!("argument of {self} is not UTF-8")))
    }

    /// The argument as file name.
    ///
    /// # Errors
    /// The option came without argument.
    pub fn path(&self) -> Result<&'a Path, PluginError> {
        self.required().map(Path::new)
    }

    fn required(&self) -> Result<&'a OsStr, PluginError> {
        self.argument
            .ok_or_else(|| PluginError::invalid(format!("{self} needs an argument")))
    }
}

/// `option -x`, or `option 256` for one without short letter.
impl fmt::Display for OptionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u8::try_from(self.code) {
            Ok(letter) if letter.is_ascii_alphanumeric() => {
                write!(f, "option -{}", char::from(letter))
            }
            _ => write!(f, "option {}", self.code),
        }
    }
}

/// One property of a key. A value that it owns is wiped when dropped: one of them is a passphrase.
#[derive(Clone, PartialEq, Eq)]
pub struct Property<'a> {
    /// Name, such as `description` or `zkey-name`.
    pub name: Cow<'a, str>,
    /// Value; `None` removes the property.
    pub value: Option<Cow<'a, str>>,
}

impl Drop for Property<'_> {
    fn drop(&mut self) {
        if let Some(Cow::Owned(value)) = &mut self.value {
            value.zeroize();
        }
    }
}

impl<'a> Property<'a> {
    /// A property with a value.
    pub fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Property {
            name: name.into(),
            value: Some(value.into()),
        }
    }

    /// The wish to remove the property `name`.
    pub fn removal(name: impl Into<Cow<'a, str>>) -> Self {
        Property {
            name: name.into(),
            value: None,
        }
    }

    /// The same without borrows.
    pub fn into_owned(mut self) -> Property<'static> {
        let value = self.value.take();
        Property {
            name: Cow::Owned(std::mem::take(&mut self.name).into_owned()),
            value: value.map(|value| Cow::Owned(value.into_owned())),
        }
    }
}

/// Hides passphrases: verbose output and test failures print properties.
impl fmt::Debug for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            None => write!(f, "{} (removed)", self.name),
            Some(_) if self.name.contains("passphrase") => write!(f, "{}=(hidden)", self.name),
            Some(value) => write!(f, "{}={value:?}", self.name),
        }
    }
}

macro_rules! c_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$value_doc])* $value = $number),* }

        impl $name {
            /// The value of the C enumeration, if it has such a one.
            pub const fn from_raw(raw: i32) -> Option<Self> {
                match raw {
                    $($number => Some($name::$value),)*
                    _ => None,
                }
            }

            /// The number in the C enumeration.
            pub const fn raw(self) -> i32 {
                self as i32
            }
        }
    };
}

c_enum! {
    /// Which half of a key is generated.
    KeyMode {
        /// A whole key.
        NonXts = 0,
        /// The first key of an XTS pair.
        Xts1 = 1,
        /// The second key of an XTS pair.
        Xts2 = 2,
    }
}

c_enum! {
    /// How keys are re-enciphered.
    ReencipherMode {
        /// The plugin decides.
        Auto = 0,
        /// The new token replaces the old one at once.
        InPlace = 1,
        /// The new token waits beside the old one until the master key is set.
        Staged = 2,
        /// The waiting token replaces the old one.
        StagedComplete = 3,
    }
}

c_enum! {
    /// Between which master key registers keys are re-enciphered.
    MasterKeyRegister {
        /// The plugin decides.
        Auto = 0,
        /// From the OLD register to CURRENT.
        FromOld = 1,
        /// From CURRENT to NEW.
        ToNew = 2,
        /// From OLD by way of CURRENT to NEW.
        FromOldToNew = 3,
    }
}

/// The types of secure keys that a repository knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecureKeyType {
    /// `CCA-AESDATA`.
    CcaAesData,
    /// `CCA-AESCIPHER`.
    CcaAesCipher,
    /// `EP11-AES`.
    Ep11Aes,
}

impl SecureKeyType {
    /// All types, in the order in which the host looks for its default.
    pub const ALL: [SecureKeyType; 3] = [
        SecureKeyType::CcaAesData,
        SecureKeyType::CcaAesCipher,
        SecureKeyType::Ep11Aes,
    ];

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            SecureKeyType::CcaAesData => "CCA-AESDATA",
            SecureKeyType::CcaAesCipher => "CCA-AESCIPHER",
            SecureKeyType::Ep11Aes => "EP11-AES",
        }
    }

    /// The type of this name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for SecureKeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The commands of the host to which a plugin can add options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PluginCommand {
    /// `zkey kms configure`.
    Configure,
    /// `zkey kms reencipher`.
    Reencipher,
    /// `zkey generate`.
    Generate,
    /// `zkey remove`.
    Remove,
    /// `zkey kms list`.
    List,
    /// `zkey kms import`.
    ListImport,
}

impl PluginCommand {
    /// All commands.
    pub const ALL: [PluginCommand; 6] = [
        PluginCommand::Configure,
        PluginCommand::Reencipher,
        PluginCommand::Generate,
        PluginCommand::Remove,
        PluginCommand::List,
        PluginCommand::ListImport,
    ];

    /// The name that `kms_get_command_options` gets.
    pub const fn name(self) -> &'static str {
        match self {
            PluginCommand::Configure => "configure",
            PluginCommand::Reencipher => "reencipher",
            PluginCommand::Generate => "generate",
            PluginCommand::Remove => "remove",
            PluginCommand::List => "list",
            PluginCommand::ListImport => "list-import",
        }
    }

    /// The command of this name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apqns_are_hexadecimal() {
        let apqn: Apqn = "3.39".parse().unwrap();
        assert_eq!(
            apqn,
            Apqn {
                card: 3,
                domain: 0x39
            }
        );
        assert_eq!(apqn.to_string(), "03.0039");
        for wrong in [
            "", "3", ".", "3.", "103.0001", "03.00391", "+3.1", "3.1.1", "g.1",
        ] {
            assert!(wrong.parse::<Apqn>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn passphrases_are_not_printed() {
        let property = Property::new("dummy-passphrase-base64", "c2VjcmV0");
        assert!(!format!("{property:?}").contains("c2Vj"));
    }
}
