//! What stands between a client and a server.

use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Passes connections on to a server, and counts them. Ends with the test's process.
pub struct Proxy {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn before(server: String) -> Proxy {
        Proxy::start(server, usize::MAX, Arc::new(|| {}))
    }

    /// Takes no more connections after these.
    pub fn limited(server: String, limit: usize) -> Proxy {
        Proxy::start(server, limit, Arc::new(|| {}))
    }

    /// Calls this before it passes anything on to the server.
    pub fn watched(server: String, watch: impl Fn() + Send + Sync + 'static) -> Proxy {
        Proxy::start(server, usize::MAX, Arc::new(watch))
    }

    fn start(server: String, limit: usize, watch: Arc<dyn Fn() + Send + Sync>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().take(limit) {
                count.fetch_add(1, Ordering::SeqCst);
                let (mut client, mut server) =
                    (client.unwrap(), TcpStream::connect(&server).unwrap());
                let (mut answers, mut back) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = copy(&mut answers, &mut back);
                    let _ = back.shutdown(Shutdown::Write);
                });
                let watch = Arc::clone(&watch);
                thread::spawn(move || {
                    let mut part = [0; 0x4000];
                    while let Ok(length @ 1..) = client.read(&mut part) {
                        watch();
                        // Nobody may be there any more.
                        let _ = server.write_all(&part[..length]);
                    }
                    let _ = server.shutdown(Shutdown::Write);
                });
            }
        });
        Proxy {
            address,
            connections,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many connections there were since the last time.
    pub fn take(&self) -> usize {
        self.connections.swap(0, Ordering::SeqCst)
    }
}
