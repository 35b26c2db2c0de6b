//! A TCP server that does what a test says.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// A TCP server on a loopback address. Connections are handled one by one by the
/// test's script, with the number of the connection, until the server is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    /// Dropped with the server: scripts that stall wait for this.
    released: Option<Sender<()>>,
    acceptor: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// A server on 127.0.0.1.
    pub fn start(script: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        Self::start_on("127.0.0.1:0", script)
    }

    /// A server on `address`; port 0 takes a free one.
    pub fn start_on(
        address: &str,
        script: impl Fn(TcpStream, usize) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(address, move |stream, number, _| script(stream, number))
    }

    /// A server that reads a request and never answers.
    pub fn stalling() -> Self {
        Self::start_with("127.0.0.1:0", |_stream, _, released| {
            // Ends when the server is dropped; the connection stays open until then.
            let _ = released.recv();
        })
    }

    fn start_with(
        address: &str,
        script: impl Fn(TcpStream, usize, &Receiver<()>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(AtomicUsize::new(0));
        let (released, release) = channel();
        let acceptor = thread::spawn({
            let (stop, accepted) = (stop.clone(), accepted.clone());
            move || accept(&listener, &script, &stop, &accepted, &release)
        });
        ScriptedServer {
            address,
            stop,
            accepted,
            released: Some(released),
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Connections are handled one after the other, as clients in tests use them.
fn accept(
    listener: &TcpListener,
    script: &impl Fn(TcpStream, usize, &Receiver<()>),
    stop: &AtomicBool,
    accepted: &AtomicUsize,
    release: &Receiver<()>,
) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let number = accepted.fetch_add(1, Ordering::SeqCst);
        if let Ok(stream) = stream {
            script(stream, number, release);
        }
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.released.take();
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            if acceptor.join().is_err() && !thread::panicking() {
                panic!("the script of the server failed");
            }
        }
    }
}
