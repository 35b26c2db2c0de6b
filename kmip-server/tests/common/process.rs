//! The server as a process, with its certificates.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use kmip::client::{Client, ClientBuilder, Error};
use kmip::transport::Timeouts;
use kmip::transport::tls::{ClientTls, Identity};
use kmip::types::{
    Attribute, Attributes, CreateRequest, CryptographicAlgorithm, CryptographicUsageMask,
    GetRequest, ManagedObject, Name, NameType, ObjectType, UniqueIdentifier,
};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use test_support::{Authority, Certified};

/// Emulated processors are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) authority: Authority,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = World {
            directory: tempfile::tempdir().unwrap(),
            authority: Authority::new("Test CA"),
        };
        world.authority.write_pem(&world.path("ca.pem"));
        world
            .authority
            .server()
            .write_pem(world.directory.path(), "server");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = program();
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command
            .arg("--cert")
            .arg(self.path("server.crt"))
            .arg("--key")
            .arg(self.path("server.key"))
            .arg("--client-ca")
            .arg(self.path("ca.pem"))
            .args(options);
        command
    }

    pub(crate) fn start(&self, options: &[&str]) -> Process {
        Process::run(&mut self.command(options))
    }

    /// Starts a command from [`command`](Self::command), and waits until the server is ready.
    pub(crate) fn run(&self, mut command: Command) -> Process {
        Process::run(&mut command)
    }

    pub(crate) fn client(&self, process: &Process, name: &str) -> Client {
        self.builder(process, name).connect().unwrap()
    }

    pub(crate) fn builder(&self, process: &Process, name: &str) -> ClientBuilder {
        self.builder_for(&process.address, self.authority.client(name))
    }

    pub(crate) fn builder_for(&self, address: &str, certified: Certified) -> ClientBuilder {
        let identity = Identity::new(certified.key, certified.certificate, Vec::new()).unwrap();
        let tls = ClientTls::new()
            .ca_certificate(self.authority.certificate().clone())
            .identity(identity);
        Client::builder(address.parse().unwrap())
            .tls(tls)
            .timeouts(Timeouts::default().with_operation(PATIENCE))
    }
}

/// The program, without options.
pub(crate) fn program() -> Command {
    test_support::command(env!("CARGO_BIN_EXE_kmip-server"))
}

pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
    /// What came before the ready line.
    pub(crate) lines: Vec<String>,
}

impl Process {
    /// Starts a server and waits until it is ready.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut process = Process {
            child,
            address: String::new(),
            lines: Vec::new(),
        };
        for line in output.lines() {
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("ready ") {
                process.address = address.to_owned();
                return process;
            }
            process.lines.push(line);
        }
        panic!("the server ends at once");
    }

    /// The rest of a line that came before the ready line.
    pub(crate) fn told(&self, begin: &str) -> &str {
        let mut lines = self.lines.iter();
        lines.find_map(|line| line.strip_prefix(begin)).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Stops it, as if it hung; returns when it has stopped.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
        let stopped = waitid(
            WaitId::Pid(Pid::from_child(&self.child)),
            WaitIdOptions::STOPPED,
        );
        assert!(stopped.unwrap().is_some_and(|status| status.stopped()));
    }

    /// How many threads it has.
    pub(crate) fn threads(&self) -> usize {
        let path = format!("/proc/{}/task", self.child.id());
        std::fs::read_dir(path).unwrap().count()
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn create(name: &str) -> CreateRequest<'static> {
    let attributes: Attributes<'static> = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        Attribute::name(Name {
            name_value: name.to_owned().into(),
            name_type: NameType::UNINTERPRETED_TEXT_STRING,
            ..Name::default()
        }),
    ]
    .into();
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes,
        ..CreateRequest::default()
    }
}

pub(crate) fn key_bytes(
    client: &mut Client,
    key: &UniqueIdentifier<'static>,
) -> Result<Vec<u8>, Error> {
    let request = GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    };
    let ManagedObject::SymmetricKey(key) = client.call(request)?.managed_object else {
        panic!("no symmetric key");
    };
    let value = key.key_block.key_value.unwrap();
    Ok(value.as_bytes().unwrap().to_vec())
}
