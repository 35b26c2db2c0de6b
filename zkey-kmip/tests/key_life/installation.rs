//! A repository that is bound to the plugin, with software in the place of adapters.

use std::fs;
use std::process::Command;

use openssl::x509::X509;
use test_support::Authority;

use crate::common;
use crate::common::host::{Outcome, Repository, finish};
use crate::key_server::{Behaviour, KeyServer};

pub(crate) struct Installation {
    pub(crate) repository: Repository,
    card_type: &'static str,
}

impl Installation {
    pub(crate) fn new(card_type: &'static str) -> Installation {
        let repository = Repository::new();
        let list = format!("KMIP={}\n", common::shared_object().display());
        fs::write(repository.path("kms-plugins.conf"), list).unwrap();
        Installation {
            repository,
            card_type,
        }
    }

    pub(crate) fn text_path(&self, name: &str) -> String {
        self.repository.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn answer(&self, arguments: &[&str], input: &str) -> Outcome {
        finish(self.command(arguments).spawn().unwrap(), input)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repository.program(arguments);
        command
            .env("ZKEY_KMS_PLUGINS", self.text_path("kms-plugins.conf"))
            .env("ZKEY_KMIP_BACKEND", "software")
            .env("ZKEY_KMIP_SOFTWARE_CARD_TYPE", self.card_type)
            .env(
                "ZKEY_KMIP_SOFTWARE_MASTER_KEY",
                self.text_path("master-key"),
            )
            .env("ZKEY_KMIP_PROFILES", self.text_path("profiles"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.answer(arguments, "")
    }

    /// Binds, configures all, and returns the server.
    pub(crate) fn configured(&self, authority: &Authority) -> KeyServer {
        self.run(&["kms", "bind", "KMIP"]).ok();
        let certificate = self.text_path("client.pem");
        let outcome = self.run(&[
            "kms",
            "configure",
            "--apqns",
            "3.39",
            "--gen-identity-key",
            "ECC:prime256v1",
            "--gen-self-signed-cert",
            &certificate,
            "--cert-subject",
            "CN=client",
        ]);
        assert!(
            outcome.err.contains("protected by software only"),
            "{outcome:?}"
        );
        outcome.ok();
        let client = X509::from_pem(&fs::read(certificate).unwrap()).unwrap();
        let server = KeyServer::start(&authority.server(), client, Behaviour::default());
        let ca = self.text_path("ca.pem");
        authority.write_pem(self.repository.path("ca.pem").as_path());
        let address = server.address();
        let connect = [
            "kms",
            "configure",
            "--kmip-server",
            &address,
            "--tls-ca-bundle",
            &ca,
            "--tls-verify-hostname",
        ];
        let refused = self.answer(&connect, "n\n");
        assert!(refused.out.contains("SHA-256 fingerprint"), "{refused:?}");
        refused.fails(1);
        self.answer(&connect, "y\n").ok();
        server
    }
}
