//! The connections of a server: how many there are, and how to end them.

use std::collections::HashMap;
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
    sockets: HashMap<u64, Socket>,
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

    /// `false` if no more are to be accepted.
    pub(super) fn wait_for_room(&self) -> bool {
        let full = |open: &mut Open| !open.closed && open.sockets.len() >= self.maximum;
        let open = self.changed.wait_while(self.lock(), full);
        !open.unwrap_or_else(PoisonError::into_inner).closed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
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
}

impl Entry {
    /// `None` if the server is closed or the socket is already gone.
    pub(super) fn new(connections: &Arc<Connections>, socket: &Socket) -> Option<Self> {
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
