//! A plugin whose key management system is a directory, so that keys outlive the process.
//!
//! Everything lies in the configuration directory: `calls` has a line for each call of the host;
//! `shelf/<id>` are the properties of a key; `epoch` stands for the master key and shows in all
//! secure keys. A file `fail-<call>` makes that call fail with its content as text, `panic-<call>`
//! makes it panic, `fail-list-end` makes a list fail when it is through, and a pipe `pause-<call>` makes it wait until the process is killed.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use zkey_kmip::abi::options::{code, table};
use zkey_kmip::abi::raw::UtilOpt;
use zkey_kmip::abi::{
    Apqn, Configured, Context, Errno, GenerateRequest, GeneratedKey, ImportRequest, Kms,
    ListRequest, ListedKey, OptionValue, PluginCommand, PluginError, Property, Reencipher,
    SecureKeyType,
};
use zkey_kmip::properties::{Integrity, Properties};

/// Names of what the shelf itself notes beside the properties of a key.
const LABEL: &str = ":label";
const BITS: &str = ":bits";
const STATE: &str = ":state";

pub struct Shelf {
    directory: PathBuf,
}

impl Shelf {
    /// Notes a call, and does what the files say about it.
    fn call(&self, name: &str, details: &str) -> Result<(), PluginError> {
        note(&self.directory, &format!("{name} {details}"))?;
        let file = |kind: &str| self.directory.join(format!("{kind}-{name}"));
        if file("panic").exists() {
            panic!("told to panic in {name}");
        }
        if file("pause").exists() {
            // Opening waits for the test, which kills us when it has read the byte.
            let mut pipe = OpenOptions::new().write(true).open(file("pause"));
            pipe.as_mut().unwrap().write_all(b"!").unwrap();
            loop {
                std::thread::park();
            }
        }
        match fs::read_to_string(file("fail")) {
            Ok(text) => Err(PluginError::new(Errno::EBADMSG, text.trim())),
            Err(_) => Ok(()),
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.directory.join("shelf").join(id)
    }

    fn load(&self, id: &str) -> Result<Properties, PluginError> {
        Properties::load(&self.path(id), Integrity::Plain).map_err(|error| {
            PluginError::new(Errno::ENOENT, format!("no key {id}")).caused_by(error)
        })
    }

    fn store(&self, id: &str, properties: &Properties) -> Result<(), PluginError> {
        Ok(properties.save(&self.path(id), Integrity::Plain)?)
    }

    fn ids(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.join("shelf"));
        let mut ids: Vec<String> = entries
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        ids.sort();
        ids
    }

    fn epoch(&self) -> u8 {
        let text = fs::read_to_string(self.directory.join("epoch"));
        text.map_or(1, |text| text.trim().parse().unwrap())
    }

    fn token(&self, key_type: SecureKeyType, id: &str) -> Vec<u8> {
        let number: u8 = id.trim_start_matches("id-").parse().unwrap_or(0);
        token(key_type, self.epoch(), number)
    }
}

fn note(directory: &Path, line: &str) -> Result<(), PluginError> {
    let path = directory.join("calls");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| PluginError::io("cannot note the call", error))?;
    writeln!(file, "{}", line.trim_end())
        .map_err(|error| PluginError::io("cannot note the call", error))
}

/// A secure key of the right shape. `epoch` stands where the master key's pattern is, `number`
/// where the enciphered key is.
pub fn token(key_type: SecureKeyType, epoch: u8, number: u8) -> Vec<u8> {
    match key_type {
        SecureKeyType::CcaAesData => {
            let mut key = vec![0; 64];
            (key[0], key[4], key[8], key[16]) = (1, 4, epoch, number);
            key[56..58].copy_from_slice(&256_u16.to_be_bytes());
            key
        }
        SecureKeyType::CcaAesCipher => {
            let mut key = vec![0; 136];
            (key[0], key[4], key[10], key[100]) = (1, 5, epoch, number);
            key[2..4].copy_from_slice(&136_u16.to_be_bytes());
            (key[8], key[26], key[28], key[41], key[43]) = (3, 2, 1, 2, 1);
            key
        }
        SecureKeyType::Ep11Aes => {
            let mut key = vec![0; 336];
            (key[4], key[48], key[100]) = (6, epoch, number);
            key[2..4].copy_from_slice(&336_u16.to_be_bytes());
            key[6..8].copy_from_slice(&256_u16.to_be_bytes());
            key[80..82].copy_from_slice(&[0x12, 0x34]);
            key
        }
    }
}

fn texts(properties: &[Property<'_>]) -> String {
    let texts: Vec<String> = properties
        .iter()
        .map(|property| match &property.value {
            Some(value) => format!("{}={value}", property.name),
            None => format!("{}-", property.name),
        })
        .collect();
    texts.join(" ")
}

fn given(options: &[OptionValue<'_>]) -> String {
    let texts: Vec<String> = options
        .iter()
        .map(|option| match option.argument {
            Some(argument) => format!("{}={}", option.code, argument.to_string_lossy()),
            None => option.code.to_string(),
        })
        .collect();
    texts.join(" ")
}

impl Kms for Shelf {
    fn bind(directory: &Path) -> Result<(), PluginError> {
        note(directory, "bind")?;
        fs::create_dir(directory.join("shelf"))
            .map_err(|error| PluginError::io("cannot make the shelf", error))
    }

    fn initialize(context: Context) -> Result<Self, PluginError> {
        let shelf = Shelf {
            directory: context.config_directory,
        };
        shelf.call("initialize", "").map(|()| shelf)
    }

    fn command_options(command: PluginCommand) -> Option<&'static [UtilOpt]> {
        table(command)
    }

    fn supports_key_type(&self, key_type: SecureKeyType) -> bool {
        let _ = self.call("supports", key_type.name());
        let ep11 = self.directory.join("ep11").exists();
        ep11 == (key_type == SecureKeyType::Ep11Aes)
    }

    fn info(&self, out: &mut dyn Write) -> Result<(), PluginError> {
        self.call("info", "")?;
        writeln!(out, "  Shelf:                {} keys", self.ids().len())
            .map_err(|error| PluginError::io("cannot print", error))
    }

    fn configure(
        &self,
        apqns: Option<&[Apqn]>,
        options: &[OptionValue<'_>],
    ) -> Result<Configured, PluginError> {
        let apqns = apqns.map(|apqns| apqns.iter().map(Apqn::to_string).collect::<Vec<_>>());
        let apqns = apqns.map_or("none".to_owned(), |apqns| format!("[{}]", apqns.join(",")));
        self.call("configure", &format!("{apqns} {}", given(options)))?;
        Ok(
            if options
                .iter()
                .any(|option| option.code == code::KMIP_SERVER)
            {
                Configured::Complete
            } else {
                Configured::Incomplete
            },
        )
    }

    fn deconfigure(&self) -> Result<(), PluginError> {
        self.call("deconfigure", "")
    }

    fn login(&self) -> Result<(), PluginError> {
        self.call("login", "")
    }

    fn reencipher(&self, request: &Reencipher<'_>) -> Result<(), PluginError> {
        self.call(
            "reencipher",
            &format!("{:?} {:?}", request.mode, request.register),
        )
    }

    fn generate_key(&self, request: &GenerateRequest<'_>) -> Result<GeneratedKey, PluginError> {
        let details = format!(
            "{} {} {:?} {} | {}",
            request.key_type,
            request.key_bits,
            request.mode,
            texts(request.properties),
            given(request.options)
        );
        self.call(&format!("generate-{:?}", request.mode), &details)?;
        let id = format!("id-{}", self.ids().len() + 1);
        let label = request
            .options
            .iter()
            .find(|option| option.code == code::LABEL);
        let label = label
            .map(|option| option.text())
            .transpose()?
            .unwrap_or(&id)
            .to_owned();
        let mut properties = Properties::new();
        for property in request.properties {
            properties.set(
                &property.name,
                property.value.as_deref().unwrap_or_default(),
            )?;
        }
        properties.set(LABEL, &label)?;
        properties.set(BITS, "256")?;
        self.store(&id, &properties)?;
        Ok(GeneratedKey {
            blob: self.token(request.key_type, &id),
            key_id: id,
            label,
        })
    }

    fn set_key_properties(
        &self,
        key_id: &str,
        properties: &[Property<'_>],
    ) -> Result<(), PluginError> {
        self.call("set", &format!("{key_id} {}", texts(properties)))?;
        let mut stored = self.load(key_id)?;
        for property in properties {
            match &property.value {
                Some(value) => stored.set(&property.name, value)?,
                None => drop(stored.remove(&property.name)),
            }
        }
        self.store(key_id, &stored)
    }

    fn get_key_properties(&self, key_id: &str) -> Result<Vec<Property<'static>>, PluginError> {
        self.call("get", key_id)?;
        let stored = self.load(key_id)?;
        Ok(stored
            .iter()
            .filter(|(name, _)| !name.starts_with(':'))
            .map(|(name, value)| Property::new(name.to_owned(), value.to_owned()))
            .collect())
    }

    fn remove_key(&self, key_id: &str, options: &[OptionValue<'_>]) -> Result<(), PluginError> {
        self.call("remove", &format!("{key_id} {}", given(options)))?;
        let mut stored = self.load(key_id)?;
        if let Some(state) = options.iter().find(|option| option.code == code::STATE) {
            stored.set(STATE, state.text()?)?;
        }
        self.store(key_id, &stored)
    }

    fn list_keys(
        &self,
        request: &ListRequest<'_>,
        found: &mut dyn FnMut(&ListedKey<'_>) -> Result<(), PluginError>,
    ) -> Result<(), PluginError> {
        let details = format!(
            "{} {} | {}",
            request.label_pattern.unwrap_or("(all)"),
            texts(request.filter),
            given(request.options)
        );
        self.call("list", &details)?;
        for id in self.ids() {
            let properties: Vec<Property<'static>> = self
                .load(&id)?
                .iter()
                .map(|(name, value)| Property::new(name.to_owned(), value.to_owned()))
                .collect();
            let noted = |name: &str| {
                let property = properties.iter().find(|property| property.name == name);
                property
                    .and_then(|property| property.value.as_deref())
                    .unwrap_or_default()
            };
            found(&ListedKey {
                key_id: &id,
                label: noted(LABEL),
                key_type: None,
                key_bits: noted(BITS).parse().unwrap(),
                properties: &properties,
                additional_info: &[format!("state {}", noted(STATE)).trim_end().to_owned()],
            })?;
        }
        match fs::read_to_string(self.directory.join("fail-list-end")) {
            Ok(text) => Err(PluginError::new(Errno::EBADMSG, text.trim())),
            Err(_) => Ok(()),
        }
    }

    fn import_key(&self, request: &ImportRequest<'_>) -> Result<Vec<u8>, PluginError> {
        let key_type = request.key_type.map_or("any", SecureKeyType::name);
        self.call("import", &format!("{} {key_type}", request.key_id))?;
        self.load(request.key_id)?;
        let default = if self.directory.join("ep11").exists() {
            SecureKeyType::Ep11Aes
        } else {
            SecureKeyType::CcaAesData
        };
        Ok(self.token(request.key_type.unwrap_or(default), request.key_id))
    }
}
