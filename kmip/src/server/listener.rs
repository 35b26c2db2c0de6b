//! A blocking TLS server: one thread for each connection on which requests come, and no more
//! connections than so many.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream as Socket};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::transport::tls::TlsAcceptor;
use crate::transport::{Deadline, TcpStream};

use super::connection::{Pause, Session};
use super::connections::{Connections, Entry};
use super::engine::Engine;
use super::handler::Handler;
use super::idle::{IdleConnection, IdleConnections, Woken};
use super::options::ServeOptions;
use super::peer::Peer;

/// How long to wait when no connection can be accepted, for instance for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a connection keeps its thread after a request. A new one takes tens of microseconds, which
/// clients that ask again and again are spared.
const LINGER: Duration = Duration::from_secs(1);

/// A running server. Dropping it shuts it down as [`shutdown`](Self::shutdown) does.
#[derive(Debug)]
pub struct Server {
    stopper: Stopper,
    threads: Vec<JoinHandle<()>>,
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
    let stopper = Stopper {
        address: listener.local_addr()?,
        connections: Arc::new(Connections::new(
            options.maximum_connections,
            options.handshake,
        )),
        idle: Arc::new(IdleConnections::new()?),
    };
    let shared = Arc::new(Shared {
        tls,
        engine,
        options,
        connections: stopper.connections.clone(),
        idle: stopper.idle.clone(),
    });
    let mut server = Server {
        stopper,
        threads: Vec::new(),
    };
    let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(work)
    };
    let acceptor = shared.clone();
    let accept = Box::new(move || acceptor.accept(&listener));
    server.threads.push(start("kmip accept", accept)?);
    let watch = Box::new(move || shared.watch());
    server.threads.push(start("kmip idle", watch)?);
    Ok(server)
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.stopper.address
    }

    /// Waits until the server is shut down from elsewhere, see [`stopper`](Self::stopper).
    pub fn wait(mut self) {
        self.join();
    }

    /// A handle with which another thread can shut the server down.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Accepts no more connections, lets requests that have arrived be answered, for at most
    /// `grace`, and closes everything.
    pub fn shutdown(mut self, grace: Duration) {
        self.stop(grace);
    }

    fn stop(&mut self, grace: Duration) {
        self.stopper.stop(grace);
        self.join();
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.stop(Duration::from_secs(1));
        }
    }
}

/// Shuts a [`Server`] down.
#[derive(Debug, Clone)]
pub struct Stopper {
    address: SocketAddr,
    connections: Arc<Connections>,
    idle: Arc<IdleConnections>,
}

impl Stopper {
    /// As [`Server::shutdown`].
    pub fn stop(&self, grace: Duration) {
        self.connections.close();
        self.idle.close();
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
    connections: Arc<Connections>,
    idle: Arc<IdleConnections>,
}

impl<H: Handler + 'static> Shared<H> {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.connections.is_closed() {
                break;
            }
            let Ok((socket, address)) = accepted else {
                // Perhaps for lack of descriptors.
                let connections = &self.connections;
                connections.wait_for_end(ACCEPT_PAUSE, || self.make_room());
                continue;
            };
            // Nobody has to end before somebody has come.
            if !self.connections.wait_for_room(|| self.make_room()) {
                break;
            }
            let socket = Arc::new(socket);
            if let Some(entry) = Entry::new(&self.connections, &socket, address.ip()) {
                self.in_thread(move |shared| shared.greet(socket, address, entry));
            }
        }
    }

    /// Without a thread, what `work` holds is dropped, and so is the connection.
    fn in_thread(self: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) {
        let shared = self.clone();
        let thread = thread::Builder::new().name("kmip connection".to_owned());
        let _ = thread.spawn(move || work(&shared));
    }

    /// Gives connections that wait without a thread one when they need it.
    fn watch(self: Arc<Self>) {
        loop {
            match self.idle.wait() {
                Woken::Ready(connections) => {
                    for connection in connections {
                        self.in_thread(move |shared| shared.serve(connection));
                    }
                }
                Woken::Closed(connections) => {
                    for mut connection in connections {
                        if connection.session.has_request() {
                            self.in_thread(move |shared| shared.serve(connection));
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Ends the connection that is idle for the longest time. In a thread, since a client that takes
    /// nothing makes saying goodbye last a while.
    fn make_room(self: &Arc<Self>) {
        if let Some(connection) = self.idle.take_longest() {
            connection.entry.end();
            self.in_thread(move |_| drop(connection));
        }
    }

    fn greet(&self, socket: Arc<Socket>, address: SocketAddr, entry: Entry) {
        let _ = socket.set_nodelay(true);
        let deadline = Deadline::after(self.options.handshake);
        let stream = TcpStream::from(socket.clone());
        match self.tls.accept(stream, &address.to_string(), deadline) {
            Ok(stream) => {
                entry.end_handshake();
                let peer = Peer::new(address, stream.peer_certificate());
                self.serve(IdleConnection {
                    session: Session::new(stream, peer, &self.options),
                    socket,
                    entry,
                });
            }
            Err(error) => (self.options.on_error)(&error),
        }
    }

    /// Answers requests until the connection ends or is idle.
    fn serve(&self, mut connection: IdleConnection) {
        loop {
            let session = &mut connection.session;
            match session.serve(&self.engine, &self.options, Some(LINGER)) {
                Ok(Pause::Ended) => return,
                Ok(Pause::Idle) => {}
                Err(error) => {
                    // Who is told can rely on it that the client has been left.
                    drop(connection);
                    return (self.options.on_error)(&error);
                }
            }
            match self.idle.keep(connection) {
                Some(back) => connection = back,
                None => return self.connections.note_change(),
            }
        }
    }
}
