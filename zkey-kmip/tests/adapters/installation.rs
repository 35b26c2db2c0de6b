//! A repository on a machine with adapters.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use emulated_card::{Apqn, Emulator, Fault, Machine, Mode};
use openssl::x509::X509;
use test_support::Authority;

use crate::common;
use crate::common::host::{Outcome, Repository, finish};
use crate::key_server::{Behaviour, KeyServer};

pub(crate) const APQNS: [Apqn; 2] = [Apqn::new(3, 0x39), Apqn::new(0x0a, 0x39)];

/// Chooses the adapters and makes an identity key.
pub(crate) const CONFIGURE: [&str; 6] = [
    "kms",
    "configure",
    "--apqns",
    "03.0039,0a.0039",
    "--gen-identity-key",
    "ECC:prime256v1",
];

pub(crate) struct Installation {
    pub(crate) repository: Repository,
    pub(crate) emulator: Emulator,
}

impl Installation {
    pub(crate) fn cca() -> Installation {
        Installation::new(Mode::Cca, "libcsulcca.so", "libcsulcca.so")
    }

    pub(crate) fn ep11() -> Installation {
        Installation::new(Mode::Ep11, "libep11.so", "libep11.so.4")
    }

    /// With adapters in this mode, and the host library that cargo built under the first name.
    fn new(mode: Mode, built: &str, installed: &str) -> Installation {
        let repository = Repository::new();
        let list = format!("KMIP={}\n", common::shared_object().display());
        fs::write(repository.path("kms-plugins.conf"), list).unwrap();
        let machine = Machine::new(mode, &APQNS);
        let emulator = Emulator::create(&repository.path("machine"), &machine);
        let test = std::env::current_exe().unwrap();
        emulator.install(&test.parent().unwrap().join(built), installed);
        Installation {
            repository,
            emulator,
        }
    }

    pub(crate) fn text_path(&self, name: &str) -> String {
        self.repository.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.repository.program(arguments);
        command
            .env("ZKEY_KMS_PLUGINS", self.text_path("kms-plugins.conf"))
            .env("ZKEY_KMIP_PROFILES", self.text_path("profiles"))
            .env("SYSFS_ROOT", self.emulator.sysfs_root())
            .env("LD_LIBRARY_PATH", self.emulator.library_directory())
            .env_remove("ZKEY_KMIP_BACKEND")
            .env_remove("KMIP_EMULATOR_DIR");
        command
    }

    pub(crate) fn answer(&self, arguments: &[&str], input: &str) -> Outcome {
        finish(self.command(arguments).spawn().unwrap(), input)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.answer(arguments, "")
    }

    pub(crate) fn fail(&self, call: &str, code: u64, reason: u64) {
        let fault = Fault::of(call, code, reason);
        self.emulator.change(|machine| machine.faults = vec![fault]);
    }

    pub(crate) fn repair(&self) {
        self.emulator.change(|machine| machine.faults.clear());
    }

    /// Binds, and makes identity key and certificate.
    pub(crate) fn identified(&self, identity: &str) -> X509 {
        self.run(&["kms", "bind", "KMIP"]).ok();
        let certificate = self.text_path("client.pem");
        self.run(&[
            "kms",
            "configure",
            "--apqns",
            "03.0039,0a.0039",
            "--gen-identity-key",
            identity,
            "--gen-self-signed-cert",
            &certificate,
            "--cert-subject",
            "CN=client",
        ])
        .ok();
        X509::from_pem(&fs::read(certificate).unwrap()).unwrap()
    }

    /// Up to a connection with a wrapping key; returns the server.
    pub(crate) fn configured(&self, identity: &str) -> KeyServer {
        let server = self.server_for(self.identified(identity));
        self.connect(&server).ok();
        server
    }

    /// A server that knows this certificate of a client, or of an authority for clients.
    pub(crate) fn server_for(&self, client: X509) -> KeyServer {
        let authority = Authority::new("authority");
        authority.write_pem(self.repository.path("ca.pem").as_path());
        KeyServer::start(&authority.server(), client, Behaviour::default())
    }

    pub(crate) fn connect(&self, server: &KeyServer) -> Outcome {
        let (address, ca) = (server.address(), self.text_path("ca.pem"));
        let connect = ["kms", "configure", "--kmip-server", &address];
        let options = ["--tls-ca-bundle", &ca, "--tls-verify-hostname"];
        self.answer(&[&connect[..], &options].concat(), "y\n")
    }

    /// Makes this the profile of all servers.
    pub(crate) fn profile(&self, content: &str) {
        let directory = self.repository.path("profiles");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("default.profile"), content).unwrap();
    }

    /// The message of a command that must fail, in one line, with all of `texts` in it.
    pub(crate) fn refuses(&self, arguments: &[&str], texts: &[&str]) -> String {
        let message = self.run(arguments).fails(1);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            assert!(message.contains(text), "`{text}` is not in: {message}");
        }
        message
    }

    /// The key at the server that a key in the repository was made of.
    pub(crate) fn key_at_server(&self, server: &KeyServer, key: &str) -> Vec<u8> {
        let info = self.repository.info(key);
        let object = server.store.object(info.get("kms-key-id").unwrap());
        object.unwrap().key
    }

    /// Everything in the repository and the plugin's configuration.
    pub(crate) fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut content = BTreeMap::new();
        read(&self.repository.path(""), &mut content);
        read(&self.repository.path("KMIP"), &mut content);
        content
    }
}

fn read(directory: &Path, content: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            content.insert(path.clone(), fs::read(path).unwrap());
        }
    }
}
