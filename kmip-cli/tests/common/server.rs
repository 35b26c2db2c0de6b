//! A server as a process, and the program as its client.
#![allow(dead_code, reason = "no test needs all of it")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::Arc;

use kmip::server::{Engine, Handler, ServeOptions, serve};
use kmip::transport::tls::{Identity, Protocol, ServerTls, TlsAcceptor};

use crate::common::kmip;

/// Certificates that `kmip dev-certs` made, in a directory of their own.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = World {
            directory: tempfile::tempdir().expect("a directory"),
        };
        let made = kmip().arg("dev-certs").arg(world.path("dev")).output();
        let made = made.expect("the program");
        assert!(made.status.success(), "{}", text(&made.stderr));
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// `kmip serve` on a free port.
    pub(crate) fn serve(&self, options: &[&str]) -> Server {
        let (cert, key) = (self.path("dev/server.crt"), self.path("dev/server.key"));
        self.serve_as(&cert, &key, options)
    }

    pub(crate) fn serve_as(&self, cert: &Path, key: &Path, options: &[&str]) -> Server {
        let mut child = kmip()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--cert")
            .arg(cert)
            .arg("--key")
            .arg(key)
            .arg("--client-ca")
            .arg(self.path("dev/ca.crt"))
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = lines.next().expect("the server ends at once");
        let ready = ready.expect("a line");
        let address = ready.strip_prefix("ready ").expect("an address").to_owned();
        Server { child, address }
    }

    /// A server within the test, for what `kmip serve` does not do.
    pub(crate) fn within<H: Handler + 'static>(
        &self,
        engine: Arc<Engine<H>>,
    ) -> kmip::server::Server {
        self.within_over(engine, Protocol::default())
    }

    /// The same with other versions or suites of TLS.
    pub(crate) fn within_over<H: Handler + 'static>(
        &self,
        engine: Arc<Engine<H>>,
        protocol: Protocol,
    ) -> kmip::server::Server {
        let (cert, key) = (self.path("dev/server.crt"), self.path("dev/server.key"));
        let identity = Identity::from_pem_files(&cert, &key, None).expect("an identity");
        let tls = ServerTls::new(identity).client_ca_file(self.path("dev/ca.crt"));
        let tls = tls.protocol(protocol);
        let acceptor = TlsAcceptor::new(tls).expect("a TLS server");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        serve(listener, acceptor, engine, ServeOptions::default()).expect("a server")
    }

    /// The program with our client's certificate.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = kmip();
        command
            .args(arguments)
            .arg("--cert")
            .arg(self.path("dev/client.crt"))
            .arg("--key")
            .arg(self.path("dev/client.key"))
            .env_remove("KMIP_SERVER")
            .env("XDG_CONFIG_HOME", self.directory.path())
            .stdin(Stdio::null());
        command
    }
}

/// A server; it ends with the value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program as a client of a server.
pub(crate) struct Client<'w> {
    pub(crate) world: &'w World,
    /// `--server HOST:PORT` or `--https URL`, and more.
    pub(crate) options: Vec<String>,
}

impl<'w> Client<'w> {
    pub(crate) fn of(world: &'w World, server: &Server) -> Self {
        Client {
            world,
            options: vec!["--server".to_owned(), server.address.clone()],
        }
    }

    pub(crate) fn https(world: &'w World, server: &Server, encoding: &str) -> Self {
        let options = [
            "--https",
            &format!("https://{}/kmip", server.address),
            "--encoding",
            encoding,
        ];
        Client {
            world,
            options: options.map(str::to_owned).to_vec(),
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.world.command(arguments);
        command.arg("--ca").arg(self.world.path("dev/ca.crt"));
        command.args(&self.options).output().expect("the program")
    }

    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        text(&output.stdout)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        serde_json::from_str(&self.succeeds(&all)).expect("JSON")
    }

    /// The one line of error.
    pub(crate) fn fails(&self, arguments: &[&str], status: i32) -> String {
        let output = self.run(arguments);
        failure(&output, status)
    }
}

/// The one line of error of a program that has ended with `status`.
pub(crate) fn failure(output: &Output, status: i32) -> String {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("kmip: "), "{errors}");
    errors
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
