//! How many messages and connections commands need, with each backend.

use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, ListRequest, Property};
use zkey_kmip::plugin::Plugin;

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{PROFILE_2X, generate};
use crate::proxy::Proxy;
use crate::workplace::{BACKENDS, Backend, Workplace, import, properties};

fn server(work: &Workplace, behaviour: Behaviour) -> KeyServer {
    let client = work.with_certificate("ECC:prime256v1");
    KeyServer::start(&work.machine.authority.server(), client, behaviour)
}

/// A configured machine.
fn ready(backend: Backend, version: &str) -> (Workplace, KeyServer) {
    let work = Workplace::new(backend);
    let server = server(&work, Behaviour::default());
    let profile = match version {
        "2.1" => PROFILE_2X.to_owned(),
        version => format!("server-regex=x\nkmip-version={version}\nwrap-key-params=1024\n"),
    };
    work.machine.profile("used", &profile);
    let configured = work.connect(&server.address(), "used", &["y"]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    server.store.take_messages();
    (work, server)
}

fn new_key(work: &Workplace, plugin: &Plugin) -> String {
    let key_type = work.key_types()[0];
    let key = generate(plugin, key_type, &properties(), None, KeyMode::NonXts);
    key.unwrap().key_id
}

fn list(plugin: &Plugin) -> Vec<String> {
    let mut found = Vec::new();
    let request = ListRequest {
        label_pattern: None,
        filter: &[],
        options: &[],
    };
    let listed = plugin.list_keys(&request, &mut |key| {
        found.push(key.key_id.to_owned());
        Ok(())
    });
    listed.unwrap();
    found
}

#[test]
fn keys_take_two_messages() {
    for backend in BACKENDS {
        for version in ["1.0", "1.4", "2.1"] {
            let (work, server) = ready(backend, version);
            let (plugin, place) = (work.plugin(), format!("{backend:?} {version}"));
            let make = |key_type, properties: &[Property<'_>], mode| {
                let key = generate(&plugin, key_type, properties, Some("a:b"), mode).unwrap();
                assert_eq!(server.store.take_messages(), 2, "{place}: Create, Get");
                key.key_id
            };
            for key_type in work.key_types() {
                let first = make(*key_type, &properties(), KeyMode::Xts1);
                let link = [Property::new("xts-key1-id", first.clone())];
                let second = make(*key_type, &link, KeyMode::Xts2);
                let back = [
                    Property::new("xts-key2-id", second.clone()),
                    Property::new("xts-key2-label", "b"),
                ];
                plugin.set_key_properties(&first, &back).unwrap();
                assert_eq!(server.store.take_messages(), 1, "{place}: both links");
                import(&work.plugin(), &first, Some(*key_type)).unwrap();
                assert_eq!(server.store.take_messages(), 1, "{place}: import");
            }
        }
    }
}

#[test]
fn properties_take_one_message() {
    for backend in BACKENDS {
        for version in ["1.2", "2.1"] {
            let (work, server) = ready(backend, version);
            let place = format!("{backend:?} {version}");
            let key = new_key(&work, &work.plugin());
            let mut change = properties();
            for property in &mut change {
                property.value = Some(format!("changed {}", property.name).into());
            }
            server.store.take_messages();
            // Another process, which knows nothing of the key.
            let plugin = work.plugin();
            plugin.set_key_properties(&key, &change).unwrap();
            assert_eq!(server.store.take_messages(), 1, "{place}");
            plugin.set_key_properties(&key, &change).unwrap();
            assert_eq!(server.store.take_messages(), 0, "{place}: nothing to do");
            let removal = [Property::removal("volumes")];
            work.plugin().set_key_properties(&key, &removal).unwrap();
            assert_eq!(server.store.take_messages(), 1, "{place}: removal");
            // What 1.x does not have yet is found out and then added.
            let new = [Property::new("one", "1"), Property::new("two", "2")];
            work.plugin().set_key_properties(&key, &new).unwrap();
            let messages = if version == "2.1" { 1 } else { 2 };
            assert_eq!(server.store.take_messages(), messages, "{place}: new");
            let back = plugin.get_key_properties(&key).unwrap();
            for property in change
                .into_iter()
                .filter(|one| one.name != "volumes")
                .chain(new)
            {
                assert!(back.contains(&property), "{place}: {property:?}");
            }
        }
    }
}

#[test]
fn lists_take_a_message_for_fifty_keys() {
    for backend in BACKENDS {
        let (work, server) = ready(backend, "1.4");
        let key = new_key(&work, &work.plugin());
        server.store.multiply(&key, 119);
        server.store.take_messages();
        let plugin = work.plugin();
        let keys = list(&plugin);
        assert_eq!(keys.len(), 120);
        assert_eq!(server.store.take_messages(), 1 + 3, "{backend:?}");
        // The list knows what an import then sets.
        let name = [Property::new("zkey-name-here", "disk")];
        plugin.set_key_properties(&keys[70], &name).unwrap();
        assert_eq!(server.store.take_messages(), 1, "{backend:?}");
    }
}

#[test]
fn commands_take_one_connection_and_configure_two() {
    for backend in BACKENDS {
        let work = Workplace::new(backend);
        let behaviour = Behaviour {
            vendor: "Rich Server 1".to_owned(),
            ..Behaviour::default()
        };
        let server = server(&work, behaviour);
        let counter = Proxy::before(server.address());
        work.machine.profile("rich", PROFILE_2X);
        configure_rich(&work, &counter);
        assert_eq!(counter.take(), 2, "{backend:?}: the certificate, the rest");
        let plugin = work.plugin();
        assert_eq!(counter.take(), 0, "{backend:?}: no command yet");
        let key = new_key(&work, &plugin);
        list(&plugin);
        let change = [Property::new("description", "x")];
        plugin.set_key_properties(&key, &change).unwrap();
        import(&plugin, &key, None).unwrap();
        plugin.remove_key(&key, &[]).unwrap();
        assert_eq!(counter.take(), 1, "{backend:?}");
        work.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
        assert_eq!(counter.take(), 1, "{backend:?}: a new wrapping key");
    }
}

/// A profile that is found may call for another way to the server than the one on which it was found.
#[test]
fn configure_takes_a_third_connection_for_a_profile_that_asks_for_one() {
    let work = Workplace::new(Backend::Software);
    let behaviour = Behaviour {
        vendor: "Rich Server 1".to_owned(),
        ..Behaviour::default()
    };
    let server = server(&work, behaviour);
    let counter = Proxy::before(server.address());
    let poor = "server-regex=x\nkmip-version=1.4\nwrap-key-params=1024\n";
    work.machine.profile("default", poor);
    let rich = PROFILE_2X.replace("kmip-version=2.1", "kmip-version=AUTO");
    work.machine.profile("rich", &rich);
    configure_rich(&work, &counter);
    assert_eq!(counter.take(), 3);
}

/// Configures the server behind `counter`, for which the profile `rich` is found.
fn configure_rich(work: &Workplace, counter: &Proxy) {
    work.machine.terminal.will_answer(&["y"]);
    let configured = work.configure(&[
        (code::KMIP_SERVER, counter.address()),
        (code::TLS_CA_BUNDLE, &work.machine.text_path("ca.pem")),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    let connection = work.machine.config().connection().unwrap();
    assert_eq!(connection.profile, "rich");
}

#[test]
fn another_server_of_the_cluster_stands_in() {
    let work = Workplace::new(Backend::Software);
    let server = server(&work, Behaviour::default());
    // Gone as soon as it is configured.
    let first = Proxy::limited(server.address(), 2);
    let profile = format!("{PROFILE_2X}failover-servers={}\n", server.address());
    work.machine.profile("used", &profile);
    let configured = work.connect(first.address(), "used", &["y"]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    new_key(&work, &work.plugin());
    assert_eq!(first.take(), 2);
}
