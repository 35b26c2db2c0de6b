//! Whatever is not exactly as documented is refused with the documented codes and changes nothing.

use csulcca::codes::{self, Code};
use csulcca::{Parameter, Request, Response, Session, execute};
use emulated_card::{Apqn, Emulator, Kind, Machine, Mode};
use tempfile::TempDir;

const APQN: Apqn = Apqn::new(3, 0x39);

struct Library {
    _directory: TempDir,
    emulator: Emulator,
    session: Session,
}

impl Library {
    fn new() -> Library {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine::new(Mode::Cca, &[APQN]);
        Library {
            emulator: Emulator::create(directory.path(), &machine),
            _directory: directory,
            session: Session {
                default_domain: Some("57".to_owned()),
                ..Session::default()
            },
        }
    }

    fn call(&mut self, verb: &str, parameters: &[Parameter]) -> Response {
        let response = execute(
            &self.emulator,
            Request {
                session: self.session.clone(),
                verb: verb.to_owned(),
                parameters: parameters.to_vec(),
            },
        );
        self.session = response.session.clone();
        response
    }

    /// Demands a failure with this code, and that nothing changed.
    #[track_caller]
    fn refuses(&mut self, code: Code, verb: &str, parameters: &[Parameter]) {
        let session = self.session.clone();
        let response = self.call(verb, parameters);
        assert_eq!(response.code, code, "{verb}");
        assert_eq!(response.parameters, parameters, "{verb}");
        assert_eq!(self.session, session, "{verb}");
    }

    #[track_caller]
    fn does(&mut self, verb: &str, parameters: &[Parameter]) -> Vec<Parameter> {
        let response = self.call(verb, parameters);
        assert_eq!(response.code, codes::OK, "{verb}");
        response.parameters
    }

    fn pair(&mut self, rule: &[&str], values: &[u8]) -> Vec<u8> {
        let built = self.does("CSNDPKB", &build(rule, values));
        let generate = [
            rules(&["MASTER  "]),
            empty(),
            built[8].clone(),
            Parameter::Fixed(vec![0; 64]),
            room(3500),
        ];
        bytes(&self.does("CSNDPKG", &generate)[4])
    }

    fn rsa(&mut self, usage: &str) -> Vec<u8> {
        self.pair(&["RSA-AESC", usage], RSA_512)
    }

    fn ecc(&mut self) -> Vec<u8> {
        self.pair(&["ECC-PAIR", "KEY-MGMT", "ECC-VER1"], P256)
    }
}

const P256: &[u8] = &[0, 0, 1, 0, 0, 0, 0, 0];
const RSA_512: &[u8] = &[
    2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1,
];

fn rules(keywords: &[&str]) -> Parameter {
    Parameter::Rules(keywords.concat().into_bytes())
}

fn buffer(content: &[u8]) -> Parameter {
    Parameter::Buffer(content.to_vec())
}

fn room(size: usize) -> Parameter {
    Parameter::Buffer(vec![0; size])
}

fn empty() -> Parameter {
    room(0)
}

fn bytes(parameter: &Parameter) -> Vec<u8> {
    match parameter {
        Parameter::Buffer(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

fn build(rule: &[&str], values: &[u8]) -> Vec<Parameter> {
    let mut parameters = vec![rules(rule), buffer(values)];
    parameters.extend((0..6).map(|_| empty()));
    parameters.push(room(3500));
    parameters
}

fn sign(rule: &[&str], key: &[u8], hash: &[u8], signature: usize) -> [Parameter; 5] {
    let number = Parameter::Number(0);
    [
        rules(rule),
        buffer(key),
        buffer(hash),
        number,
        room(signature),
    ]
}

#[test]
fn rule_arrays_must_be_right() {
    let mut library = Library::new();
    let wrong: [(&[&str], Code); 6] = [
        (&[], codes::RULE_COUNT),
        (&["RSA-AESC"], codes::RULE_COUNT),
        (&["RSA-AESC", "NONSENSE"], codes::KEYWORD),
        (&["RSA-AESC", "key-mgmt"], codes::KEYWORD),
        (&["KEY-MGMT", "RSA-AESC"], codes::KEYWORD_COMBINATION),
        (
            &["ECC-PAIR", "ECC-VER1", "KEY-MGMT"],
            codes::KEYWORD_COMBINATION,
        ),
    ];
    for (rule, code) in wrong {
        library.refuses(code, "CSNDPKB", &build(rule, RSA_512));
    }
    library.refuses(
        codes::KEYWORD,
        "CSUACFQ",
        &[rules(&["STATXXXX"]), room(256)],
    );
    let (key, hash) = (library.ecc(), [7; 32]);
    let rule = ["HASH    ", "ECDSA   "];
    library.refuses(
        codes::KEYWORD_COMBINATION,
        "CSNDDSG",
        &sign(&rule, &key, &hash, 64),
    );
    let rule = ["RSA     ", "HASH    ", "PKCS-1.1"];
    library.refuses(
        codes::TOKEN_CONSISTENCY,
        "CSNDDSG",
        &sign(&rule, &key, &hash, 64),
    );
}

#[test]
fn lengths_must_be_right() {
    let mut library = Library::new();
    let (ecc, rsa) = (library.ecc(), library.rsa("KEY-MGMT"));
    let rule = ["ECDSA   ", "HASH    "];
    library.refuses(codes::SIZE, "CSNDDSG", &sign(&rule, &ecc, &[7; 31], 64));
    library.refuses(
        codes::TOO_SMALL,
        "CSNDDSG",
        &sign(&rule, &ecc, &[7; 32], 63),
    );
    let import = |wrapped: usize, token: usize| {
        let rule = rules(&["AES     ", "PKCS-1.2"]);
        [rule, room(wrapped), buffer(&rsa), room(token)]
    };
    library.refuses(codes::SIZE, "CSNDSYI", &import(64, 63));
    library.refuses(codes::SIZE, "CSNDSYI", &import(63, 64));
    library.refuses(codes::RECOVERED_BLOCK, "CSNDSYI", &import(64, 64));
    library.refuses(codes::SIZE, "CSUACFQ", &[rules(&["STATICSB"]), room(239)]);
    // More than the structure needs is no fault.
    let longer = [RSA_512, &[7, 7, 7]].concat();
    library.does("CSNDPKB", &build(&["RSA-AESC", "KEY-MGMT"], &longer));
    let short = [rules(&["RSA-AESC", "KEY-MGMT"]), buffer(&RSA_512[..20])];
    let mut parameters = build(&["RSA-AESC", "KEY-MGMT"], RSA_512);
    parameters[1] = short[1].clone();
    library.refuses(codes::KEY_VALUES, "CSNDPKB", &parameters);
    let mut parameters = build(&["RSA-AESC", "KEY-MGMT"], RSA_512);
    parameters[8] = room(10);
    library.refuses(codes::TOO_SMALL, "CSNDPKB", &parameters);
    let mut parameters = build(&["RSA-AESC", "KEY-MGMT"], RSA_512);
    parameters[5] = room(1);
    library.refuses(codes::RESERVED, "CSNDPKB", &parameters);
}

#[test]
fn unknown_curves_and_sizes_are_refused() {
    let mut library = Library::new();
    let rule = ["ECC-PAIR", "KEY-MGMT", "ECC-VER1"];
    for values in [
        [0, 0, 1, 1, 0, 0, 0, 0],
        [2, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 1, 0, 0],
    ] {
        library.refuses(codes::KEY_VALUES, "CSNDPKB", &build(&rule, &values));
    }
    for bits in [0_u16, 511, 513, 4097, 8192] {
        let mut values = RSA_512.to_vec();
        values[..2].copy_from_slice(&bits.to_be_bytes());
        let parameters = build(&["RSA-AESC", "KEY-MGMT"], &values);
        library.refuses(codes::RSA_MODULUS, "CSNDPKB", &parameters);
    }
}

#[test]
fn keys_do_only_what_they_are_for() {
    let mut library = Library::new();
    let (signing, unwrapping) = (library.rsa("SIG-ONLY"), library.rsa("KM-ONLY "));
    let rule = ["RSA     ", "PKCS-PSS", "HASH    ", "SHA-1   "];
    let hash = [&[0, 0, 0, 20][..], &[7; 20]].concat();
    library.does("CSNDDSG", &sign(&rule, &signing, &hash, 64));
    library.refuses(
        codes::NOT_PERMITTED,
        "CSNDDSG",
        &sign(&rule, &unwrapping, &hash, 64),
    );
    // The length of the salt in the other byte order is too much for the key.
    let swapped = [&[20, 0, 0, 0][..], &[7; 20]].concat();
    library.refuses(codes::SIZE, "CSNDDSG", &sign(&rule, &signing, &swapped, 64));
    let rule = rules(&["AES     ", "PKCS-1.2"]);
    let import = [rule, room(64), buffer(&signing), room(64)];
    library.refuses(codes::NOT_PERMITTED, "CSNDSYI", &import);
}

#[test]
fn tokens_that_were_changed_are_refused() {
    let mut library = Library::new();
    let key = library.ecc();
    let rule = ["ECDSA   ", "HASH    "];
    let mut seen = Vec::new();
    for at in 0..key.len() {
        let mut changed = key.clone();
        changed[at] ^= 1;
        let code = library
            .call("CSNDDSG", &sign(&rule, &changed, &[7; 32], 64))
            .code;
        assert_eq!(code.0, 8, "byte {at}");
        seen.push(code);
        let cut = sign(&rule, &key[..at], &[7; 32], 64);
        assert_eq!(library.call("CSNDDSG", &cut).code.0, 8);
    }
    for code in [
        codes::TOKEN_HEADER,
        codes::MASTER_KEY_PATTERN,
        codes::TOKEN_CONSISTENCY,
    ] {
        assert!(seen.contains(&code), "{code:?}");
    }
}

#[test]
fn master_keys_and_adapters_must_be_there() {
    let mut library = Library::new();
    let key = library.ecc();
    let rule = ["ECDSA   ", "HASH    "];
    let sign = sign(&rule, &key, &[7; 32], 64);
    let change = [rules(&["ECC     ", "RTNMK   "]), buffer(&key)];
    library.refuses(codes::NO_MASTER_KEY, "CSNDKTC", &change);
    library
        .emulator
        .change(|machine| machine.load_new(Kind::Apka));
    library.does("CSNDKTC", &change);
    library.emulator.change(|machine| machine.set(Kind::Apka));
    assert_eq!(library.call("CSNDDSG", &sign).code, codes::OLD_MASTER_KEY);
    library.refuses(codes::NO_MASTER_KEY, "CSNDKTC", &change);
    library
        .emulator
        .change(|machine| machine.domain_mut(APQN).online = false);
    library.refuses(codes::NO_RESPONSE, "CSNDDSG", &sign);
    library.emulator.change(|machine| {
        machine.domain_mut(APQN).online = true;
        machine
            .all_registers_mut(Kind::Apka)
            .for_each(|registers| registers.old = None);
    });
    library.refuses(codes::MASTER_KEY_PATTERN, "CSNDDSG", &sign);
    library.session.default_domain = Some("58".to_owned());
    library.refuses(codes::ENVIRONMENT, "CSNDDSG", &sign);
    library.session.default_domain = Some("0x39".to_owned());
    library.refuses(codes::ENVIRONMENT, "CSNDDSG", &sign);
}

#[test]
fn adapters_are_allocated_one_at_a_time() {
    let mut library = Library::new();
    let device = |name: &str| [rules(&["DEVICE  "]), buffer(name.as_bytes())];
    library.refuses(codes::RESOURCE, "CSUACRA", &device("CRP02"));
    library.refuses(codes::RESOURCE_LENGTH, "CSUACRA", &device("CRP"));
    library.refuses(codes::NOT_ALLOCATED, "CSUACRD", &device("CRP01"));
    library.does("CSUACRA", &device("CRP01"));
    library.refuses(codes::ALLOCATED, "CSUACRA", &device("CRP01"));
    library.does("CSUACRD", &device("CRP01"));
    library.does("CSUACRD", &[rules(&["DEV-ANY "]), buffer(b"CRP00")]);
    let key = build(&["ECC-PAIR", "KEY-MGMT", "ECC-VER1"], P256);
    let skeleton = library.does("CSNDPKB", &key)[8].clone();
    let transport = Parameter::Fixed(vec![0; 64]);
    let generate = [
        rules(&["MASTER  "]),
        empty(),
        skeleton,
        transport,
        room(3500),
    ];
    library.refuses(codes::NOT_ALLOCATED, "CSNDPKG", &generate);
}
