//! The host as a process of its own, with the plugin of [`super::shelf`] or a real shared object.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use zkey_kmip::abi::load::LoadedPlugin;
use zkey_kmip::abi::{Console, HostConsole};
use zkey_kmip::host::plugins::{PluginEntry, PluginSource, PluginsError};
use zkey_kmip::properties::{Integrity, Properties};

use super::shelf::Shelf;

/// Tells a test executable to be the host, with these arguments.
const ARGUMENTS: &str = "ZKEY_KMIP_TEST_HOST";
const SEPARATOR: &str = "\u{1f}";
/// Ends what the test harness prints before the host begins.
const BEGIN: &str = "=== the host begins ===\n";

/// Not a test: this is where the process that [`Repository::start`] starts becomes the host.
#[test]
fn become_the_host() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        return;
    };
    HostConsole.print(BEGIN).unwrap();
    let arguments: Vec<OsString> = arguments.split(SEPARATOR).map(OsString::from).collect();
    let code = zkey_kmip::host::run(&arguments, &Shelves);
    std::process::exit(i32::from(code));
}

struct Shelves;

impl PluginSource for Shelves {
    fn list(&self) -> Result<Vec<PluginEntry>, PluginsError> {
        Ok(vec![PluginEntry {
            name: "Shelf".to_owned(),
            shared_object: "compiled in".into(),
        }])
    }

    fn load(&self, _entry: &PluginEntry) -> Result<LoadedPlugin, PluginsError> {
        Ok(LoadedPlugin::built_in::<Shelf>())
    }
}

/// A repository for one test.
pub struct Repository {
    directory: TempDir,
}

/// What the host did.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Outcome {
    fn of(output: Output) -> Self {
        let out = String::from_utf8(output.stdout).unwrap();
        let out = out.split_once(BEGIN).map_or(out.as_str(), |(_, out)| out);
        Outcome {
            code: output.status.code(),
            out: out.to_owned(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The output of a host that succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// The messages of a host that failed with this exit code.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

impl Repository {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o750)).unwrap();
        Repository { directory }
    }

    /// A repository that is bound to a shelf, with one APQN.
    pub fn ready() -> Self {
        let repository = Self::new();
        repository.run(&["kms", "bind", "shelf"]).ok();
        repository
            .run(&[
                "kms",
                "configure",
                "--apqns",
                "3.39",
                "--kmip-server",
                "shelf",
            ])
            .ok();
        repository.calls();
        repository
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn config(&self, name: &str) -> PathBuf {
        self.path("Shelf").join(name)
    }

    /// Runs the host with the shelf.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.answer(arguments, "")
    }

    /// Runs the host with the shelf and these lines as standard input.
    pub fn answer(&self, arguments: &[&str], input: &str) -> Outcome {
        finish(self.start(arguments), input)
    }

    /// Starts the host with the shelf.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// The host with the shelf.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = test_support::command(std::env::current_exe().unwrap());
        let line = [&["zkey-kmip"], arguments].concat().join(SEPARATOR);
        command
            .args(["--exact", "common::host::become_the_host", "--nocapture"])
            .env(ARGUMENTS, line);
        self.prepare(&mut command);
        command
    }

    /// The program itself, as it is installed.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = test_support::command(super::program());
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command
            .env("ZKEY_REPOSITORY", self.directory.path())
            // Adapters of the machine that the tests run on have no say.
            .env("SYSFS_ROOT", self.directory.path())
            .env_remove("ZKEY_KMS_PLUGINS")
            // Backtraces of panics that are wanted would only take time.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// The calls that the plugin got since the last time, without those of the APQNs' types.
    pub fn calls(&self) -> Vec<String> {
        let path = self.config("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        let calls = calls.lines().filter(|call| !call.starts_with("supports"));
        calls.map(str::to_owned).collect()
    }

    /// The properties of a key.
    pub fn info(&self, key: &str) -> Properties {
        Properties::load(&self.path(&format!("{key}.info")), Integrity::Hashed).unwrap()
    }

    /// The secure key.
    pub fn skey(&self, key: &str) -> Vec<u8> {
        fs::read(self.path(&format!("{key}.skey"))).unwrap()
    }

    /// The files of the repository itself, sorted.
    pub fn files(&self) -> Vec<String> {
        files_of(self.directory.path())
    }

    pub fn system(&self) -> String {
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        name.trim()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect()
    }
}

/// The names in a directory, sorted, without the lock and what belongs to the plugin.
fn files_of(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !matches!(name.as_str(), ".lock" | "Shelf" | "kms.conf"))
        .collect();
    names.sort();
    names
}

/// Runs a command to its end.
pub fn finish(mut child: Child, input: &str) -> Outcome {
    // A host that asks nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Outcome::of(child.wait_with_output().unwrap())
}

/// Runs a command whose standard error is a terminal, and returns what it wrote there.
pub fn on_a_terminal(mut command: Command) -> (Outcome, String) {
    let (user, end) = terminal();
    let child = command.env("TERM", "xterm").stderr(end).spawn().unwrap();
    // Closes our copy of the terminal, so that reading ends.
    drop(command);
    let outcome = finish(child, "");
    (outcome, read_terminal(user))
}

/// Runs a command at a terminal whose user types this; returns its exit code and what the terminal showed.
pub fn at_a_terminal(mut command: Command, typed: &str) -> (Option<i32>, String) {
    let (mut user, end) = terminal();
    command.env("TERM", "dumb").stdin(end.try_clone().unwrap());
    command.stdout(end.try_clone().unwrap()).stderr(end);
    let mut child = command.spawn().unwrap();
    drop(command);
    user.write_all(typed.as_bytes()).unwrap();
    let shown = read_terminal(user);
    (child.wait().unwrap().code(), shown)
}

/// A terminal: the end of the user, and that of programs.
fn terminal() -> (File, File) {
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap();
    let path = Path::new(OsStr::from_bytes(name.to_bytes()));
    let end = File::options().read(true).write(true).open(path).unwrap();
    (File::from(terminal), end)
}

fn read_terminal(mut user: File) -> String {
    let mut text = Vec::new();
    // At its end a terminal gives an error.
    let _ = user.read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}
