//! The connections of a server: how many there are, and which of them end so that others can begin.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpStream as Socket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::transport::Deadline;

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Open>,
    changed: Condvar,
    maximum: usize,
    /// How long a handshake is left alone, whoever waits for its place.
    grace: Duration,
}

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    next: u64,
    sockets: HashMap<u64, Arc<Socket>>,
    /// Those of them whom nobody knows yet, oldest first.
    handshakes: BTreeMap<u64, Handshake>,
    /// Those of them that were told to end, and whose places are free soon.
    ending: HashSet<u64>,
    /// Counts what may have made room.
    changes: u64,
}

#[derive(Debug)]
struct Handshake {
    begun: Instant,
    from: IpAddr,
}

impl Open {
    /// Whether one more handshake can begin: whoever shows no certificate does not keep those out who have
    /// shown one.
    fn can_greet(&self, maximum: usize) -> bool {
        self.handshakes.len() < maximum.div_ceil(2)
    }

    /// Ends a handshake so that another one can begin: the oldest of the network that has the most of them.
    /// If that has not been left alone for so long, says how long to wait.
    fn end_handshake(&mut self, grace: Duration) -> Option<Duration> {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for handshake in self.handshakes.values() {
            *counts.entry(handshake.from).or_default() += 1;
        }
        let most = counts.values().copied().max()?;
        let mut oldest = self.handshakes.iter();
        let (number, handshake) = oldest.find(|(_, one)| counts[&one.from] == most)?;
        let left = grace.saturating_sub(handshake.begun.elapsed());
        if !left.is_zero() {
            return Some(left);
        }
        let number = *number;
        self.handshakes.remove(&number);
        self.ending.insert(number);
        if let Some(socket) = self.sockets.get(&number) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        None
    }
}

impl Connections {
    /// For so many connections, and handshakes that may take so long.
    pub(super) fn new(maximum: usize, handshake: Duration) -> Self {
        Connections {
            open: Mutex::default(),
            changed: Condvar::new(),
            maximum,
            grace: handshake / 5,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a place for a connection that was accepted; `false` if no more are wanted.
    /// Where too many are in their handshake, one of these ends; where all places are taken, `make_room`
    /// is asked to end one that is idle.
    pub(super) fn wait_for_room(&self, make_room: impl Fn()) -> bool {
        let mut open = self.lock();
        while !open.closed {
            if !open.can_greet(self.maximum) {
                if let Some(time) = open.end_handshake(self.grace) {
                    let waited = self.changed.wait_timeout(open, time);
                    open = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                continue;
            }
            if open.sockets.len() < self.maximum {
                return true;
            }
            let seen = open.changes;
            // For each that comes, one goes.
            if open.sockets.len() - open.ending.len() >= self.maximum {
                drop(open);
                make_room();
                open = self.lock();
            }
            let same = |open: &mut Open| !open.closed && open.changes == seen;
            let waited = self.changed.wait_while(open, same);
            open = waited.unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Says that a connection has become idle or known, so that there may be room.
    pub(super) fn note_change(&self) {
        self.lock().changes += 1;
        self.changed.notify_all();
    }

    /// Waits until a connection ends, or for `time`. Unless one is ending already, `make_room` is asked to
    /// end one.
    pub(super) fn wait_for_end(&self, time: Duration, make_room: impl Fn()) {
        if self.lock().ending.is_empty() {
            make_room();
        }
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
    /// For a connection whose handshake is to come. `None` if the server is closed.
    pub(super) fn new(
        connections: &Arc<Connections>,
        socket: &Arc<Socket>,
        from: IpAddr,
    ) -> Option<Self> {
        let mut open = connections.lock();
        if open.closed {
            return None;
        }
        let number = open.next;
        open.next += 1;
        open.sockets.insert(number, socket.clone());
        let handshake = Handshake {
            begun: Instant::now(),
            from: network(from),
        };
        open.handshakes.insert(number, handshake);
        Some(Entry {
            connections: connections.clone(),
            number,
        })
    }

    /// The handshake is over.
    pub(super) fn end_handshake(&self) {
        let handshake = self.connections.lock().handshakes.remove(&self.number);
        if handshake.is_some() {
            self.connections.note_change();
        }
    }

    /// The connection is about to end, so that no other one needs to for the same newcomer.
    pub(super) fn end(&self) {
        self.connections.lock().ending.insert(self.number);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.sockets.remove(&self.number);
        open.handshakes.remove(&self.number);
        open.ending.remove(&self.number);
        drop(open);
        self.connections.note_change();
    }
}

/// What one client is likely to have all of: an address or, of IPv6, the upper half of one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let host = u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & !host))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const NOTHING: fn() = || {};

    struct World {
        listener: TcpListener,
        connections: Arc<Connections>,
        clients: Vec<Socket>,
    }

    impl World {
        fn new(maximum: usize, handshake: Duration) -> Self {
            World {
                listener: TcpListener::bind("127.0.0.1:0").unwrap(),
                connections: Arc::new(Connections::new(maximum, handshake)),
                clients: Vec::new(),
            }
        }

        /// As if it came from there.
        fn accept_from(&mut self, from: &str) -> (Entry, Arc<Socket>) {
            let client = Socket::connect(self.listener.local_addr().unwrap()).unwrap();
            self.clients.push(client);
            let socket = Arc::new(self.listener.accept().unwrap().0);
            let entry = Entry::new(&self.connections, &socket, from.parse().unwrap());
            (entry.unwrap(), socket)
        }

        fn known(&mut self) -> Entry {
            let (entry, _) = self.accept_from("192.0.2.1");
            entry.end_handshake();
            entry
        }
    }

    /// Whether the server has ended it: then there is nothing more to be read.
    fn has_ended(socket: &Socket) -> bool {
        socket.set_nonblocking(true).unwrap();
        matches!(socket.peek(&mut [0]), Ok(0))
    }

    #[test]
    fn who_is_not_known_yet_takes_half_of_the_places_at_most() {
        let mut world = World::new(5, Duration::from_secs(3600));
        let connections = world.connections.clone();
        let can_greet = || connections.lock().can_greet(5);
        let mut silent: Vec<Entry> = (0..3).map(|_| world.accept_from("192.0.2.1").0).collect();
        assert!(!can_greet());
        silent[0].end_handshake();
        assert!(can_greet());
        silent.push(world.accept_from("192.0.2.1").0);
        assert!(!can_greet());
        silent.truncate(1);
        assert!(can_greet());
    }

    #[test]
    fn a_handshake_that_was_left_alone_for_a_while_ends_for_a_newcomer() {
        let mut world = World::new(4, Duration::from_millis(50));
        let (old, old_socket) = world.accept_from("192.0.2.1");
        let (_new, new_socket) = world.accept_from("192.0.2.1");
        // It waits until the older one is old enough, and not for ten times as long.
        assert!(world.connections.wait_for_room(NOTHING));
        assert!(has_ended(&old_socket) && !has_ended(&new_socket));
        // Its place is taken until it has ended, but no other one ends for it.
        let _known = [world.known(), world.known()];
        let connections = world.connections.clone();
        let waits =
            std::thread::spawn(move || connections.wait_for_room(|| panic!("one is ending")));
        drop(old);
        assert!(waits.join().unwrap());
        assert!(!has_ended(&new_socket));
    }

    #[test]
    fn the_network_with_the_most_handshakes_makes_room() {
        let mut world = World::new(8, Duration::ZERO);
        let (_alone, alone) = world.accept_from("2001:db8::1");
        let (_first, first) = world.accept_from("2001:db8:0:1::1");
        let (_second, second) = world.accept_from("2001:db8:0:1:ffff::2");
        let (_mapped, mapped) = world.accept_from("::ffff:192.0.2.1");
        assert!(world.connections.wait_for_room(NOTHING));
        assert!(has_ended(&first));
        assert!(!has_ended(&alone) && !has_ended(&second) && !has_ended(&mapped));
    }

    #[test]
    fn for_one_that_comes_one_that_is_idle_goes() {
        let mut world = World::new(3, Duration::from_secs(3600));
        let mut known = vec![world.known(), world.known(), world.known()];
        let connections = world.connections.clone();
        let (asked, requests) = std::sync::mpsc::channel();
        let waits =
            std::thread::spawn(move || connections.wait_for_room(|| asked.send(()).unwrap()));
        requests.recv().unwrap();
        known[0].end();
        // What becomes idle meanwhile stays.
        for _ in 0..10 {
            world.connections.note_change();
        }
        known.remove(0);
        assert!(waits.join().unwrap());
        assert!(requests.try_recv().is_err(), "another one was asked to end");
    }
}
