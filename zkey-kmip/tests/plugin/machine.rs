//! A machine with a repository, the software backend, profiles, and a user at the terminal.

#![allow(dead_code)] // each test binary uses a part of it

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use openssl::symm::Cipher;
use openssl::x509::X509;
use tempfile::TempDir;
use test_support::{Authority, Certified};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{
    Apqn, Configured, Console, Context, GenerateRequest, GeneratedKey, KeyMode, Kms, OptionValue,
    PluginError, Property, SecureKeyType,
};
use zkey_kmip::config::Config;
use zkey_kmip::plugin::{Plugin, Surroundings};
use zkey_kmip::profile::ProfileDirectory;
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};
use zkey_kmip::secure_key::{CardType, SecureKeyBackend};

use crate::key_server::{Behaviour, KeyServer};

pub(crate) const APQNS: [Apqn; 1] = [Apqn {
    card: 3,
    domain: 0x39,
}];

/// A terminal: answers of the user, and what the plugin printed.
#[derive(Clone, Default)]
pub(crate) struct Terminal {
    answers: Rc<RefCell<VecDeque<String>>>,
    printed: Rc<RefCell<String>>,
    warned: Rc<RefCell<String>>,
}

impl Terminal {
    pub(crate) fn will_answer(&self, answers: &[&str]) {
        let mut queue = self.answers.borrow_mut();
        assert!(queue.is_empty(), "not asked for: {queue:?}");
        queue.extend(answers.iter().map(|answer| (*answer).to_owned()));
    }

    pub(crate) fn printed(&self) -> String {
        std::mem::take(&mut self.printed.borrow_mut())
    }

    pub(crate) fn warned(&self) -> String {
        std::mem::take(&mut self.warned.borrow_mut())
    }

    pub(crate) fn has_answers_left(&self) -> bool {
        !self.answers.borrow().is_empty()
    }
}

impl Console for Terminal {
    fn print(&self, text: &str) -> io::Result<()> {
        self.printed.borrow_mut().push_str(text);
        Ok(())
    }

    fn warn(&self, text: &str) {
        self.warned.borrow_mut().push_str(&format!("{text}\n"));
    }

    fn read_line(&self) -> io::Result<Option<String>> {
        Ok(self.answers.borrow_mut().pop_front())
    }
}

pub(crate) struct Machine {
    pub(crate) directory: TempDir,
    pub(crate) terminal: Terminal,
    pub(crate) card_type: CardType,
    pub(crate) authority: Authority,
    pub(crate) accepted_fingerprint: RefCell<Option<String>>,
    /// Nobody is asked anything.
    pub(crate) asks_nothing: Cell<bool>,
    /// `info` asks the server, too.
    pub(crate) checks_in_info: Cell<bool>,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        Machine::with(CardType::Cca)
    }

    pub(crate) fn with(card_type: CardType) -> Machine {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine {
            directory,
            terminal: Terminal::default(),
            card_type,
            authority: Authority::new("test authority"),
            accepted_fingerprint: RefCell::new(None),
            asks_nothing: Cell::new(false),
            checks_in_info: Cell::new(false),
        };
        fs::create_dir(machine.path("KMIP")).unwrap();
        let mode = fs::Permissions::from_mode(0o770);
        fs::set_permissions(machine.path("KMIP"), mode).unwrap();
        fs::create_dir(machine.path("profiles")).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles");
        for entry in fs::read_dir(shipped).unwrap() {
            let entry = entry.unwrap();
            fs::copy(
                entry.path(),
                machine.path("profiles").join(entry.file_name()),
            )
            .unwrap();
        }
        machine.authority.write_pem(&machine.path("ca.pem"));
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn text_path(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn master_keys(&self) -> MasterKeyFile {
        MasterKeyFile::at(self.path("master-key"))
    }

    pub(crate) fn backend(&self) -> Software {
        Software::new(self.card_type, self.master_keys())
    }

    pub(crate) fn config(&self) -> Config {
        Config::open(&self.path("KMIP")).unwrap()
    }

    pub(crate) fn profile(&self, name: &str, content: &str) {
        let path = self.path("profiles").join(format!("{name}.profile"));
        fs::write(path, content).unwrap();
    }

    /// As a new zkey process would have it.
    pub(crate) fn plugin(&self) -> Plugin {
        let file = self.master_keys();
        self.plugin_with(move |card_type| Box::new(Software::new(card_type, file.clone())))
    }

    /// With another backend.
    pub(crate) fn plugin_with(
        &self,
        open: impl Fn(CardType) -> Box<dyn SecureKeyBackend> + 'static,
    ) -> Plugin {
        let card_type = self.card_type;
        let surroundings = Surroundings {
            profiles: ProfileDirectory::at(self.path("profiles")),
            open_backend: Box::new(move |card_type| Ok(open(card_type))),
            card_type_of: Box::new(move |_| Ok(card_type)),
            accepted_fingerprint: self.accepted_fingerprint.borrow().clone(),
            asks_nothing: self.asks_nothing.get(),
            checks_in_info: self.checks_in_info.get(),
        };
        let context = Context {
            config_directory: self.path("KMIP"),
            verbose: true,
            console: Box::new(self.terminal.clone()),
        };
        Plugin::new(context, surroundings).unwrap()
    }

    pub(crate) fn configure(&self, options: &[(i32, &str)]) -> Result<Configured, PluginError> {
        configure(&self.plugin(), None, options)
    }

    /// Up to the client certificate; returns it.
    pub(crate) fn with_certificate(&self) -> X509 {
        let path = self.text_path("client.pem");
        configure(
            &self.plugin(),
            Some(&APQNS),
            &[
                (code::GEN_IDENTITY_KEY, "ECC:prime256v1"),
                (code::GEN_SELF_SIGNED_CERT, &path),
                (code::CERT_SUBJECT, "CN=client"),
            ],
        )
        .unwrap();
        X509::from_pem(&fs::read(path).unwrap()).unwrap()
    }

    /// A server that knows this machine's client certificate.
    pub(crate) fn server(&self, behaviour: Behaviour) -> KeyServer {
        self.server_with(&self.authority.server(), behaviour)
    }

    pub(crate) fn server_with(&self, identity: &Certified, behaviour: Behaviour) -> KeyServer {
        let client = self.with_certificate();
        KeyServer::start(identity, client, behaviour)
    }

    /// Configures the connection to `server`, as the user wants it.
    pub(crate) fn connect(&self, server: &KeyServer, profile: &str) {
        self.terminal.will_answer(&["y"]);
        let configured = self.configure(&[
            (code::KMIP_SERVER, &server.address()),
            (code::TLS_CA_BUNDLE, &self.text_path("ca.pem")),
            (code::PROFILE, profile),
        ]);
        assert_eq!(configured.unwrap(), Configured::Complete);
        server.store.take_log();
        self.terminal.printed();
    }
}

pub(crate) fn configure(
    plugin: &Plugin,
    apqns: Option<&[Apqn]>,
    options: &[(i32, &str)],
) -> Result<Configured, PluginError> {
    let arguments: Vec<OsString> = options
        .iter()
        .map(|(_, argument)| OsString::from(argument))
        .collect();
    let values: Vec<_> = options
        .iter()
        .zip(&arguments)
        .map(|((code, _), argument)| OptionValue {
            code: *code,
            argument: Some(argument),
        })
        .collect();
    plugin.configure(apqns, &values)
}

/// Asks for a key as the host does.
pub(crate) fn generate(
    plugin: &Plugin,
    key_type: SecureKeyType,
    properties: &[Property<'_>],
    label: Option<&str>,
    mode: KeyMode,
) -> Result<GeneratedKey, PluginError> {
    let label = label.map(OsString::from);
    let options: Vec<_> = label
        .iter()
        .map(|label| OptionValue {
            code: code::LABEL,
            argument: Some(label),
        })
        .collect();
    plugin.generate_key(&GenerateRequest {
        key_type,
        key_bits: 0,
        mode,
        properties,
        options: &options,
        blob_capacity: 336,
        key_id_capacity: 256,
    })
}

pub(crate) const PROFILE_2X: &str = "server-regex=Rich.*\nkmip-version=2.1\nwrap-key-params=1024\n\
     wrap-padding-method=OAEP\nwrap-hashing-algorithm=SHA-256\nsupports-link-attr=TRUE\n\
     supports-description-attr=TRUE\nsupports-sensitive-attr=TRUE\n\
     check-always-sensitive-attr=TRUE\n";

pub(crate) fn cipher(size: usize) -> Cipher {
    match size {
        16 => Cipher::aes_128_cbc(),
        24 => Cipher::aes_192_cbc(),
        _ => Cipher::aes_256_cbc(),
    }
}

pub(crate) fn info(machine: &Machine) -> String {
    let mut out = Vec::new();
    machine.plugin().info(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub(crate) fn names(machine: &Machine) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(machine.path("KMIP"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
