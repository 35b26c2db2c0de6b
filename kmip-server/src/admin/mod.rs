//! The status page: what is in the store and what is going on, for the browser of an operator.
//!
//! It only shows, and no key: there is nothing to log in to, nothing to change, no script and nothing
//! from elsewhere. It listens on loopback unless another address is asked for.

mod conformance;
mod html;
mod http;
mod log;
mod objects;
mod overview;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use http::{Request, Response, Status};

use crate::recent::RecentMessages;
use crate::store::Store;

/// How many browsers are served at a time; others are sent away.
const MOST: usize = 32;
/// How long a browser may take to send its request, and to take the page.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the page shows.
pub(crate) struct Admin {
    /// Vendor identification of the server.
    pub(crate) introduction: String,
    /// Where clients connect.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) recent: Arc<RecentMessages>,
    /// File with results of a conformance run.
    pub(crate) conformance: Option<PathBuf>,
}

/// An address to listen on, of which the host may be missing.
pub(crate) fn address(given: &str) -> String {
    match given.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => given.to_owned(),
    }
}

/// A status page that is served. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// Serves the page.
///
/// # Errors
/// If the address of the listener or a thread cannot be had.
pub(crate) fn serve(listener: TcpListener, admin: Admin) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let closed = Arc::new(AtomicBool::new(false));
    let site = Arc::new(Site {
        admin,
        address,
        started: Instant::now(),
        busy: AtomicUsize::new(0),
    });
    let acceptor = thread::Builder::new()
        .name("kmip admin".to_owned())
        .spawn({
            let closed = closed.clone();
            move || {
                for stream in listener.incoming() {
                    if closed.load(Ordering::SeqCst) {
                        return;
                    }
                    match stream {
                        Ok(stream) => Site::accept(&site, stream),
                        // For instance for lack of descriptors.
                        Err(_) => thread::sleep(Duration::from_millis(100)),
                    }
                }
            }
        })?;
    Ok(Server {
        address,
        closed,
        acceptor: Some(acceptor),
    })
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            let _ = acceptor.join();
        }
    }
}

struct Site {
    admin: Admin,
    address: SocketAddr,
    started: Instant,
    busy: AtomicUsize,
}

impl Site {
    fn accept(site: &Arc<Self>, stream: TcpStream) {
        if site.busy.fetch_add(1, Ordering::SeqCst) >= MOST {
            site.busy.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let own = Busy(site.clone());
        // Without a thread, the connection is dropped.
        let _ = thread::Builder::new()
            .name("kmip admin page".to_owned())
            .spawn(move || {
                let deadline = Instant::now() + PATIENCE;
                // A browser that goes away is no error.
                let _ = http::answer(stream, deadline, |request| own.0.respond(request));
            });
    }

    fn respond(&self, request: &Request<'_>) -> Response {
        if !http::is_own_host(request.host, self.address) {
            return Response::plain(
                Status::MISDIRECTED,
                "This page answers to localhost and to addresses only.\n",
            );
        }
        let admin = &self.admin;
        match request.path {
            "/" => overview::page(admin, self.started.elapsed()),
            "/style.css" => Response::style(html::STYLE),
            "/objects" => objects::list(&*admin.store, request.parameter("after")),
            "/log" => log::page(&admin.recent),
            "/conformance" => conformance::page(admin.conformance.as_deref()),
            path => match path.strip_prefix("/objects/").and_then(http::decoded) {
                Some(identifier) => objects::one(&*admin.store, &identifier),
                None => html::not_found("There is no such page."),
            },
        }
    }
}

/// A browser that is being served.
struct Busy(Arc<Site>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}
