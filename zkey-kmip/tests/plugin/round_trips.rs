//! How many messages and connections commands need.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, Property};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, PROFILE_2X, generate};
use crate::ready::{DATA, import, list, properties, ready};

#[test]
fn keys_take_two_messages() {
    for version in ["1.0", "1.2", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        server.store.take_messages();
        let first = generate(&plugin, DATA, &properties(), Some("a:b"), KeyMode::Xts1).unwrap();
        assert_eq!(server.store.take_messages(), 2, "{version}: Create, Get");
        let link = [Property::new("xts-key1-id", first.key_id.clone())];
        let second = generate(&plugin, DATA, &link, Some("a:b"), KeyMode::Xts2).unwrap();
        assert_eq!(server.store.take_messages(), 2, "{version}");
        let back = [
            Property::new("xts-key2-id", second.key_id.clone()),
            Property::new("xts-key2-label", "b"),
        ];
        plugin.set_key_properties(&first.key_id, &back).unwrap();
        assert_eq!(server.store.take_messages(), 1, "{version}: both links");
        import(&machine.plugin(), &first.key_id).unwrap();
        assert_eq!(server.store.take_messages(), 1, "{version}: import");
    }
}

#[test]
fn properties_take_one_message() {
    for version in ["1.2", "2.1"] {
        let (machine, server) = ready(version);
        let key = generate(
            &machine.plugin(),
            DATA,
            &properties(),
            None,
            KeyMode::NonXts,
        )
        .unwrap()
        .key_id;
        let mut change = properties();
        for property in &mut change {
            property.value = Some(format!("changed {}", property.name).into());
        }
        server.store.take_messages();
        // Another process, which knows nothing of the key.
        let plugin = machine.plugin();
        plugin.set_key_properties(&key, &change).unwrap();
        assert_eq!(server.store.take_messages(), 1, "{version}");
        plugin.set_key_properties(&key, &change).unwrap();
        assert_eq!(server.store.take_messages(), 0, "{version}: nothing to do");
        let removal = [Property::removal("volumes")];
        machine.plugin().set_key_properties(&key, &removal).unwrap();
        assert_eq!(server.store.take_messages(), 1, "{version}: removal");
        // What 1.x does not have yet is found out and then added.
        let new = [Property::new("one", "1"), Property::new("two", "2")];
        machine.plugin().set_key_properties(&key, &new).unwrap();
        let messages = if version == "2.1" { 1 } else { 2 };
        assert_eq!(server.store.take_messages(), messages, "{version}: new");
        let back = plugin.get_key_properties(&key).unwrap();
        for property in change
            .into_iter()
            .filter(|one| one.name != "volumes")
            .chain(new)
        {
            assert!(back.contains(&property), "{version}: {property:?}");
        }
    }
}

#[test]
fn lists_take_a_message_for_fifty_keys() {
    let (machine, server) = ready("1.4");
    let key = generate(
        &machine.plugin(),
        DATA,
        &properties(),
        None,
        KeyMode::NonXts,
    );
    server.store.multiply(&key.unwrap().key_id, 119);
    server.store.take_messages();
    let plugin = machine.plugin();
    let keys = list(&plugin, None).unwrap();
    assert_eq!(keys.len(), 120);
    assert_eq!(server.store.take_messages(), 1 + 3);
    // The list knows what an import then sets.
    let name = [Property::new("zkey-name-here", "disk")];
    plugin.set_key_properties(&keys[70].0, &name).unwrap();
    assert_eq!(server.store.take_messages(), 1);
}

/// Passes connections on to a server, and counts them.
struct Counter {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl Counter {
    fn before(server: &KeyServer) -> Counter {
        Self::limited(server, usize::MAX)
    }

    /// Takes no more connections after these.
    fn limited(server: &KeyServer, limit: usize) -> Counter {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let (target, count) = (server.address(), Arc::clone(&connections));
        // Ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().take(limit) {
                count.fetch_add(1, Ordering::SeqCst);
                let (client, server) = (client.unwrap(), TcpStream::connect(&target).unwrap());
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                for (mut from, mut to) in [(client, server), (ends.1, ends.0)] {
                    thread::spawn(move || {
                        let _ = copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Counter {
            address,
            connections,
        }
    }

    fn take(&self) -> usize {
        self.connections.swap(0, Ordering::SeqCst)
    }
}

#[test]
fn commands_take_one_connection_and_configure_two() {
    let machine = Machine::new();
    let server = machine.server(Behaviour {
        vendor: "Rich Server 1".to_owned(),
        ..Behaviour::default()
    });
    let counter = Counter::before(&server);
    machine.profile("rich", PROFILE_2X);
    machine.terminal.will_answer(&["y"]);
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &counter.address),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    assert_eq!(machine.config().connection().unwrap().profile, "rich");
    assert_eq!(counter.take(), 2, "the certificate, and the rest");
    let plugin = machine.plugin();
    assert_eq!(counter.take(), 0, "no command yet");
    let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts).unwrap();
    list(&plugin, None).unwrap();
    let change = [Property::new("description", "x")];
    plugin.set_key_properties(&key.key_id, &change).unwrap();
    import(&plugin, &key.key_id).unwrap();
    assert_eq!(counter.take(), 1);
}

#[test]
fn another_server_of_the_cluster_stands_in() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    // Gone as soon as it is configured.
    let first = Counter::limited(&server, 2);
    let profile = format!("{PROFILE_2X}failover-servers={}\n", server.address());
    machine.profile("used", &profile);
    machine.terminal.will_answer(&["y"]);
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &first.address),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
        (code::PROFILE, "used"),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    generate(
        &machine.plugin(),
        DATA,
        &properties(),
        None,
        KeyMode::NonXts,
    )
    .unwrap();
    assert_eq!(first.take(), 2);
}
