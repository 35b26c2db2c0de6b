//! Which of several servers to use.

use std::time::{Duration, Instant};

use crate::transport::ServerAddress;

/// A server that could not be used is passed over for so long at first, or until it may be recovered to
/// if that is earlier; the time doubles with each further failure.
const FIRST_PENALTY: Duration = Duration::from_secs(5);
const LONGEST_PENALTY: Duration = Duration::from_secs(300);

/// Servers that are equal but for their order: the first is used while it works. One that fails
/// is passed over for a while, unless all do.
#[derive(Debug)]
pub(super) struct Servers {
    servers: Vec<Server>,
    /// How long to stay with another than the first before that is tried again.
    recovery: Duration,
    /// Which one is used, and since when.
    current: Option<(usize, Instant)>,
}

#[derive(Debug)]
struct Server {
    address: ServerAddress,
    failures: u32,
    passed_over_until: Option<Instant>,
}

impl Servers {
    /// `servers` is not empty.
    pub(super) fn new(servers: Vec<ServerAddress>, recovery: Duration) -> Self {
        let servers = servers.into_iter().map(|address| Server {
            address,
            failures: 0,
            passed_over_until: None,
        });
        Servers {
            servers: servers.collect(),
            recovery,
            current: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.servers.len()
    }

    pub(super) fn address(&self, index: usize) -> &ServerAddress {
        &self.servers[index].address
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = &ServerAddress> {
        self.servers.iter().map(|server| &server.address)
    }

    /// The order in which to try them now.
    pub(super) fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let passed_over = |index: &usize| {
            let until = self.servers[*index].passed_over_until;
            until.is_some_and(|until| until > now)
        };
        let (later, first): (Vec<usize>, Vec<usize>) =
            (0..self.servers.len()).partition(passed_over);
        first.into_iter().chain(later).collect()
    }

    /// A server was connected to.
    pub(super) fn chosen(&mut self, index: usize) {
        self.current = Some((index, Instant::now()));
    }

    /// A server has answered.
    pub(super) fn worked(&mut self) {
        if let Some((index, _)) = self.current {
            let server = &mut self.servers[index];
            (server.failures, server.passed_over_until) = (0, None);
        }
    }

    /// A server could not be used.
    pub(super) fn failed(&mut self, index: usize) {
        let server = &mut self.servers[index];
        let first = FIRST_PENALTY.min(self.recovery);
        let penalty = first.saturating_mul(1 << server.failures.min(16));
        server.failures = server.failures.saturating_add(1);
        server.passed_over_until = Instant::now().checked_add(penalty.min(LONGEST_PENALTY));
    }

    /// The one that is connected to could not be used.
    pub(super) fn current_failed(&mut self) {
        if let Some((index, _)) = self.current {
            self.failed(index);
        }
    }

    /// Whether it is time to try a server again that comes before the current one.
    pub(super) fn may_recover(&self) -> bool {
        let Some((index, since)) = self.current.filter(|(index, _)| *index > 0) else {
            return false;
        };
        let now = Instant::now();
        now.duration_since(since) >= self.recovery
            && self.servers[..index]
                .iter()
                .any(|server| server.passed_over_until.is_none_or(|until| until <= now))
    }

    /// Whoever was passed over may be tried at once.
    #[cfg(test)]
    fn forgive(&mut self) {
        for server in &mut self.servers {
            server.passed_over_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(recovery: Duration) -> Servers {
        let addresses = ["one", "two", "three"];
        let addresses = addresses.map(|host| ServerAddress::new(host, 1).unwrap());
        Servers::new(addresses.to_vec(), recovery)
    }

    #[test]
    fn failed_servers_come_last_until_they_work() {
        let mut servers = servers(Duration::from_secs(60));
        servers.failed(0);
        assert_eq!(servers.order(), [1, 2, 0]);
        servers.failed(1);
        assert_eq!(servers.order(), [2, 0, 1]);
        servers.chosen(0);
        servers.worked();
        assert_eq!(servers.order(), [0, 2, 1]);
    }

    #[test]
    fn an_earlier_server_is_tried_again_when_its_time_has_come() {
        let mut servers = servers(Duration::from_secs(60));
        servers.chosen(0);
        assert!(!servers.may_recover());
        servers.failed(0);
        servers.chosen(1);
        servers.recovery = Duration::ZERO;
        assert!(!servers.may_recover(), "it is passed over");
        servers.forgive();
        assert!(servers.may_recover());
        servers.recovery = Duration::from_secs(60);
        assert!(!servers.may_recover(), "too early");
    }

    #[test]
    fn nobody_is_passed_over_for_longer_at_first_than_it_takes_to_recover() {
        let mut servers = servers(Duration::ZERO);
        servers.failed(0);
        servers.chosen(1);
        assert!(servers.may_recover());
        assert_eq!(servers.order(), [0, 1, 2]);
    }

    #[test]
    fn penalties_do_not_overflow() {
        let mut servers = servers(Duration::MAX);
        for _ in 0..100 {
            servers.failed(2);
        }
        let until = servers.servers[2].passed_over_until.unwrap();
        assert!(until <= Instant::now() + LONGEST_PENALTY);
    }
}
