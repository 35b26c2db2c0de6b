//! Several servers: both clients go on with the next one when one is killed, hangs, or shows the wrong
//! certificate, do nothing twice by that, and come back when the first one is well again.

mod common;

use std::error::Error as _;
use std::time::Duration;

use common::process::{PATIENCE, Process, World};
use kmip::client::{AsyncClient, Client, ClientBuilder, Error, NewKey, Problem};
use kmip::transport::Timeouts;
use kmip::types::UniqueIdentifier;
use tokio::runtime::{Builder, Runtime};

/// What is said of a certificate of another authority, whatever that is called.
const REFUSAL: &str = "the peer's certificate is not accepted";

type Identifier = UniqueIdentifier<'static>;

/// One of the two clients.
enum Subject {
    Blocking(Client),
    Asynchronous(Runtime, AsyncClient),
}

impl Subject {
    fn connect(settings: ClientBuilder, asynchronous: bool) -> Result<Self, Error> {
        if !asynchronous {
            return settings.connect().map(Subject::Blocking);
        }
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(settings.connect_async())?;
        Ok(Subject::Asynchronous(runtime, client))
    }

    fn create(&mut self) -> Result<Identifier, Error> {
        let key = NewKey::aes(256);
        match self {
            Subject::Blocking(client) => client.create(key),
            Subject::Asynchronous(runtime, client) => runtime.block_on(client.create(key)),
        }
    }

    fn locate(&mut self) -> Result<Vec<Identifier>, Error> {
        match self {
            Subject::Blocking(client) => client.locate([], None),
            Subject::Asynchronous(runtime, client) => runtime.block_on(client.locate([], None)),
        }
    }

    fn server(&self) -> &str {
        match self {
            Subject::Blocking(client) => client.server(),
            Subject::Asynchronous(_, client) => client.server(),
        }
    }
}

/// Tries the first of these servers again with every request.
fn settings(world: &World, servers: &[&Process]) -> ClientBuilder {
    let client = world.authority.client("a client");
    let first = world.builder_for(&servers[0].address, client);
    let add = |settings: ClientBuilder, server: &&Process| {
        settings.fallback_server(server.address.parse().unwrap())
    };
    let settings = servers[1..].iter().fold(first, add);
    settings.recover_after(Duration::ZERO)
}

fn kill(server: Process) -> String {
    let address = server.address.clone();
    server.signal("-KILL");
    server.wait();
    address
}

#[test]
fn the_next_server_takes_over_when_one_is_killed_until_that_one_is_back() {
    let world = World::new();
    for asynchronous in [false, true] {
        let (first, second) = (world.start(&[]), world.start(&[]));
        let addresses = [first.address.clone(), second.address.clone()];
        let settings = settings(&world, &[&first, &second]);
        let mut subject = Subject::connect(settings, asynchronous).unwrap();
        subject.create().unwrap();
        assert_eq!(subject.server(), addresses[0]);
        let address = kill(first);
        // The connection is known to be dead before anything is sent, so even Create goes elsewhere.
        let key = subject.create().unwrap();
        assert_eq!(subject.server(), addresses[1]);
        assert_eq!(subject.locate().unwrap(), [key]);
        // Its store was in its memory.
        let back = world.start(&["--listen", &address]);
        assert_eq!(subject.locate().unwrap(), []);
        assert_eq!(subject.server(), back.address);
        // None is left.
        kill(back);
        kill(second);
        let error = subject.create().unwrap_err();
        let Problem::NoServer(errors) = error.problem() else {
            panic!("{error:?}");
        };
        let servers: Vec<&str> = errors.iter().map(Error::server).collect();
        assert_eq!(servers, addresses);
        assert!(error.is_retryable() && !error.may_have_been_performed());
        let text = error.to_string();
        for address in &addresses {
            assert_eq!(
                text.matches(&format!("{address}: no address")).count(),
                1,
                "{text}"
            );
        }
    }
}

/// What a stopped server does to a client whose first server it is.
fn hang(world: &World, asynchronous: bool) {
    let (first, second) = (world.start(&[]), world.start(&[]));
    let limits = Timeouts::default()
        .with_connect(Duration::from_secs(5))
        .with_read(Duration::from_secs(3))
        .with_operation(PATIENCE);
    let settings = settings(world, &[&first, &second])
        .timeouts(limits)
        // Else the hanging one would be tried with every request.
        .recover_after(Duration::from_secs(3600));
    let mut subject = Subject::connect(settings, asynchronous).unwrap();
    subject.create().unwrap();
    first.stop();
    let error = subject.create().unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(error.may_have_been_performed(), "{error}");
    assert_eq!(error.server(), first.address);
    // A new connection, which nobody answers either; only then another server is tried.
    let found = subject.locate().unwrap();
    assert_eq!(found, [], "nothing was done on the second one");
    assert_eq!(subject.server(), second.address);
    let key = subject.create().unwrap();
    assert_eq!(subject.locate().unwrap(), [key]);
}

#[test]
fn a_request_that_changes_something_does_not_move_away_from_a_server_that_hangs() {
    let world = World::new();
    std::thread::scope(|scope| {
        for asynchronous in [false, true] {
            scope.spawn({
                let world = &world;
                move || hang(world, asynchronous)
            });
        }
    });
}

#[test]
fn a_server_with_the_wrong_certificate_is_passed_over_and_trusted_again_with_the_right_one() {
    // Each world has an authority of its own.
    let (world, strangers) = (World::new(), World::new());
    for asynchronous in [false, true] {
        let (stranger, second) = (strangers.start(&[]), world.start(&[]));
        let mut subject =
            Subject::connect(settings(&world, &[&stranger, &second]), asynchronous).unwrap();
        let key = subject.create().unwrap();
        assert_eq!(subject.server(), second.address);
        // It has seen neither a request nor our key.
        let there = settings(&strangers, &[&stranger]);
        let there = Subject::connect(there, asynchronous).unwrap().locate();
        assert_eq!(there.unwrap(), []);
        assert_eq!(subject.locate().unwrap(), [key]);

        let alone = Subject::connect(settings(&world, &[&stranger]), asynchronous);
        let error = alone.err().expect("it is not trusted");
        let cause = error.source().and_then(|cause| cause.source()).unwrap();
        assert!(cause.to_string().contains(REFUSAL), "{cause}");
        assert!(!error.is_retryable(), "{error}");

        let address = kill(stranger);
        let right = world.start(&["--listen", &address]);
        assert_eq!(subject.locate().unwrap(), []);
        assert_eq!(subject.server(), right.address);
        // Two that are not trusted: neither is used, and both reasons are told.
        kill(right);
        kill(second);
        let wrong = [
            strangers.start(&["--listen", &address]),
            strangers.start(&[]),
        ];
        let both = settings(&world, &[&wrong[0], &wrong[1]]);
        let error = Subject::connect(both, asynchronous).err();
        let error = error.expect("none is trusted");
        let text = error.to_string();
        assert_eq!(text.matches(REFUSAL).count(), 2, "{text}");
        assert!(!error.is_retryable(), "{error}");
    }
}
