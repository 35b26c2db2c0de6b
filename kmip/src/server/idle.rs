//! Connections that wait for a request without a thread.

use std::collections::BTreeMap;
use std::net::TcpStream as Socket;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{fmt, io, mem};

use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use super::connection::Session;
use super::connections::Entry;

/// Event of the bell; connections have lower numbers.
const BELL: u64 = u64::MAX;
/// How many events are taken at a time.
const EVENTS: usize = 64;

/// A connection between two requests.
pub(super) struct IdleConnection {
    pub(super) session: Session,
    pub(super) socket: Arc<Socket>,
    /// Its place, given back last.
    pub(super) entry: Entry,
}

/// Connections without a thread, and what tells when one of them needs one again.
pub(super) struct IdleConnections {
    epoll: OwnedFd,
    /// Wakes the thread that waits.
    bell: OwnedFd,
    begun: Instant,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    closed: bool,
    /// By the time since which they wait for a request, in nanoseconds, or the next number that is free.
    /// Since all may wait for as long, it is also that at which they have waited enough.
    connections: BTreeMap<u64, IdleConnection>,
}

/// What the thread has waited for.
pub(super) enum Woken {
    /// Something has arrived for these, or they have waited long enough.
    Ready(Vec<IdleConnection>),
    /// No more connections are to be kept. These are the last.
    Closed(Vec<IdleConnection>),
}

impl IdleConnections {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(IdleConnections {
            epoll,
            bell,
            begun: Instant::now(),
            waiting: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It fails only if the bell has been rung more often than it can count.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Keeps a connection, or gives it back if that is not possible.
    pub(super) fn keep(&self, connection: IdleConnection) -> Option<IdleConnection> {
        let mut waiting = self.lock();
        let since = connection.session.since();
        let since = since.saturating_duration_since(self.begun).as_nanos();
        let mut number = u64::try_from(since).unwrap_or(u64::MAX - 1);
        while number == BELL || waiting.connections.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ONESHOT;
        let data = EventData::new_u64(number);
        if waiting.closed || epoll::add(&self.epoll, &connection.socket, data, flags).is_err() {
            return Some(connection);
        }
        waiting.connections.insert(number, connection);
        // The thread may know of no time until which it may wait, or of a later one.
        let first = waiting.connections.keys().next();
        let is_first = first == Some(&number);
        drop(waiting);
        if is_first {
            self.ring();
        }
        None
    }

    /// The connection that waits longest.
    pub(super) fn take_longest(&self) -> Option<IdleConnection> {
        let (_, connection) = self.lock().connections.pop_first()?;
        self.forget(&connection);
        Some(connection)
    }

    fn forget(&self, connection: &IdleConnection) {
        // It was added, so that nothing can be wrong with it.
        let _ = epoll::delete(&self.epoll, &connection.socket);
    }

    /// Waits until something is to be done.
    pub(super) fn wait(&self) -> Woken {
        let mut events = [Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        }; EVENTS];
        let patience = {
            let waiting = self.lock();
            let first = waiting.connections.values().next();
            first.and_then(|first| first.session.idle().remaining())
        };
        let patience = patience.and_then(|time| Timespec::try_from(time).ok());
        let count = match epoll::wait(&self.epoll, &mut events, patience.as_ref()) {
            Ok(count) => count,
            Err(error) => {
                debug_assert_eq!(error, Errno::INTR);
                0
            }
        };
        let mut waiting = self.lock();
        if waiting.closed {
            let last = mem::take(&mut waiting.connections);
            return Woken::Closed(last.into_values().collect());
        }
        let mut ready = Vec::new();
        for event in &events[..count] {
            match event.data.u64() {
                BELL => drop(rustix::io::read(&self.bell, &mut [0; 8])),
                // It may have been taken away meanwhile.
                number => ready.extend(waiting.connections.remove(&number)),
            }
        }
        let is_over = |waits: &IdleConnection| waits.session.idle().has_passed();
        while let Some(first) = waiting.connections.first_entry() {
            if !is_over(first.get()) {
                break;
            }
            ready.push(first.remove());
        }
        drop(waiting);
        ready.iter().for_each(|connection| self.forget(connection));
        Woken::Ready(ready)
    }

    /// Keeps no more connections.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ring();
    }
}

impl fmt::Debug for IdleConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdleConnections").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    use super::super::connections::Connections;
    use super::super::options::ServeOptions;
    use super::super::peer::Peer;
    use super::*;
    use crate::transport::TcpStream;

    /// A connection without TLS, and the client's end of it.
    fn connect(listener: &TcpListener) -> (IdleConnection, Socket) {
        let client = Socket::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, address) = listener.accept().unwrap();
        let socket = Arc::new(socket);
        let connections = Arc::new(Connections::new(1, Duration::from_secs(10)));
        let stream = TcpStream::from(socket.clone());
        let peer = Peer::new(address, None);
        let connection = IdleConnection {
            session: Session::new(stream, peer, &ServeOptions::default()),
            entry: Entry::new(&connections, &socket, address.ip()).unwrap(),
            socket,
        };
        (connection, client)
    }

    fn address(connection: &IdleConnection) -> SocketAddr {
        connection.socket.peer_addr().unwrap()
    }

    /// What counts is the last request, and not what a client has sent since that is none.
    #[test]
    fn who_has_asked_for_nothing_longest_goes_first() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let idle = IdleConnections::new().unwrap();
        let (first, mut client) = connect(&listener);
        let (second, _other) = connect(&listener);
        let (addresses, none) = ([address(&first), address(&second)], Option::is_none);
        assert!(
            [first, second]
                .into_iter()
                .map(|one| idle.keep(one))
                .all(|back| none(&back))
        );
        io::Write::write_all(&mut client, &[0]).unwrap();
        let woken = loop {
            match idle.wait() {
                Woken::Ready(mut ready) if !ready.is_empty() => break ready.remove(0),
                Woken::Ready(_) => {}
                Woken::Closed(_) => panic!("it is open"),
            }
        };
        assert_eq!(address(&woken), addresses[0]);
        assert!(idle.keep(woken).is_none());
        let order = [(), ()].map(|()| address(&idle.take_longest().unwrap()));
        assert_eq!(order, addresses);
    }
}
