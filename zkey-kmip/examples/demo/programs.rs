//! The programs that the demo drives.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use test_support::command;

/// Where cargo puts the programs: beside the directory of this example.
pub(crate) fn built(name: &str) -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|e| format!("where am I: {e}"))?;
    let directory = this
        .parent()
        .and_then(Path::parent)
        .ok_or("no target directory")?;
    let path = directory.join(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!(
        "{} is not built: `make demo` does that",
        path.display()
    ))
}

/// A command with its environment, such as the command line host.
pub(crate) struct Host {
    program: PathBuf,
    variables: Vec<(&'static str, PathBuf)>,
}

impl Host {
    pub(crate) fn new(
        program: &str,
        variables: Vec<(&'static str, PathBuf)>,
    ) -> Result<Self, String> {
        let program = built(program)?;
        Ok(Host { program, variables })
    }

    /// Runs a command. Returns what it printed, or why it failed.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, String> {
        self.answer(arguments, "")
    }

    /// Runs a command that asks questions.
    pub(crate) fn answer<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        answers: &str,
    ) -> Result<String, String> {
        let mut child = command(&self.program)
            .args(arguments)
            .env_remove("ZKEY_KMIP_BACKEND")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{} cannot be started: {e}", self.program.display()))?;
        if let Some(mut input) = child.stdin.take() {
            // A program that asks nothing may be gone already.
            let _ = input.write_all(answers.as_bytes());
        }
        let output = child
            .wait_with_output()
            .map_err(|e| format!("no output: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let words: Vec<_> = arguments
            .iter()
            .map(|a| a.as_ref().to_string_lossy())
            .collect();
        Err(format!(
            "`{} {}` failed ({}):\n{}{}",
            self.program.display(),
            words.join(" "),
            output.status,
            text,
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// A key server.
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
}

/// How long a server may take until it can be reached.
const READY: Duration = Duration::from_secs(60);

impl Server {
    /// Starts a server and waits until it says where it listens.
    pub(crate) fn that_tells_its_address(
        program: &Path,
        arguments: &[&OsStr],
    ) -> Result<Self, String> {
        let mut child = spawn(
            command(program)
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        )?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut line);
        }
        match line
            .trim()
            .rsplit_once(' ')
            .map(|(_, address)| address.to_owned())
        {
            Some(address) if address.contains(':') => Ok(Server { child, address }),
            _ => {
                let _ = child.kill();
                let mut why = String::new();
                if let Some(mut errors) = child.stderr.take() {
                    let _ = errors.read_to_string(&mut why);
                }
                let _ = child.wait();
                Err(format!("the server does not start: {line}{why}"))
            }
        }
    }

    /// Starts a server that was told its port, and waits until it takes connections.
    pub(crate) fn at_port(
        program: &Path,
        arguments: &[OsString],
        port: u16,
        log: &Path,
    ) -> Result<Self, String> {
        let fault = |error: std::io::Error| format!("{}: {error}", log.display());
        let output = File::create(log).map_err(fault)?;
        let errors = output.try_clone().map_err(fault)?;
        let child = spawn(
            Command::new(program)
                .args(arguments)
                .stdout(output)
                .stderr(errors),
        )?;
        let address = format!("127.0.0.1:{port}");
        let mut server = Server { child, address };
        let begin = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            let ended = server.child.try_wait().map_err(|e| e.to_string())?;
            if ended.is_some() || begin.elapsed() > READY {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("the server does not start:\n{text}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Ends the server.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        self.child
            .kill()
            .map_err(|e| format!("the server cannot be stopped: {e}"))?;
        self.child
            .wait()
            .map(drop)
            .map_err(|e| format!("the server does not end: {e}"))
    }
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    let child = command.stdin(Stdio::null()).spawn();
    child.map_err(|e| format!("{command:?} cannot be started: {e}"))
}

/// Ports of the loopback interface that nobody uses now.
pub(crate) fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut taken = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        taken.push(listener);
    }
    Ok(ports)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
