//! A PostgreSQL server of the test's own, in a directory that is gone afterwards.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use test_support::Authority;

/// PostgreSQL refuses to run as root; then it runs as `nobody`.
const NOBODY: u32 = 65534;
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct Cluster {
    directory: tempfile::TempDir,
    programs: PathBuf,
    /// The port where it listens for TLS, if it does.
    port: Option<u16>,
}

impl Cluster {
    /// Starts a server that is reached through a socket in the directory, with a password.
    pub(crate) fn start() -> Self {
        Cluster::made(None).started()
    }

    /// As that, and at `localhost` with TLS, with a certificate of this authority.
    pub(crate) fn start_with_tls(authority: &Authority) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let cluster = Cluster::made(Some(free.local_addr().unwrap().port()));
        drop(free);
        let server = authority.server();
        for path in <[PathBuf; 2]>::from(server.write_pem(cluster.directory.path(), "server")) {
            // PostgreSQL refuses a key that others can read.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        cluster.started()
    }

    fn made(port: Option<u16>) -> Self {
        Cluster {
            directory: tempfile::tempdir().unwrap(),
            programs: programs(),
            port,
        }
    }

    fn started(self) -> Self {
        let cluster = self;
        let password = cluster.path("password");
        fs::write(&password, PASSWORD).unwrap();
        if is_root() {
            for path in [cluster.directory.path(), &password] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let (data, password) = (cluster.path("data"), password.display().to_string());
        cluster.run(
            Command::new(cluster.programs.join("initdb"))
                .arg("--pgdata")
                .arg(&data)
                .args(["--username=kmip", "--auth=scram-sha-256", "--no-sync"])
                .args(["--locale=C", "--encoding=UTF8"])
                .arg(format!("--pwfile={password}")),
        );
        cluster.control("start");
        cluster
    }

    /// Stops the server as a power failure would, and starts it again.
    pub(crate) fn crash_and_restart(&self) {
        self.control("restart");
    }

    /// Where servers find the database; the password is in the environment.
    pub(crate) fn url(&self) -> String {
        let socket = self.directory.path().display().to_string();
        let socket = socket.replace('/', "%2F");
        format!("postgres://kmip@{socket}/postgres")
    }

    /// Where servers find the database over the network.
    pub(crate) fn network_url(&self) -> String {
        let port = self.port.expect("it listens");
        format!("postgres://kmip@localhost:{port}/postgres")
    }

    /// A session for what a test does to the database itself.
    pub(crate) fn session(&self) -> postgres::Client {
        postgres::Config::new()
            .host_path(self.directory.path())
            .port(self.port.unwrap_or(5432))
            .user("kmip")
            .dbname("postgres")
            .password(PASSWORD)
            .connect(postgres::NoTls)
            .unwrap()
    }

    fn control(&self, what: &str) {
        let socket = self.directory.path().display();
        let listen = match self.port {
            None => "-c listen_addresses=".to_owned(),
            Some(port) => format!(
                "-c listen_addresses=localhost -c port={port} -c ssl=on \
                 -c ssl_cert_file={socket}/server.crt -c ssl_key_file={socket}/server.key"
            ),
        };
        // Nothing here outlives the machine.
        let options = format!("{listen} -c unix_socket_directories={socket} -c fsync=off");
        self.run(
            Command::new(self.programs.join("pg_ctl"))
                .arg("--pgdata")
                .arg(self.path("data"))
                .arg("--log")
                .arg(self.path("log"))
                .args(["--options", &options, "--mode=immediate", "--wait", what]),
        );
    }

    fn run(&self, command: &mut Command) {
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        // The server keeps what it inherits, so that output must not be waited for.
        let status = command
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(status.success(), "{command:?}: {log}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.control("stop");
            return;
        }
        let mut stop = Command::new(self.programs.join("pg_ctl"));
        stop.arg("--pgdata").arg(self.path("data"));
        if is_root() {
            stop.uid(NOBODY).gid(NOBODY);
        }
        let _ = stop.args(["--mode=immediate", "stop"]).status();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Where the newest `initdb` is. Debian keeps it outside the search path.
fn programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    versions.sort();
    let in_path = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).find(|programs| programs.join("initdb").exists())
    };
    versions
        .pop()
        .map(|(_, programs)| programs)
        .or_else(in_path)
        .expect("PostgreSQL is not installed: use `make interop`")
}
