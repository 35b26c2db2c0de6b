//! Objects that the C plugin made are understood, and those that are made here are in its form. The C
//! plugin's messages (behaviour reference 7) are put together here byte by byte.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use kmip::types::{AttributeValue, RawValue, State};
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, ListRequest, Property};

use crate::key_server::{Behaviour, KeyServer, Object};
use crate::machine::{APQNS, Machine, configure, generate};
use crate::ready::{DATA, import, is_key_of};

/// What a profile makes of the C plugin's messages.
struct Form {
    version: (i32, i32),
    v2_style: bool,
    has_link: bool,
    description: Place,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Custom,
    Description,
    Comment,
}

const FORMS: [Form; 5] = [
    Form {
        version: (1, 0),
        v2_style: false,
        has_link: false,
        description: Place::Custom,
    },
    Form {
        version: (1, 2),
        v2_style: false,
        has_link: true,
        description: Place::Custom,
    },
    Form {
        version: (1, 4),
        v2_style: true,
        has_link: false,
        description: Place::Custom,
    },
    Form {
        version: (2, 1),
        v2_style: false,
        has_link: true,
        description: Place::Description,
    },
    Form {
        version: (2, 0),
        v2_style: true,
        has_link: false,
        description: Place::Comment,
    },
];

impl Form {
    fn profile(&self) -> String {
        let (major, minor) = self.version;
        let flag = |value: bool| if value { "TRUE" } else { "FALSE" };
        format!(
            "server-regex=x\nkmip-version={major}.{minor}\nwrap-key-params=1024\n\
             custom-attr-scheme={}\nsupports-link-attr={}\nsupports-description-attr={}\n\
             supports-comment-attr={}\n",
            if self.v2_style {
                "v2-style"
            } else {
                "v1-style"
            },
            flag(self.has_link),
            flag(self.description == Place::Description),
            flag(self.description != Place::Custom),
        )
    }

    fn is_2x(&self) -> bool {
        self.version.0 == 2
    }

    /// An attribute, by its 1.x name and its 2.x tag.
    fn attribute(&self, name: &str, tag: u32, kind: u8, content: &[u8]) -> Vec<u8> {
        if self.is_2x() {
            return item(tag, kind, content);
        }
        let parts = [
            text(ATTRIBUTE_NAME, name),
            item(ATTRIBUTE_VALUE, kind, content),
        ];
        structure(ATTRIBUTE, &parts)
    }

    /// The attribute for a property.
    fn property(&self, name: &str, value: &str) -> Vec<u8> {
        let value = if value.is_empty() { " " } else { value };
        let link = |kind: u32| {
            let parts = [
                number(LINK_TYPE, ENUMERATION, kind),
                text(LINKED_OBJECT, value),
            ];
            self.attribute("Link", LINK, STRUCTURE, &parts.concat())
        };
        match name {
            "description" if self.description == Place::Description => text(DESCRIPTION, value),
            "description" if self.description == Place::Comment => text(COMMENT, value),
            "xts-key1-id" if self.has_link => link(0x10a),
            "xts-key2-id" if self.has_link => link(0x10b),
            name if !self.is_2x() => {
                let parts = [
                    text(ATTRIBUTE_NAME, &format!("x-zkey-{name}")),
                    text(ATTRIBUTE_VALUE, value),
                ];
                structure(ATTRIBUTE, &parts)
            }
            name => {
                let (vendor, name) = match self.v2_style {
                    true => ("zkey", name.to_owned()),
                    false => ("x", format!("zkey-{name}")),
                };
                let parts = [
                    text(VENDOR, vendor),
                    text(ATTRIBUTE_NAME, &name),
                    text(ATTRIBUTE_VALUE, value),
                ];
                structure(ATTRIBUTE, &parts)
            }
        }
    }
}

const STRUCTURE: u8 = 1;
const INTEGER: u8 = 2;
const ENUMERATION: u8 = 5;
const TEXT: u8 = 7;
const ATTRIBUTE: u32 = 0x42_0008;
const ATTRIBUTE_NAME: u32 = 0x42_000a;
const ATTRIBUTE_VALUE: u32 = 0x42_000b;
const LINK: u32 = 0x42_004a;
const LINK_TYPE: u32 = 0x42_004b;
const LINKED_OBJECT: u32 = 0x42_004c;
const VENDOR: u32 = 0x42_009d;
const DESCRIPTION: u32 = 0x42_00fc;
const COMMENT: u32 = 0x42_00fd;
const UNIQUE_IDENTIFIER: u32 = 0x42_0094;

fn item(tag: u32, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_be_bytes()[1..].to_vec();
    bytes.push(kind);
    bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn structure(tag: u32, parts: &[Vec<u8>]) -> Vec<u8> {
    item(tag, STRUCTURE, &parts.concat())
}

fn text(tag: u32, value: &str) -> Vec<u8> {
    item(tag, TEXT, value.as_bytes())
}

fn number(tag: u32, kind: u8, value: u32) -> Vec<u8> {
    item(tag, kind, &value.to_be_bytes())
}

/// A connection as the C plugin has one.
struct CPlugin<'f> {
    form: &'f Form,
    stream: SslStream<TcpStream>,
}

impl<'f> CPlugin<'f> {
    fn new(form: &'f Form, machine: &Machine, server: &KeyServer) -> CPlugin<'f> {
        let client = machine.authority.client("C plugin");
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_verify(SslVerifyMode::NONE);
        connector.set_certificate(&client.certificate).unwrap();
        connector.set_private_key(&client.key).unwrap();
        let stream = TcpStream::connect(server.address()).unwrap();
        let stream = connector.build().connect("localhost", stream).unwrap();
        CPlugin { form, stream }
    }

    /// Performs one operation, and returns the identifier in the answer.
    fn perform(&mut self, operation: u32, payload: &[Vec<u8>]) -> String {
        let (major, minor) = self.form.version;
        let version = |tag, value: i32| number(tag, INTEGER, u32::try_from(value).unwrap());
        let header = [
            structure(
                0x42_0069,
                &[version(0x42_006a, major), version(0x42_006b, minor)],
            ),
            item(0x42_0010, 6, &1_u64.to_be_bytes()),
            item(0x42_0092, 9, &1_600_000_000_u64.to_be_bytes()),
            number(0x42_000d, INTEGER, 1),
        ];
        let batch_item = [
            number(0x42_005c, ENUMERATION, operation),
            structure(0x42_0079, payload),
        ];
        let parts = [
            structure(0x42_0077, &header),
            structure(0x42_000f, &batch_item),
        ];
        let message = structure(0x42_0078, &parts);
        self.stream.write_all(&message).unwrap();
        let mut head = [0; 8];
        self.stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes(head[4..].try_into().unwrap());
        let mut rest = vec![0; length as usize];
        self.stream.read_exact(&mut rest).unwrap();
        let status = find(&rest, 0x42_007f).expect("a status");
        assert_eq!(status, [0; 4], "{}", String::from_utf8_lossy(&rest));
        String::from_utf8(find(&rest, UNIQUE_IDENTIFIER).unwrap().to_vec()).unwrap()
    }

    /// Create and Activate (7.4).
    fn generate(&mut self, label: &str, properties: &[(&str, &str)]) -> String {
        let form = self.form;
        let name = [text(0x42_0055, label), number(0x42_0054, ENUMERATION, 1)].concat();
        let mut attributes = vec![
            form.attribute(
                "Cryptographic Algorithm",
                0x42_0028,
                ENUMERATION,
                &[0, 0, 0, 3],
            ),
            form.attribute("Cryptographic Length", 0x42_002a, INTEGER, &[0, 0, 1, 0]),
            form.attribute(
                "Cryptographic Usage Mask",
                0x42_002c,
                INTEGER,
                &[0, 0, 0, 12],
            ),
            form.attribute("Name", 0x42_0053, STRUCTURE, &name),
        ];
        attributes.extend(
            properties
                .iter()
                .map(|(name, value)| form.property(name, value)),
        );
        let tag = if form.is_2x() { 0x42_0125 } else { 0x42_0091 };
        let object_type = number(0x42_0057, ENUMERATION, 2);
        let id = self.perform(1, &[object_type, structure(tag, &attributes)]);
        self.perform(0x12, &[text(UNIQUE_IDENTIFIER, &id)]);
        id
    }

    /// Add Attribute (7.5).
    fn add(&mut self, id: &str, name: &str, value: &str) {
        let attribute = self.form.property(name, value);
        let attribute = match self.form.is_2x() {
            true => structure(0x42_013d, &[attribute]),
            false => attribute,
        };
        self.perform(0xd, &[text(UNIQUE_IDENTIFIER, id), attribute]);
    }
}

/// The content of the first item with this tag, at whatever depth.
fn find(mut bytes: &[u8], tag: u32) -> Option<&[u8]> {
    while bytes.len() >= 8 {
        let length = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let content = &bytes[8..8 + length];
        if bytes[..3] == tag.to_be_bytes()[1..] {
            return Some(content);
        }
        if bytes[3] == STRUCTURE {
            if let Some(found) = find(content, tag) {
                return Some(found);
            }
        }
        bytes = &bytes[8 + length.next_multiple_of(8)..];
    }
    None
}

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
                // Identifiers differ.
                let lines = lines.into_iter().filter(|line| !line.contains("-id="));
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
