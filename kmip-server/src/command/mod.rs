//! The server as a command: its options, its configuration files, and running it until a signal comes.

mod error;
mod file;
mod options;
mod settings;
mod storage;

use std::io::{self, BufRead, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::{fmt, fs, thread};

use kmip::server::{Engine, Server};
use kmip::transport::DEFAULT_PATH;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use zeroize::Zeroizing;

pub use error::CommandError;
pub use options::{FileNotice, FileOptions, FileTls, FileUser, Limits, Options};

use crate::admin::{self, Admin};
use crate::audit::AuditLog;
use crate::interfere::Interference;
use crate::password::Password;
use crate::recent::RecentMessages;
use crate::server::KeyServer;

/// Where to listen, unless it is said.
const ADDRESS: &str = "127.0.0.1:5696";
/// How long requests that have arrived may take after a signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Runs a server until SIGTERM or SIGINT comes. Prints `ready HOST:PORT` once clients can connect.
/// SIGHUP opens the audit log anew.
///
/// # Errors
/// If the server cannot be started.
pub fn run(options: &Options) -> Result<(), CommandError> {
    if options.hash_password {
        return hash_password();
    }
    let mut options = options.clone();
    if let Some(path) = options.config.take() {
        options.fill(file::read(&path, complain)?);
    }
    // Their own authority has no list: its certificates end with their objects.
    if options.provision && !options.client_crl.is_empty() {
        return Err(CommandError::ListsAndProvision);
    }
    if let Some(new) = &options.rotate_master_key {
        return storage::rotate(&options, new);
    }
    // Before the server runs, so that an early signal is not lost.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(CommandError::Signals)?;
    // A limit of file sizes is like a full disk: what writes is refused, and the rest goes on.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))
        .map_err(CommandError::Signals)?;
    let audit = options.audit.as_ref().map(|path| {
        let log = AuditLog::open(path).map_err(CommandError::file(path))?;
        if let Err(error) = log.started() {
            complain(&format!(
                "{}: the audit log cannot be written: {error}",
                path.display()
            ));
        }
        Ok::<_, CommandError>(Arc::new(log))
    });
    let audit = audit.transpose()?;
    let configuration = settings::configuration(&options, audit.clone())?;
    let store = storage::open(&options)?;
    let introduction = configuration.vendor_identification.clone();
    let server = KeyServer::new(configuration, store.clone());
    let own = options.provision.then(|| server.authority());
    let own = own.transpose().map_err(CommandError::Authority)?;
    let acceptor = settings::tls(&options, own)?;
    let recent = options.admin.is_some().then(Arc::<RecentMessages>::default);
    let interference = Arc::new(Interference {
        personality: options.personality,
        faults: std::mem::take(&mut options.fault),
        log: recent.clone(),
        print: options
            .log_messages
            .then(|| Box::new(|text: &str| tell(format_args!("{text}"))) as _),
    });
    let engine = Arc::new(Engine::new(server));

    let mut servers = Vec::new();
    allow_connections();
    for (address, https) in listeners(&options) {
        let listener = listen(&address)?;
        let mut serve = settings::serve_options(&options, &interference);
        if let Some(path) = https {
            serve = serve.https(path);
        }
        let server = kmip::server::serve(listener, acceptor.clone(), engine.clone(), serve);
        servers.push(server.map_err(listening(&address))?);
    }
    let addresses: Vec<SocketAddr> = servers.iter().map(Server::address).collect();
    let page = recent.zip(options.admin.as_ref()).map(|(recent, address)| {
        let address = admin::address(address);
        let page = Admin {
            introduction,
            addresses: addresses.clone(),
            store,
            recent,
            conformance: options.conformance.clone(),
        };
        admin::serve(listen(&address)?, page).map_err(listening(&address))
    });
    let page = page.transpose()?;
    announce(
        &addresses,
        page.as_ref().map(admin::Server::address),
        options.ready_file.as_deref(),
    )?;
    for signal in signals.forever() {
        match (signal, &audit) {
            (SIGHUP, Some(log)) => {
                if let Err(error) = log.reopen() {
                    complain(&format!("the audit log cannot be opened anew: {error}"));
                }
            }
            (SIGHUP, None) => {}
            _ => break,
        }
    }
    stop(servers);
    Ok(())
}

/// The listeners, with the path of those for HTTPS.
fn listeners(options: &Options) -> Vec<(String, Option<String>)> {
    let main = options.listen.clone().unwrap_or_else(|| ADDRESS.to_owned());
    match &options.https_listen {
        None => vec![(main, options.https.clone())],
        Some(second) => {
            let path = options.https.clone();
            let path = path.unwrap_or_else(|| DEFAULT_PATH.to_owned());
            vec![(main, None), (second.clone(), Some(path))]
        }
    }
}

fn listen(address: &str) -> Result<TcpListener, CommandError> {
    let addresses = address.to_socket_addrs().map_err(listening(address))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    TcpListener::bind(&addresses[..]).map_err(listening(address))
}

fn listening(address: &str) -> impl FnOnce(io::Error) -> CommandError {
    let address = address.to_owned();
    move |source| CommandError::Listen { address, source }
}

/// A connection takes a descriptor, and many systems allow 1,024 unless a program asks for more.
fn allow_connections() {
    let allowed = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: allowed.maximum,
        ..allowed
    };
    // Without more, idle connections give way earlier.
    let _ = setrlimit(Resource::Nofile, all);
}

/// All at the same time, so that the grace is not multiplied.
fn stop(servers: Vec<Server>) {
    thread::scope(|scope| {
        for server in servers {
            scope.spawn(move || server.shutdown(GRACE));
        }
    });
}

/// Tells whoever waits that clients can connect, and where.
fn announce(
    addresses: &[SocketAddr],
    page: Option<SocketAddr>,
    ready_file: Option<&Path>,
) -> Result<(), CommandError> {
    let main = addresses
        .first()
        .map(SocketAddr::to_string)
        .unwrap_or_default();
    if let Some(path) = ready_file {
        let temporary = path.with_extension("tmp");
        // Renamed, so that it is complete as soon as it is there.
        replace_new(&temporary, format!("{main}\n").as_bytes())
            .and_then(|()| fs::rename(&temporary, path))
            .map_err(CommandError::file(path))?;
    }
    // Nobody may be reading it.
    let mut out = io::stdout();
    let others = addresses.iter().skip(1);
    let others = others.map(|address| format!("https {address}\n"));
    let page = page.map(|address| format!("admin http://{address}/\n"));
    let lines: String = others.chain(page).collect();
    let _ = writeln!(out, "{lines}ready {main}").and_then(|()| out.flush());
    Ok(())
}

/// Writes a file that is made anew: nothing that bears the name already, such as a link that somebody
/// else has put there, is written to.
fn replace_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::File::create_new(path)?.write_all(content)
}

fn hash_password() -> Result<(), CommandError> {
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(CommandError::file(Path::new("standard input")))?;
    let hash = Password::hash(line.trim_end_matches(['\n', '\r']))?;
    let _ = writeln!(io::stdout(), "{hash}");
    Ok(())
}

/// Tells the operator.
fn complain(text: &str) {
    tell(format_args!("kmip-server: {text}\n"));
}

/// Nobody may be reading it, or its disk may be full: the server goes on.
fn tell(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_fmt(text);
}
