//! A repository that is bound to the plugin as it is installed, with software in the place of adapters.

use std::fs;
use std::process::Command;

use openssl::x509::X509;
use zkey_kmip::secure_key::CardType;

use crate::common;
use crate::common::host::{Outcome, Repository, finish};
use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, PROFILE_2X};

pub(crate) struct Installation {
    pub(crate) machine: Machine,
    pub(crate) repository: Repository,
}

impl Installation {
    pub(crate) fn new(card_type: CardType) -> Installation {
        let (machine, repository) = (Machine::with(card_type), Repository::new());
        let list = format!("KMIP={}\n", common::shared_object().display());
        fs::write(machine.path("kms-plugins.conf"), list).unwrap();
        Installation {
            machine,
            repository,
        }
    }

    /// Everything configured, with a profile that makes use of KMIP 2.1.
    pub(crate) fn connected() -> (Installation, KeyServer) {
        let own = Installation::new(CardType::Cca);
        own.machine.profile("used", PROFILE_2X);
        let server = own.configured(&["--profile", "used"]);
        (own, server)
    }

    /// Binds, configures all, with these options for the connection, and returns the server.
    pub(crate) fn configured(&self, options: &[&str]) -> KeyServer {
        self.run(&["kms", "bind", "KMIP"]).ok();
        let configure = ["kms", "configure"];
        let outcome = self.run(&[&configure[..], &["--apqns", "3.39"]].concat());
        assert!(
            outcome.err.contains("protected by software only"),
            "{outcome:?}"
        );
        assert!(outcome.ok().contains("needs more of it"));
        let certificate = self.machine.text_path("client.pem");
        let key = [
            "--gen-identity-key",
            "ECC:prime256v1",
            "--gen-self-signed-cert",
        ];
        let subject = [&*certificate, "--cert-subject", "CN=client"];
        self.run(&[&configure[..], &key, &subject].concat()).ok();
        let server = self.server(Behaviour::default());
        let (address, ca) = (server.address(), self.machine.text_path("ca.pem"));
        let connection = ["--kmip-server", &address, "--tls-ca-bundle", &ca];
        let connect = [&configure[..], &connection, options].concat();
        let refused = self.answer(&connect, "n\n");
        assert!(refused.out.contains("SHA-256 fingerprint"), "{refused:?}");
        refused.fails(1);
        let text = self.answer(&connect, "yes\n").ok();
        assert!(
            text.contains("[y/N]") && !text.contains("needs more"),
            "{text}"
        );
        server
    }

    /// A server that knows the client.
    pub(crate) fn server(&self, behaviour: Behaviour) -> KeyServer {
        let client = fs::read(self.machine.path("client.pem")).unwrap();
        let client = X509::from_pem(&client).unwrap();
        KeyServer::start(&self.machine.authority.server(), client, behaviour)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.answer(arguments, "")
    }

    pub(crate) fn answer(&self, arguments: &[&str], input: &str) -> Outcome {
        finish(self.command(arguments).spawn().unwrap(), input)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repository.program(arguments);
        command
            .env("ZKEY_KMS_PLUGINS", self.machine.path("kms-plugins.conf"))
            .env("ZKEY_KMIP_PROFILES", self.machine.path("profiles"))
            .env("ZKEY_KMIP_BACKEND", "software")
            .env(
                "ZKEY_KMIP_SOFTWARE_CARD_TYPE",
                self.machine.card_type.name(),
            )
            .env(
                "ZKEY_KMIP_SOFTWARE_MASTER_KEY",
                self.machine.path("master-key"),
            );
        command
    }

    pub(crate) fn keys(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let text = self.run(&[arguments, &["--json"]].concat()).ok();
        serde_json::from_str(&text).unwrap()
    }

    /// Which keys the halves of a CCA key in the repository hold, if they can be used.
    pub(crate) fn patterns(&self, key: &str) -> Vec<Vec<u8>> {
        let skey = self.repository.skey(key);
        let backend = self.machine.backend();
        let halves = skey.chunks(64);
        halves
            .map(|half| backend.verification_pattern(half).unwrap().to_vec())
            .collect()
    }
}
