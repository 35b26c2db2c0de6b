//! Several servers with one PostgreSQL database.

mod cluster;
#[path = "../common/mod.rs"]
mod common;

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use cluster::{Cluster, PASSWORD};
use common::process::{PATIENCE, Process, World, create, key_bytes, program};
use kmip::client::{Client, Pending};
use kmip::types::{
    ActivateRequest, Attribute, AttributeValue, CreateRequest, Credential, DestroyRequest,
    GetUsageAllocationRequest, LocateRequest, LoginRequest, RawValue, ResultReason, State,
    UniqueIdentifier, UsageLimits, UsageLimitsUnit,
};
use kmip_server::{PostgresStore, StoreError};
use test_support::Authority;

type Identifier = UniqueIdentifier<'static>;

/// Servers that share a database.
struct Site {
    world: World,
    cluster: Cluster,
}

impl Site {
    fn new() -> Self {
        Site {
            world: World::new(),
            cluster: Cluster::start(),
        }
    }

    fn server(&self) -> Process {
        let mut command = self.world.command(&["--store", &self.cluster.url()]);
        command.env("PGPASSWORD", PASSWORD);
        self.world.run(command)
    }

    /// A client that prefers one server and falls back to the other.
    fn client(&self, first: &Process, second: &Process) -> Client {
        let builder = self.world.builder(first, "alice");
        let fallback = second.address.parse().unwrap();
        builder.fallback_server(fallback).connect().unwrap()
    }
}

fn activate(key: &Identifier) -> ActivateRequest<'static> {
    ActivateRequest {
        unique_identifier: Some(key.clone()),
        ..ActivateRequest::default()
    }
}

#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn a_server_dies_under_load_and_nothing_that_was_acknowledged_is_lost() {
    const CLIENTS: usize = 4;
    const BEFORE: usize = 20;
    const AFTER: usize = 20;
    let site = Site::new();
    let (doomed, other) = (site.server(), site.server());
    let (acknowledged, made) = channel();
    let mut keys = thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = match number % 2 {
                0 => site.client(&doomed, &other),
                _ => site.client(&other, &doomed),
            };
            let acknowledged = acknowledged.clone();
            scope.spawn(move || {
                for key in 0.. {
                    // Whether a key was made whose server died meanwhile, nobody knows.
                    let Ok(created) = client.call(create(&format!("key {number} {key}"))) else {
                        continue;
                    };
                    let key = created.unique_identifier;
                    client.call(activate(&key)).ok();
                    let bytes = key_bytes(&mut client, &key).ok();
                    if acknowledged.send((key, bytes)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(acknowledged);
        let next = || made.recv_timeout(PATIENCE).expect("clients go on");
        let mut keys: Vec<_> = (0..BEFORE).map(|_| next()).collect();
        doomed.signal("-KILL");
        doomed.wait();
        keys.extend((0..AFTER).map(|_| next()));
        // What has been acknowledged until the clients notice that nobody listens.
        keys.extend(made.try_iter());
        drop(made);
        keys
    });

    // A third server, which has never seen any of it.
    let fresh = site.server();
    let mut client = site.client(&fresh, &other);
    let identifiers: HashSet<_> = keys.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(
        identifiers.len(),
        keys.len(),
        "an identifier was given twice"
    );
    for (key, bytes) in keys.drain(..) {
        let stored = key_bytes(&mut client, &key).unwrap();
        assert!(bytes.is_none_or(|bytes| bytes == stored));
    }
    let found = client.call(LocateRequest::default()).unwrap();
    let found: HashSet<_> = found.unique_identifier.into_iter().collect();
    assert!(found.is_superset(&identifiers));
}

/// Lets clients of both servers do something at the same time, and counts for how many it works.
fn at_once<T: Send>(
    site: &Site,
    servers: [&Process; 2],
    work: impl Fn(&mut Client, usize) -> Option<T> + Sync,
) -> Vec<T> {
    const CLIENTS: usize = 8;
    let barrier = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|number| {
            let mut client = site.world.client(servers[number % 2], "alice");
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(&mut client, number)
            })
        });
        let clients: Vec<_> = clients.collect();
        let outcomes = clients.into_iter().map(|client| client.join().unwrap());
        outcomes.flatten().collect()
    })
}

#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn what_can_happen_once_happens_once_whichever_server_is_asked() {
    let site = Site::new();
    let (one, two) = (site.server(), site.server());
    let servers = [&one, &two];
    let mut client = site.client(&one, &two);

    for round in 0..5 {
        let made = at_once(&site, servers, |client, _| {
            let made = client.call(create(&format!("contended {round}"))).ok()?;
            Some(made.unique_identifier)
        });
        assert_eq!(made.len(), 1, "a name belongs to one object");
        let key = &made[0];
        let activated = at_once(&site, servers, |client, _| client.call(activate(key)).ok());
        assert_eq!(activated.len(), 1, "a key is activated once");
        let state = client.get_attributes(key.clone(), Vec::new()).unwrap();
        assert_eq!(state.state(), Some(&State::ACTIVE));
    }

    // A limit is used up exactly, by whoever comes.
    let mut limited = create("limited");
    limited
        .attributes
        .push(Attribute::from(AttributeValue::UsageLimits(UsageLimits {
            usage_limits_total: 1000,
            usage_limits_unit: UsageLimitsUnit::BYTE,
            ..UsageLimits::default()
        })));
    let limited = client.call(limited).unwrap().unique_identifier;
    client.call(activate(&limited)).unwrap();
    let allocated = at_once(&site, servers, |client, _| {
        let mut sum = 0;
        for _ in 0..5 {
            let request = GetUsageAllocationRequest {
                unique_identifier: Some(limited.clone()),
                usage_limits_count: 90,
                ..GetUsageAllocationRequest::default()
            };
            sum += client.call(request).map_or(0, |_| 90);
        }
        Some(sum)
    });
    assert_eq!(allocated.iter().sum::<i32>(), 990, "{allocated:?}");

    // What destroys and what changes an object come in some order; the object ends destroyed.
    let key = client.call(create("doomed")).unwrap().unique_identifier;
    let destroyed = at_once(&site, servers, |client, number| match number % 4 {
        0 | 1 => {
            let request = DestroyRequest {
                unique_identifier: Some(key.clone()),
                ..DestroyRequest::default()
            };
            client.call(request).ok().map(drop)
        }
        _ => {
            let value = RawValue::Integer(number as i32);
            let name = format!("mark {number}");
            let mark = Attribute::custom("x", &name, value);
            let _ = client.add_attribute(key.clone(), mark);
            None
        }
    });
    assert_eq!(destroyed.len(), 1, "a key is destroyed once");
    assert!(key_bytes(&mut client, &key).is_err());
}

/// Tickets and what is done later are known to all servers, and each counts once.
#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn a_client_goes_on_at_the_other_server_with_its_ticket_and_what_it_has_asked_for() {
    const REQUESTS: i32 = 20;
    let site = Site::new();
    let (one, two) = (site.server(), site.server());
    let mut client = site.world.client(&one, "alice");
    let key = client.call(create("disk")).unwrap().unique_identifier;
    let login = LoginRequest {
        request_count: Some(REQUESTS),
        ..LoginRequest::default()
    };
    let ticket = client.call(login).unwrap().ticket;
    let barrier = Barrier::new(2);
    let redeemed: usize = thread::scope(|scope| {
        let clients = [&one, &two].map(|server| {
            let (site, ticket, key, barrier) = (&site, ticket.clone(), &key, &barrier);
            scope.spawn(move || {
                let builder = site.world.builder(server, "bob");
                let mut client = builder
                    .credential(Credential::ticket(ticket))
                    .connect()
                    .unwrap();
                barrier.wait();
                let got = |_: &i32| client.get_attributes(key.clone(), Vec::new()).is_ok();
                (0..REQUESTS).filter(got).count()
            })
        });
        clients.map(|client| client.join().unwrap()).iter().sum()
    });
    // To connect takes one of each.
    let (least, most) = (REQUESTS as usize - 4, REQUESTS as usize);
    assert!((least..=most).contains(&redeemed), "{redeemed}");

    let ticket = client.call(LoginRequest::default()).unwrap().ticket;
    let Pending::Later(pending) = client.begin_asynchronously(create("later")).unwrap() else {
        panic!("it is done at once");
    };
    one.signal("-KILL");
    one.wait();
    let builder = site.world.builder(&two, "alice");
    let mut again = builder
        .credential(Credential::ticket(ticket))
        .connect()
        .unwrap();
    let Pending::Done(later) = again.poll::<CreateRequest<'_>>(&pending).unwrap() else {
        panic!("it is not done");
    };
    assert_eq!(
        key_bytes(&mut again, &later.unique_identifier)
            .unwrap()
            .len(),
        32
    );
    assert_eq!(key_bytes(&mut again, &key).unwrap().len(), 32);
}

#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn servers_go_on_when_the_database_comes_back() {
    let site = Site::new();
    let server = site.server();
    let mut client = site.world.client(&server, "alice");
    for round in 0..3 {
        let name = format!("key {round}");
        let key = client.call(create(&name)).unwrap().unique_identifier;
        let bytes = key_bytes(&mut client, &key).unwrap();
        site.cluster.crash_and_restart();
        assert_eq!(key_bytes(&mut client, &key).unwrap(), bytes);
        client.call(create(&format!("{name} again"))).unwrap();
    }
}

#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn the_store_is_as_the_others_and_knows_its_format() {
    let cluster = Cluster::start();
    let url = cluster.url().replace("kmip@", "kmip:correct%20horse@");
    // All find an empty database, and one makes the tables.
    let stores: Vec<_> = thread::scope(|scope| {
        let opening = (0..4).map(|_| scope.spawn(|| PostgresStore::open(&url).unwrap()));
        let opening: Vec<_> = opening.collect();
        opening
            .into_iter()
            .map(|open| open.join().unwrap())
            .collect()
    });
    for store in stores {
        common::stores::keeps_what_it_is_given(Arc::new(store));
    }
    common::stores::adds_what_comes_together(&PostgresStore::open(&url).unwrap());
    let mut session = cluster.session();
    let query = "SELECT count(*) FROM kmip_lookups
         WHERE object NOT IN (SELECT number FROM kmip_objects)";
    let left_over: i64 = session.query_one(query, &[]).unwrap().get(0);
    assert_eq!(left_over, 0);
    // The first format had fewer keys, the second had others.
    let mut lookups = || -> Vec<(i64, i64)> {
        let rows = session.query("SELECT key, object FROM kmip_lookups ORDER BY 1, 2", &[]);
        let rows = rows.unwrap().into_iter();
        rows.map(|row| (row.get(0), row.get(1))).collect()
    };
    let all = lookups();
    assert!(!all.is_empty());
    for older in [
        "DELETE FROM kmip_lookups WHERE key % 3 = 0; UPDATE kmip_format SET format = 1",
        "UPDATE kmip_lookups SET key = -key; UPDATE kmip_format SET format = 2",
    ] {
        cluster.session().batch_execute(older).unwrap();
        assert_ne!(lookups(), all);
        drop(PostgresStore::open(&url).unwrap());
        assert_eq!(lookups(), all);
    }
    session
        .execute("UPDATE kmip_format SET format = 99", &[])
        .unwrap();
    match PostgresStore::open(&url) {
        Err(StoreError::Format { found: 99, .. }) => {}
        other => panic!("{other:?}"),
    }
    match PostgresStore::open("postgres://kmip@%2Fnowhere/kmip?no_such_option=1") {
        Err(StoreError::Address(_)) => {}
        other => panic!("{other:?}"),
    }
    let wrong = url.replace("correct", "wrong");
    match PostgresStore::open(&wrong) {
        Err(StoreError::Shared(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn servers_that_do_not_have_the_present_master_key_change_nothing() {
    let site = Site::new();
    let url = site.cluster.url();
    let sealed = |digit: &str| {
        let mut command = site.world.command(&["--store", &url]);
        command.env("PGPASSWORD", PASSWORD);
        command.env("KMIP_MASTER_KEY", digit.repeat(64));
        site.world.run(command)
    };
    let is_refused = |client: &mut Client| {
        let refused = client.call(create("too late")).unwrap_err();
        assert_eq!(refused.result_reason(), Some(ResultReason::GENERAL_FAILURE));
    };
    let clear = site.server();
    let mut first = site.world.client(&clear, "alice");
    let key = first.call(create("in clear")).unwrap().unique_identifier;
    let old = sealed("1");
    let mut second = site.world.client(&old, "alice");
    let bytes = key_bytes(&mut second, &key).unwrap();
    is_refused(&mut first);
    second.call(create("sealed")).unwrap();
    let new = site.world.path("new");
    std::fs::write(&new, "2".repeat(64)).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    let rotated = program()
        .args(["--store", &url, "--rotate-master-key"])
        .arg(&new)
        .env("PGPASSWORD", PASSWORD)
        .env("KMIP_MASTER_KEY", "1".repeat(64))
        .output()
        .unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
    is_refused(&mut second);
    assert!(key_bytes(&mut second, &key).is_err());
    let new = sealed("2");
    let mut third = site.world.client(&new, "alice");
    assert_eq!(key_bytes(&mut third, &key).unwrap(), bytes);
    third.call(create("goes on")).unwrap();
    let found = third.call(LocateRequest::default()).unwrap();
    assert_eq!(found.unique_identifier.len(), 3);
}

/// Over the network, sessions are encrypted where the database offers it, and only to one whose
/// certificate is trusted.
#[test]
#[ignore = "needs PostgreSQL: make interop"]
fn the_database_is_reached_over_tls_if_its_certificate_is_trusted() {
    let world = World::new();
    let cluster = Cluster::start_with_tls(&world.authority);
    let (ca, other) = (world.path("ca.pem"), world.path("other.pem"));
    Authority::new("Another CA").write_pem(&other);
    let start = |url: &str, trusted: &Path| {
        let mut command = world.command(&["--store", url]);
        command
            .env("PGPASSWORD", PASSWORD)
            .env("SSL_CERT_FILE", trusted)
            .env("SSL_CERT_DIR", world.directory.path());
        command
    };
    let encrypted = || {
        let mut session = cluster.session();
        let others = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                      WHERE ssl AND pid <> pg_backend_pid()";
        session.query_one(others, &[]).unwrap().get::<_, i64>(0)
    };
    let url = cluster.network_url();
    let key = {
        let server = world.run(start(&format!("{url}?sslmode=require"), &ca));
        let mut client = world.client(&server, "alice");
        let key = client.call(create("over TLS")).unwrap().unique_identifier;
        assert!(encrypted() > 0);
        key
    };
    // Also where nobody asks for it.
    {
        let server = world.run(start(&url, &ca));
        let mut client = world.client(&server, "alice");
        assert_eq!(key_bytes(&mut client, &key).unwrap().len(), 32);
        assert!(encrypted() > 0);
    }
    // An authority that is not trusted, and another name than that in the certificate.
    let elsewhere = format!(
        "{}?hostaddr=127.0.0.1",
        url.replace("localhost", "db.example.com")
    );
    for (url, trusted, why) in [
        (&url, &other, "certificate verify failed"),
        (&elsewhere, &ca, "certificate verify failed"),
    ] {
        let output = start(url, trusted).output().unwrap();
        assert!(!output.status.success(), "{url}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(why), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
}
