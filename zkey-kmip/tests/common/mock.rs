//! A plugin without key server, whose functions do what the tests need.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::Path;

use zkey_kmip::abi::{
    Apqn, Configured, Context, Errno, GenerateRequest, GeneratedKey, ImportRequest, Kms,
    ListRequest, ListedKey, OptionValue, PluginError, Property, Reencipher, SecureKeyType,
};

/// The mock. What it is asked for decides what happens: the key `panic` panics, the key `missing`
/// fails, and so on.
pub struct Mock {
    directory: String,
    calls: Cell<u32>,
    configured: RefCell<Vec<String>>,
}

/// An identifier with room for more than the host has.
pub fn long_id() -> String {
    "k".repeat(300)
}

/// A label that must be cut between two of its two-byte characters.
pub fn long_label() -> String {
    format!("x{}", "ä".repeat(200))
}

impl Mock {
    fn call(&self, key_id: &str) -> Result<(), PluginError> {
        self.calls.set(self.calls.get() + 1);
        match key_id {
            "panic" => panic!("mock panics as told"),
            "missing" => Err(PluginError::new(Errno::ENOENT, "no such key")
                .caused_by(std::io::Error::other("Item Not Found"))),
            _ => Ok(()),
        }
    }
}

impl Kms for Mock {
    fn bind(directory: &Path) -> Result<(), PluginError> {
        if directory == Path::new("panic") {
            panic!("mock panics in bind");
        }
        if directory == Path::new("readonly") {
            return Err(PluginError::new(Errno::EACCES, "cannot write"));
        }
        Ok(())
    }

    fn initialize(context: Context) -> Result<Self, PluginError> {
        match context.config_directory.to_str() {
            Some("panic") => panic!("mock panics in initialize"),
            Some("broken") => Err(PluginError::new(Errno::EPERM, "kmip.conf is broken")),
            other => Ok(Mock {
                directory: other.unwrap_or_default().to_owned(),
                calls: Cell::new(0),
                configured: RefCell::default(),
            }),
        }
    }

    fn supports_key_type(&self, key_type: SecureKeyType) -> bool {
        key_type != SecureKeyType::Ep11Aes
    }

    fn info(&self, out: &mut dyn Write) -> Result<(), PluginError> {
        self.call(&self.directory)?;
        writeln!(out, "mock of {}", self.directory)
            .map_err(|error| PluginError::io("cannot print", error))
    }

    fn configure(
        &self,
        apqns: Option<&[Apqn]>,
        options: &[OptionValue<'_>],
    ) -> Result<Configured, PluginError> {
        let apqns = apqns.map(|apqns| apqns.iter().map(Apqn::to_string).collect::<Vec<_>>());
        let mut lines = vec![format!("{apqns:?}")];
        for option in options {
            lines.push(format!("{option}={:?}", option.argument));
        }
        self.configured.replace(lines);
        match options.last().map(|option| option.code) {
            Some(256) => Ok(Configured::Complete),
            Some(257) => Err(PluginError::canceled("not the right server")),
            Some(258) => panic!("mock panics in configure"),
            _ => Ok(Configured::Incomplete),
        }
    }

    fn deconfigure(&self) -> Result<(), PluginError> {
        self.call(&self.directory)
    }

    fn login(&self) -> Result<(), PluginError> {
        self.call(&self.directory)
    }

    fn reencipher(&self, request: &Reencipher<'_>) -> Result<(), PluginError> {
        Err(PluginError::invalid(format!(
            "{:?} {:?}",
            request.mode, request.register
        )))
    }

    fn generate_key(&self, request: &GenerateRequest<'_>) -> Result<GeneratedKey, PluginError> {
        let name = request
            .properties
            .iter()
            .find(|property| property.name == "zkey-name");
        let name = name
            .and_then(|name| name.value.as_deref())
            .unwrap_or("unnamed")
            .to_owned();
        self.call(&name)?;
        let label = request
            .options
            .iter()
            .find(|option| option.code == i32::from(b'B'));
        let label = label
            .map(OptionValue::text)
            .transpose()?
            .unwrap_or(&name)
            .to_owned();
        Ok(GeneratedKey {
            blob: vec![request.mode.raw() as u8; if name == "huge" { 1000 } else { 64 }],
            key_id: if name == "long-id" {
                long_id()
            } else {
                format!("id-{name}")
            },
            label: if name == "long-label" {
                long_label()
            } else {
                label
            },
        })
    }

    fn set_key_properties(
        &self,
        key_id: &str,
        properties: &[Property<'_>],
    ) -> Result<(), PluginError> {
        self.call(key_id)?;
        if key_id == "echo" {
            return Err(PluginError::invalid(format!("{properties:?}")));
        }
        Ok(())
    }

    fn get_key_properties(&self, key_id: &str) -> Result<Vec<Property<'static>>, PluginError> {
        self.call(key_id)?;
        Ok(match key_id {
            "empty" => Vec::new(),
            "nul" => vec![Property::new("good", "1"), Property::new("bad", "a\0b")],
            "configured" => {
                let lines = self.configured.borrow().clone();
                lines
                    .into_iter()
                    .map(|line| Property::new("line", line))
                    .collect()
            }
            _ => vec![
                Property::new("description", "größer"),
                Property::new("volumes", ""),
                Property::removal("gone"),
            ],
        })
    }

    fn remove_key(&self, key_id: &str, options: &[OptionValue<'_>]) -> Result<(), PluginError> {
        self.call(key_id)?;
        options
            .iter()
            .try_for_each(|option| option.text().map(drop))
    }

    fn list_keys(
        &self,
        request: &ListRequest<'_>,
        found: &mut dyn FnMut(&ListedKey<'_>) -> Result<(), PluginError>,
    ) -> Result<(), PluginError> {
        self.call(request.label_pattern.unwrap_or_default())?;
        let lines = ["first line".to_owned(), "second line".to_owned()];
        for (index, key_id) in ["one", "two", "three"].into_iter().enumerate() {
            let properties = [Property::new("zkey-name", format!("name-{key_id}"))];
            found(&ListedKey {
                key_id,
                label: &format!("label-{key_id}"),
                key_type: (index == 1).then_some(SecureKeyType::CcaAesCipher),
                key_bits: 256,
                properties: &properties,
                additional_info: &lines[..index],
            })?;
        }
        if request.filter.is_empty() {
            Ok(())
        } else {
            Err(PluginError::invalid(format!("{} calls", self.calls.get())))
        }
    }

    fn import_key(&self, request: &ImportRequest<'_>) -> Result<Vec<u8>, PluginError> {
        self.call(request.key_id)?;
        let size = if request.key_id == "huge" { 1000 } else { 64 };
        Ok(vec![
            request.key_type.map_or(0xff, |key_type| key_type as u8);
            size
        ])
    }
}
