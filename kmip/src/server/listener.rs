//! A blocking TLS server: one thread for each connection, and no more than so many.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream as Socket};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::transport::tls::TlsAcceptor;
use crate::transport::{Deadline, Error, TcpStream};

use super::connection::serve_connection;
use super::connections::{Connections, Entry};
use super::engine::Engine;
use super::handler::Handler;
use super::options::ServeOptions;
use super::peer::Peer;

/// How long to wait when no connection can be accepted, for instance for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
            connections.wait_for_end(ACCEPT_PAUSE);
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
