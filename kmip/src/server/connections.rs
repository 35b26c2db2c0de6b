//! The connections of a server: how many there are, and how to end them.

use std::collections::HashMap;
use std::mem;
use std::net::{Shutdown, TcpStream as Socket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::transport::Deadline;

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Open>,
    changed: Condvar,
    maximum: usize,
}

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    next: u64,
    sockets: HashMap<u64, Arc<Socket>>,
    /// How many of them nobody knows yet.
    handshakes: usize,
    /// Counts what may have made room.
    changes: u64,
}

impl Open {
    /// Whether one more can be accepted.
    fn has_room(&self, maximum: usize) -> bool {
        // Whoever shows no certificate does not keep those out who have shown one.
        self.sockets.len() < maximum && self.can_greet(maximum)
    }

    fn can_greet(&self, maximum: usize) -> bool {
        self.handshakes < maximum.div_ceil(2)
    }
}

impl Connections {
    pub(super) fn new(maximum: usize) -> Self {
        Connections {
            open: Mutex::default(),
            changed: Condvar::new(),
            maximum,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more can be accepted; `false` if no more are to be accepted. Where all places are
    /// taken, `make_room` is asked to end one that is idle.
    pub(super) fn wait_for_room(&self, make_room: impl Fn()) -> bool {
        let mut open = self.lock();
        while !open.closed && !open.has_room(self.maximum) {
            let seen = open.changes;
            if open.can_greet(self.maximum) {
                drop(open);
                make_room();
                open = self.lock();
            }
            let same = |open: &mut Open| !open.closed && open.changes == seen;
            let waited = self.changed.wait_while(open, same);
            open = waited.unwrap_or_else(PoisonError::into_inner);
        }
        !open.closed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Says that a connection has become idle or known, so that there may be room.
    pub(super) fn note_change(&self) {
        self.lock().changes += 1;
        self.changed.notify_all();
    }

    /// Waits until a connection ends, or for `time`.
    pub(super) fn wait_for_end(&self, time: Duration) {
        let _ = self.changed.wait_timeout(self.lock(), time);
    }

    /// No more are accepted, and those that wait for a request end.
    pub(super) fn close(&self) {
        let mut open = self.lock();
        open.closed = true;
        for socket in open.sockets.values() {
            let _ = socket.shutdown(Shutdown::Read);
        }
        drop(open);
        self.changed.notify_all();
    }

    pub(super) fn wait_until_none(&self, deadline: Deadline) {
        let mut open = self.lock();
        while !open.sockets.is_empty() {
            let Some(time) = deadline.remaining().filter(|time| !time.is_zero()) else {
                return;
            };
            let waited = self.changed.wait_timeout(open, time);
            open = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn cut(&self) {
        for socket in self.lock().sockets.values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// A place among the open connections; given back when dropped.
pub(super) struct Entry {
    connections: Arc<Connections>,
    number: u64,
    in_handshake: bool,
}

impl Entry {
    /// For a connection whose handshake is to come. `None` if the server is closed.
    pub(super) fn new(connections: &Arc<Connections>, socket: &Arc<Socket>) -> Option<Self> {
        let mut open = connections.lock();
        if open.closed {
            return None;
        }
        let number = open.next;
        open.next += 1;
        open.sockets.insert(number, socket.clone());
        open.handshakes += 1;
        Some(Entry {
            connections: connections.clone(),
            number,
            in_handshake: true,
        })
    }

    /// The handshake is over.
    pub(super) fn end_handshake(&mut self) {
        if mem::take(&mut self.in_handshake) {
            self.connections.lock().handshakes -= 1;
            self.connections.note_change();
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().sockets.remove(&self.number);
        self.connections.note_change();
        self.end_handshake();
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_is_not_known_yet_takes_half_of_the_places_at_most() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connections = Arc::new(Connections::new(5));
        let accept = || {
            let socket = Socket::connect(listener.local_addr().unwrap()).unwrap();
            Entry::new(&connections, &Arc::new(socket)).unwrap()
        };
        let has_room = || connections.lock().has_room(5);
        let mut silent: Vec<Entry> = (0..3).map(|_| accept()).collect();
        assert!(!has_room());
        silent[0].end_handshake();
        assert!(has_room());
        silent.push(accept());
        assert!(!has_room());
        silent.truncate(1);
        assert!(has_room());
        // One known client is left, and the others are so as well.
        silent.extend((0..4).map(|_| {
            let mut entry = accept();
            entry.end_handshake();
            entry
        }));
        assert!(!has_room() && connections.lock().can_greet(5));
    }
}
