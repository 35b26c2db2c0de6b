//! Objects that the C plugin made are understood, and those that are made here are in its form. The C
//! plugin's messages are those of [`crate::c_messages`].

use std::fs;

use kmip::types::{AttributeValue, RawValue, State};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, ListRequest, Property};

use crate::c_messages::{CPlugin, FORMS, Form, Place};
use crate::key_server::{Behaviour, KeyServer, Object};
use crate::machine::{APQNS, Machine, configure, generate};
use crate::ready::{DATA, import, is_key_of};

/// A machine whose certificate the authority issued, as is that of the C plugin.
fn connected(form: &Form) -> (Machine, KeyServer) {
    let machine = Machine::new();
    let request = machine.text_path("client.csr");
    let options = [
        (code::GEN_CSR, &*request),
        (code::CERT_SUBJECT, "CN=client"),
    ];
    configure(&machine.plugin(), Some(&APQNS), &options).unwrap();
    let certificate = machine.authority.sign_request(&fs::read(request).unwrap());
    fs::write(machine.path("client.pem"), certificate).unwrap();
    let path = machine.text_path("client.pem");
    let configured = machine.configure(&[(code::CLIENT_CERT, &path)]).unwrap();
    assert_eq!(configured, Configured::Incomplete);
    let clients = machine.authority.certificate().clone();
    let server = KeyServer::start(&machine.authority.server(), clients, Behaviour::default());
    machine.profile("used", &form.profile());
    machine.connect(&server, "used");
    (machine, server)
}

/// zkey's properties for a key (1.9), in its order.
const PROPERTIES: [(&str, &str); 8] = [
    ("zkey-name", "disk"),
    ("cipher", "paes"),
    ("iv-mode", "plain64"),
    ("description", "the key of the disk"),
    ("volumes", ""),
    ("volumes-host_1", "/dev/dasdb1:enc"),
    ("volume-type", "LUKS2"),
    ("sector-size", "0"),
];

fn pair(half: &str) -> Vec<(&str, &str)> {
    let mut properties = PROPERTIES.to_vec();
    properties.push(("xts-key", half));
    properties
}

fn owned(properties: &[(&str, &str)]) -> Vec<Property<'static>> {
    properties
        .iter()
        .map(|(name, value)| Property::new((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The attributes that hold properties, as they are stored.
fn stored(object: &Object) -> Vec<String> {
    let mut stored: Vec<_> = object
        .attributes
        .iter()
        .filter_map(|attribute| match &attribute.value {
            AttributeValue::Custom(custom) => match &custom.value {
                RawValue::TextString(text) => {
                    Some(format!("{}/{}={text}", custom.vendor, custom.name))
                }
                other => panic!("{other:?}"),
            },
            AttributeValue::Link(link) => Some(format!("{:?}", link.link_type)),
            AttributeValue::Description(text) => Some(format!("Description={text}")),
            AttributeValue::Comment(text) => Some(format!("Comment={text}")),
            _ => None,
        })
        .collect();
    stored.sort();
    stored
}

#[test]
fn objects_of_the_c_plugin_are_understood_and_made() {
    for form in &FORMS {
        let (machine, server) = connected(form);
        let mut c_plugin = CPlugin::new(form, &machine, &server);
        let first = c_plugin.generate("left", &pair("XTS-KEY-1"));
        let mut properties = pair("XTS-KEY-2");
        properties.extend([("xts-key1-id", &*first), ("xts-key1-label", "left")]);
        let second = c_plugin.generate("right", &properties);
        c_plugin.add(&first, "xts-key2-id", &second);
        c_plugin.add(&first, "xts-key2-label", "right");

        // They are listed with all that is known of them, and can be imported.
        let plugin = machine.plugin();
        let filter = [Property::new("volume-type", "LUKS2")];
        let request = ListRequest {
            label_pattern: Some("left"),
            filter: &filter,
            options: &[],
        };
        let mut found = Vec::new();
        plugin
            .list_keys(&request, &mut |key| {
                found.push((key.key_id.to_owned(), key.label.to_owned()));
                Ok(())
            })
            .unwrap();
        assert_eq!(
            found,
            [(first.clone(), "left".to_owned())],
            "{:?}",
            form.version
        );
        let mut known = plugin.get_key_properties(&first).unwrap();
        let mut expected = pair("XTS-KEY-1");
        expected.extend([("xts-key2-id", &*second), ("xts-key2-label", "right")]);
        let mut expected = owned(&expected);
        for list in [&mut known, &mut expected] {
            list.sort_by(|one, other| one.name.cmp(&other.name));
        }
        assert_eq!(known, expected);
        let object = server.store.object(&second).unwrap();
        assert_eq!(object.state, State::ACTIVE);
        assert!(is_key_of(
            &machine,
            &import(&plugin, &second).unwrap(),
            &object
        ));

        // The same key made here looks the same.
        let own = generate(
            &plugin,
            DATA,
            &owned(&pair("XTS-KEY-1")),
            Some("a:b"),
            KeyMode::Xts1,
        );
        let own = own.unwrap().key_id;
        let mut properties = pair("XTS-KEY-2");
        properties.extend([("xts-key1-id", &*own), ("xts-key1-label", "left")]);
        let other = generate(
            &plugin,
            DATA,
            &owned(&properties),
            Some("a:b"),
            KeyMode::Xts2,
        );
        let other = other.unwrap().key_id;
        let links = owned(&[("xts-key2-id", &other), ("xts-key2-label", "right")]);
        plugin.set_key_properties(&own, &links).unwrap();
        for (theirs, ours) in [(&first, &own), (&second, &other)] {
            let [theirs, ours] = [theirs, ours].map(|id| {
                let lines = stored(&server.store.object(id).unwrap());
                // Identifiers differ, and the C plugin makes no markers and looks at none.
                let lines = lines
                    .into_iter()
                    .filter(|line| !line.contains("-id=") && !line.contains("zkeykmip"));
                lines.collect::<Vec<_>>()
            });
            assert_eq!(theirs, ours, "{:?}", form.version);
        }

        // What is changed here stays where the C plugin looks for it.
        let before = stored(&server.store.object(&first).unwrap());
        let change = [
            Property::new("description", "changed"),
            Property::new("zkey-name-host_1", "sales"),
        ];
        plugin.set_key_properties(&first, &change).unwrap();
        let after = stored(&server.store.object(&first).unwrap());
        assert_eq!(after.len(), before.len() + 1, "{after:?}");
        let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        let prefix = if form.is_2x() && form.v2_style {
            "zkey/"
        } else {
            "x/zkey-"
        };
        let description = match form.description {
            Place::Custom => format!("{prefix}description=changed"),
            Place::Description => "Description=changed".to_owned(),
            Place::Comment => "Comment=changed".to_owned(),
        };
        let mut expected = [description, format!("{prefix}zkey-name-host_1=sales")];
        expected.sort();
        assert_eq!(changed, expected.iter().collect::<Vec<_>>());
    }
}
