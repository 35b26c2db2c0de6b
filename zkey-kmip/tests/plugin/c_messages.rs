//! Messages as the C plugin sends them (behaviour reference 7.12), byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};

use crate::key_server::KeyServer;
use crate::machine::Machine;

/// What a profile makes of the C plugin's messages.
pub(crate) struct Form {
    pub(crate) version: (i32, i32),
    pub(crate) v2_style: bool,
    pub(crate) has_link: bool,
    pub(crate) description: Place,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Custom,
    Description,
    Comment,
}

pub(crate) const FORMS: [Form; 5] = [
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
    pub(crate) fn profile(&self) -> String {
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

    pub(crate) fn is_2x(&self) -> bool {
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
pub(crate) struct CPlugin<'f> {
    form: &'f Form,
    stream: SslStream<TcpStream>,
}

impl<'f> CPlugin<'f> {
    pub(crate) fn new(form: &'f Form, machine: &Machine, server: &KeyServer) -> CPlugin<'f> {
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
    pub(crate) fn generate(&mut self, label: &str, properties: &[(&str, &str)]) -> String {
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
    pub(crate) fn add(&mut self, id: &str, name: &str, value: &str) {
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
