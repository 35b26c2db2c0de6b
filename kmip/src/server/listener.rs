//! A blocking TLS server: one thread for each connection, and no more than so many.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream as Socket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use zeroize::Zeroize;

use crate::transport::tls::TlsAcceptor;
use crate::transport::{
    Cause, Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, Error, FrameError, MessageDirection,
    Stream, TcpStream, Timeouts,
};
use crate::types::ResultReason;

use super::engine::Engine;
use super::failure::Failure;
use super::handler::Handler;
use super::peer::Peer;

/// Limits of a [`Server`].
pub struct ServeOptions {
    maximum_connections: usize,
    maximum_message_size: usize,
    handshake: Duration,
    idle: Option<Duration>,
    request: Duration,
    on_error: Box<dyn Fn(&Error) + Send + Sync>,
}

/// 256 connections, messages of [`DEFAULT_MAXIMUM_MESSAGE_SIZE`], 10 seconds for a handshake, 10
/// minutes between requests, 30 seconds for a request to arrive.
impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            maximum_connections: 256,
            maximum_message_size: DEFAULT_MAXIMUM_MESSAGE_SIZE,
            handshake: Duration::from_secs(10),
            idle: Some(Duration::from_secs(600)),
            request: Duration::from_secs(30),
            on_error: Box::new(|_| {}),
        }
    }
}

impl ServeOptions {
    /// How many connections, and so threads, there may be. Others wait until one has ended.
    #[must_use]
    pub fn maximum_connections(mut self, connections: usize) -> Self {
        self.maximum_connections = connections.max(1);
        self
    }

    /// The longest request that is accepted, in bytes.
    #[must_use]
    pub fn maximum_message_size(mut self, bytes: usize) -> Self {
        self.maximum_message_size = bytes;
        self
    }

    /// The time for a TLS handshake.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = timeout;
        self
    }

    /// After which time without a request a connection is closed.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle = timeout.into();
        self
    }

    /// The time for a request to arrive once it has begun, and for the response to be taken.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request = timeout;
        self
    }

    /// Called when a connection fails, for logs.
    #[must_use]
    pub fn on_error(mut self, report: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.on_error = Box::new(report);
        self
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("maximum_connections", &self.maximum_connections)
            .finish_non_exhaustive()
    }
}

/// A running server. Dropping it shuts it down as [`shutdown`](Self::shutdown) does.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    connections: Arc<Connections>,
    acceptor: Option<JoinHandle<()>>,
}

/// Answers the requests of all who connect to `listener`.
///
/// # Errors
/// If the address of the listener or a thread cannot be had.
pub fn serve<H: Handler + 'static>(
    listener: TcpListener,
    tls: TlsAcceptor,
    engine: Arc<Engine<H>>,
    options: ServeOptions,
) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let connections = Arc::new(Connections::new(options.maximum_connections));
    let shared = Arc::new(Shared {
        tls,
        engine,
        options,
    });
    let acceptor = thread::Builder::new()
        .name("kmip accept".to_owned())
        .spawn({
            let connections = connections.clone();
            move || accept(&listener, &shared, &connections)
        })?;
    Ok(Server {
        address,
        connections,
        acceptor: Some(acceptor),
    })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server is shut down from elsewhere, see [`stopper`](Self::stopper).
    pub fn wait(mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }

    /// A handle with which another thread can shut the server down.
    pub fn stopper(&self) -> Stopper {
        Stopper {
            address: self.address,
            connections: self.connections.clone(),
        }
    }

    /// Accepts no more connections, lets requests that have arrived be answered, for at most
    /// `grace`, and closes everything.
    pub fn shutdown(mut self, grace: Duration) {
        self.stop(grace);
    }

    fn stop(&mut self, grace: Duration) {
        self.stopper().stop(grace);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.acceptor.is_some() {
            self.stop(Duration::from_secs(1));
        }
    }
}

/// Shuts a [`Server`] down.
#[derive(Debug, Clone)]
pub struct Stopper {
    address: SocketAddr,
    connections: Arc<Connections>,
}

impl Stopper {
    /// As [`Server::shutdown`].
    pub fn stop(&self, grace: Duration) {
        self.connections.close();
        // Wakes the thread that accepts.
        let _ = Socket::connect_timeout(&reachable(self.address), Duration::from_secs(1));
        self.connections.wait_until_none(Deadline::after(grace));
        self.connections.cut();
    }
}

/// An address that everything is bound to is not one to connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        match &mut address {
            SocketAddr::V4(v4) => v4.set_ip(std::net::Ipv4Addr::LOCALHOST),
            SocketAddr::V6(v6) => v6.set_ip(std::net::Ipv6Addr::LOCALHOST),
        }
    }
    address
}

struct Shared<H> {
    tls: TlsAcceptor,
    engine: Arc<Engine<H>>,
    options: ServeOptions,
}

fn accept<H: Handler + 'static>(
    listener: &TcpListener,
    shared: &Arc<Shared<H>>,
    connections: &Arc<Connections>,
) {
    while connections.wait_for_room() {
        let accepted = listener.accept();
        if connections.is_closed() {
            break;
        }
        let Ok((socket, address)) = accepted else {
            // The peer has gone again, or descriptors are short: others may end meanwhile.
            thread::yield_now();
            continue;
        };
        let Some(entry) = Entry::new(connections, &socket) else {
            continue;
        };
        let shared = shared.clone();
        // Without a thread, the entry and the connection are dropped.
        let _ = thread::Builder::new()
            .name("kmip connection".to_owned())
            .spawn(move || {
                let _entry = entry;
                if let Err(error) = shared.run(socket, address) {
                    (shared.options.on_error)(&error);
                }
            });
    }
}

impl<H: Handler> Shared<H> {
    fn run(&self, socket: Socket, address: SocketAddr) -> Result<(), Error> {
        let _ = socket.set_nodelay(true);
        let deadline = Deadline::after(self.options.handshake);
        let stream = TcpStream::from(socket);
        let stream = self.tls.accept(stream, &address.to_string(), deadline)?;
        let peer = Peer::new(address, stream.peer_certificate());
        serve_connection(&self.engine, stream, &peer, &self.options)
    }
}

/// Answers the requests on one stream until the client closes it. For streams that do not come
/// from a [`Server`].
///
/// # Errors
/// If the stream fails, the client takes too long, or sends something that is no request.
pub fn serve_connection<H: Handler>(
    engine: &Engine<H>,
    stream: impl Stream + 'static,
    peer: &Peer,
    options: &ServeOptions,
) -> Result<(), Error> {
    let name = match peer.address() {
        Some(address) => address.to_string(),
        None => "local client".to_owned(),
    };
    let timeouts = Timeouts::NONE.with_operation(options.request);
    let direction = MessageDirection::Requests;
    let maximum = options.maximum_message_size;
    let mut connection = Connection::new(stream, name, direction, maximum, timeouts);
    let mut response = Vec::new();
    loop {
        let fault = match connection.receive_or_end(Deadline::after(options.idle)) {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => {
                engine.respond(peer, request, &mut response);
                None
            }
            Err(error) => {
                let Some(failure) = answerable(&error) else {
                    return Err(error);
                };
                engine.refuse(None, &failure, &mut response);
                Some(error)
            }
        };
        connection.release();
        let sent = connection.send(&response, Deadline::after(options.request));
        response.zeroize();
        match fault {
            Some(error) => return Err(error),
            None => sent?,
        }
    }
}

/// What can be answered to something that is a message but is not read.
fn answerable(error: &Error) -> Option<Failure> {
    match error.cause() {
        Cause::Frame(error @ FrameError::TooLong { .. }) => {
            let reason = ResultReason::INVALID_MESSAGE;
            Some(Failure::new(reason, error.to_string()))
        }
        _ => None,
    }
}

/// The connections that are open.
#[derive(Debug)]
struct Connections {
    open: Mutex<Open>,
    changed: Condvar,
    maximum: usize,
}

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    next: u64,
    sockets: HashMap<u64, Socket>,
}

impl Connections {
    fn new(maximum: usize) -> Self {
        Connections {
            open: Mutex::default(),
            changed: Condvar::new(),
            maximum,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` if no more are to be accepted.
    fn wait_for_room(&self) -> bool {
        let full = |open: &mut Open| !open.closed && open.sockets.len() >= self.maximum;
        let open = self.changed.wait_while(self.lock(), full);
        !open.unwrap_or_else(PoisonError::into_inner).closed
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// No more are accepted, and those that wait for a request end.
    fn close(&self) {
        let mut open = self.lock();
        open.closed = true;
        for socket in open.sockets.values() {
            let _ = socket.shutdown(Shutdown::Read);
        }
        drop(open);
        self.changed.notify_all();
    }

    fn wait_until_none(&self, deadline: Deadline) {
        let mut open = self.lock();
        while !open.sockets.is_empty() {
            let Some(time) = deadline.remaining().filter(|time| !time.is_zero()) else {
                return;
            };
            let waited = self.changed.wait_timeout(open, time);
            open = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn cut(&self) {
        for socket in self.lock().sockets.values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// A place among the open connections; given back when dropped.
struct Entry {
    connections: Arc<Connections>,
    number: u64,
}

impl Entry {
    /// `None` if the server is closed or the socket is already gone.
    fn new(connections: &Arc<Connections>, socket: &Socket) -> Option<Self> {
        let socket = socket.try_clone().ok()?;
        let mut open = connections.lock();
        if open.closed {
            return None;
        }
        let number = open.next;
        open.next += 1;
        open.sockets.insert(number, socket);
        Some(Entry {
            connections: connections.clone(),
            number,
        })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().sockets.remove(&self.number);
        self.connections.changed.notify_all();
    }
}
