//! Configuration files: those of PyKMIP and our own.

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::slice;

use common::process::{Process, World, create, key_bytes, program};
use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::types::{
    Attribute, ImportRequest, ManagedObject, Name, NameType, ObjectType, OpaqueObject,
    QueryFunction, QueryRequest, ResultReason, State, UniqueIdentifier,
};
use openssl::pkey::PKey;
use test_support::Certified;

/// A server.conf as the documentation of PyKMIP shows it.
fn server_conf(place: &World) -> String {
    std::fs::create_dir_all(place.path("policies")).unwrap();
    format!(
        "; a comment\n[server]\nhostname=127.0.0.1\nport={}\ncertificate_path={}\nkey_path={}\n\
         ca_path={}\nauth_suite=TLS1.2\npolicy_path={}\nenable_tls_client_auth=True\n\
         tls_cipher_suites=\n    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n    AES128-SHA256\n\
         logging_level=INFO\ndatabase_path={}\n",
        free_port(),
        place.path("server.crt").display(),
        place.path("server.key").display(),
        place.path("ca.pem").display(),
        place.path("policies").display(),
        place.path("pykmip.db").display(),
    )
}

/// Of the loopback interface, a moment ago: PyKMIP's file cannot ask for any.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn with(place: &World, name: &str, text: &str) -> Command {
    let path = place.path(name);
    std::fs::write(&path, text).unwrap();
    let mut command = program();
    command.arg("--config").arg(path);
    command
}

fn refused(place: &World, name: &str, text: &str) -> String {
    let output = with(place, name, text).output().unwrap();
    assert!(!output.status.success(), "{text}");
    String::from_utf8(output.stderr).unwrap()
}

/// A certificate without Extended Key Usage.
fn without_purpose(place: &World) -> Certified {
    let key = place.authority.client("alice").key;
    let public = PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
    let certificate = place.authority.certify(&public, "alice");
    Certified { certificate, key }
}

#[test]
fn a_server_conf_of_pykmip_is_enough() {
    let place = World::new();
    let text = server_conf(&place);
    let process = Process::run(&mut with(&place, "server.conf", &text));
    let mut client = place.client(&process, "alice");
    let key = client.call(create("disk")).unwrap().unique_identifier;
    // As with PyKMIP, names need not be unique.
    client.call(create("disk")).unwrap();
    assert_eq!(key_bytes(&mut client, &key).unwrap().len(), 32);
    assert!(place.path("pykmip.db").exists());
    // A certificate that does not say that it is for clients is refused.
    let silent = place.builder_for(&process.address, without_purpose(&place));
    let error = silent.connect().unwrap_err();
    let wanted = Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL);
    assert_eq!(error.result_reason(), wanted);
    drop(process);

    let lax = text.replace(
        "enable_tls_client_auth=True",
        "enable_tls_client_auth=False",
    );
    let process = Process::run(&mut with(&place, "server.conf", &lax));
    let silent = place.builder_for(&process.address, without_purpose(&place));
    silent.connect().unwrap();
}

#[test]
fn what_is_wrong_in_a_server_conf_is_told_with_its_line() {
    let place = World::new();
    let good = server_conf(&place);
    let cases = [
        ("port=", "port=x", 4, "no port"),
        ("hostname=127.0.0.1", "hostname", 3, "NAME=VALUE"),
        ("[server]", "[server", 2, "bracket"),
        ("[server]\n", "", 2, "section"),
        ("auth_suite=TLS1.2", "auth_suite=TLS9", 8, "auth_suite"),
        (
            "enable_tls_client_auth=True",
            "enable_tls_client_auth=maybe",
            10,
            "True nor False",
        ),
        (
            "logging_level=INFO",
            "logging_level=LOUD",
            14,
            "logging_level",
        ),
        ("logging_level=INFO", "port=5696", 14, "line 4"),
        (
            "logging_level=INFO",
            "[auth:slugs]\nenabled=True",
            15,
            "not supported",
        ),
        ("    AES128-SHA256\n", "    TLS_NO_SUCH_SUITE\n", 11, ""),
        ("hostname=127.0.0.1\n", "", 14, "`hostname` is missing"),
        ("ca_path=", "xca_path=", 15, "`ca_path` is missing"),
    ];
    for (old, new, line, message) in cases {
        assert!(good.contains(old), "{old}");
        let text = good.replace(old, new);
        if message.is_empty() {
            continue;
        }
        let told = refused(&place, "server.conf", &text);
        assert!(told.contains(&format!("line {line}")), "{new}: {told}");
        assert!(told.contains(message), "{new}: {told}");
    }
    let none = good.replace(
        "    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n    AES128-SHA256\n",
        "    TLS_NO_SUCH_SUITE\n",
    );
    assert!(refused(&place, "server.conf", &none).contains("TLS_NO_SUCH_SUITE"));
    // Nothing is written into a database of another program, such as PyKMIP.
    let database = place.path("pykmip.db");
    let own = rusqlite::Connection::open(&database).unwrap();
    own.execute_batch("CREATE TABLE managed_objects (uid INTEGER)")
        .unwrap();
    drop(own);
    let before = std::fs::read(&database).unwrap();
    assert!(refused(&place, "server.conf", &good).contains("database of another program"));
    let relative = good.replace(database.to_str().unwrap(), "pykmip.db");
    assert!(refused(&place, "server.conf", &relative).contains("database of another program"));
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[test]
fn what_has_no_effect_is_told_as_well() {
    let place = World::new();
    let conf = server_conf(&place) + "wonder=1\n[elsewhere]\na=b\n";
    let toml = "store = \"memory\"\nwonder = 1\n\n[limits]\nconections = 5\n";
    for (name, text, wanted) in [
        (
            "server.conf",
            conf.as_str(),
            ["line 16: `wonder`", "line 18: the section [elsewhere]"],
        ),
        (
            "kmip.toml",
            toml,
            ["line 2: `wonder`", "line 5: `limits.conections`"],
        ),
    ] {
        let path = place.path(name);
        std::fs::write(&path, text).unwrap();
        let mut command = place.command(&["--config", path.to_str().unwrap()]);
        let log = place.path("stderr");
        command.stderr(Stdio::from(std::fs::File::create(&log).unwrap()));
        let process = Process::run(&mut command);
        let told = std::fs::read_to_string(&log).unwrap();
        for wanted in wanted {
            assert!(told.contains(wanted), "{told}");
        }
        drop(process);
    }
}

#[test]
fn a_file_in_toml_sets_everything() {
    let place = World::new();
    let mut hash = program();
    let mut hash = hash
        .arg("--hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut hash.stdin.take().unwrap(), b"open sesame\n").unwrap();
    let hash = String::from_utf8(hash.wait_with_output().unwrap().stdout).unwrap();
    // Relative paths begin at the file.
    let text = format!(
        "listen = \"127.0.0.1:0\"\nhttps-listen = \"127.0.0.1:0\"\ncert = \"server.crt\"\n\
         key = \"server.key\"\nclient-ca = [\"ca.pem\"]\nstore = \"keys.sqlite\"\n\
         audit = \"audit.jsonl\"\nvendor = \"Acme\"\nmax-version = \"1.4\"\nlease-time = 60\n\
         fault = [\"delay=1,count=1\"]\n[limits]\nconnections = 10\n[users.ali]\n\
         password-hash = \"{}\"\ngroups = [\"thieves\"]\n[users.fred]\npassword = \"clear\"\n",
        hash.trim()
    );
    let process = Process::run(&mut with(&place, "kmip.toml", &text));
    let login = |name, password| {
        let builder = place.builder(&process, "alice");
        builder.username_and_password(name, password).connect()
    };
    let mut client = login("ali", "open sesame").unwrap();
    assert_eq!(client.version().to_string(), "1.4");
    client.call(create("disk")).unwrap();
    let request = QueryRequest {
        query_function: vec![QueryFunction::QUERY_SERVER_INFORMATION],
        ..QueryRequest::default()
    };
    let answer = client.call(request).unwrap();
    assert_eq!(answer.vendor_identification.as_deref(), Some("Acme"));
    login("fred", "clear").unwrap();
    for (name, password) in [
        ("ali", "open sesamf"),
        ("ali", hash.trim()),
        ("nobody", "clear"),
    ] {
        let error = login(name, password).unwrap_err();
        let wanted = Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL);
        assert_eq!(error.result_reason(), wanted, "{name}");
    }
    for file in ["keys.sqlite", "audit.jsonl"] {
        assert!(place.path(file).exists(), "{file}");
    }
    drop(process);

    // The command line counts.
    let mut command = with(&place, "kmip.toml", &text);
    let process = Process::run(command.args(["--max-version", "1.2", "--store", "memory"]));
    let builder = place.builder(&process, "alice");
    let client = builder.username_and_password("fred", "clear").connect();
    assert_eq!(client.unwrap().version().to_string(), "1.2");
}

#[test]
fn what_is_wrong_in_toml_is_told_with_its_line() {
    let place = World::new();
    for (text, line, message) in [
        ("store = \n", 1, "value"),
        ("vendor = \"a\"\nmax-version = \"nine\"\n", 2, "version"),
        (
            "\n\npersonality = \"oracle\"\n",
            3,
            "gklm, vault and pykmip",
        ),
        ("fault = [\"explode\"]\n", 1, "one-byte-records"),
        ("vendor = 5\n", 1, "string"),
        ("[limits]\nconnections = \"many\"\n", 2, "invalid type"),
        ("[users]\nfred = 5\n", 2, "invalid type"),
    ] {
        let told = refused(&place, "kmip.toml", text);
        assert!(told.contains(&format!("line {line}: ")), "{text}: {told}");
        assert!(told.contains(message), "{text}: {told}");
    }
    let missing = refused(&place, "kmip.toml", "vendor = \"a\"\n");
    assert!(missing.contains("'--cert' is missing"), "{missing}");
    let bad_hash = "[users.fred]\npassword-hash = \"secret\"\n";
    let told = refused(&place, "kmip.toml", bad_hash);
    assert!(
        told.contains("`fred`") && !told.contains("\"secret\""),
        "{told}"
    );
    let both = "[users.fred]\n";
    assert!(refused(&place, "kmip.toml", both).contains("password"));
    let nowhere: PathBuf = place.path("nowhere.toml");
    let output = program().arg("--config").arg(&nowhere).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.toml"));
}

#[test]
fn policies_say_what_others_find() {
    let place = World::new();
    let policies = place.path("policies.json");
    std::fs::write(
        &policies,
        r#"{"default": {"preset": {"SYMMETRIC_KEY": {"LOCATE": "ALLOW_OWNER", "GET": "ALLOW_ALL"}}},
            "open": {"preset": {"SYMMETRIC_KEY": {"LOCATE": "ALLOW_ALL", "GET_ATTRIBUTES": "ALLOW_ALL"}},
                     "groups": {"auditors": {"SYMMETRIC_KEY": {"LOCATE": "ALLOW_ALL"}}}},
            "seen": {"preset": {"SYMMETRIC_KEY": {"LOCATE": "ALLOW_ALL"}},
                     "groups": {"auditors": {"SYMMETRIC_KEY": {"LOCATE": "ALLOW_ALL"}}}},
            "closed": {"preset": {"SYMMETRIC_KEY": {"LOCATE": "DISALLOW_ALL"}}}}"#,
    )
    .unwrap();
    let path = place.path("kmip.toml");
    let text = "policies = \"policies.json\"\n[users]\na = { password = \"a\" }\n\
                b = { password = \"b\" }\nc = { password = \"c\", groups = [\"auditors\"] }\n\
                d = { password = \"d\", groups = [\"strangers\"] }\n";
    std::fs::write(&path, text).unwrap();
    let store = place.path("keys.sqlite");
    for more in [&[][..], &["--store", store.to_str().unwrap()]] {
        let options = [&["--config", path.to_str().unwrap()], more].concat();
        let process = place.start(&options);
        let login = |name: &str| {
            let builder = place
                .builder(&process, "alice")
                .version(ProtocolVersion::V1_4);
            builder.username_and_password(name, name).connect().unwrap()
        };
        let mut owner = login("a");
        let mut make = |key: &str, policy: Option<&'static str>| {
            let mut request = create(key);
            if let Some(policy) = policy {
                let policy = Attribute::operation_policy_name(policy);
                request.attributes = request.attributes.with(policy);
            }
            owner.call(request).unwrap().unique_identifier
        };
        let own = make("own", None);
        let open = make("open", Some("open"));
        let second = make("second", Some("seen"));
        let closed = make("closed", Some("closed"));
        let mut other = login("b");
        let theirs = other.call(create("own")).unwrap().unique_identifier;
        let locate = |client: &mut Client, attributes: Vec<Attribute<'static>>| {
            client.locate(attributes, None).unwrap()
        };
        let name = |text: &str| {
            vec![Attribute::name(Name {
                name_value: text.to_owned().into(),
                name_type: NameType::UNINTERPRETED_TEXT_STRING,
                ..Name::default()
            })]
        };
        let nothing: [UniqueIdentifier<'_>; 0] = [];
        assert_eq!(
            locate(&mut owner, vec![]),
            [second.clone(), open.clone(), own.clone()]
        );
        assert_eq!(locate(&mut owner, name("own")), slice::from_ref(&own));
        assert_eq!(locate(&mut owner, name("closed")), nothing);
        assert_eq!(
            locate(&mut other, vec![]),
            [theirs.clone(), second.clone(), open.clone()]
        );
        assert_eq!(locate(&mut other, name("own")), slice::from_ref(&theirs));
        assert_eq!(locate(&mut other, name("open")), slice::from_ref(&open));
        // Guesses tell nothing of what may not be read.
        assert_eq!(locate(&mut other, name("second")), nothing);
        assert_eq!(locate(&mut login("c"), name("open")), nothing);
        let second_by_name = locate(&mut owner, name("second"));
        assert_eq!(second_by_name, slice::from_ref(&second));
        let state = Attribute::state(State::PRE_ACTIVE);
        let conditions = [name("open"), vec![state]].concat();
        assert_eq!(locate(&mut other, conditions), slice::from_ref(&open));
        for (key, found) in [(&open, true), (&own, false), (&closed, false)] {
            let identifier = Attribute::unique_identifier(key.clone());
            let located = locate(&mut other, vec![identifier]);
            assert_eq!(located.contains(key), found, "{key:?}");
        }
        assert_eq!(other.locate([], Some(2)).unwrap(), [theirs, second.clone()]);
        // To be found is not to be given out, and the other way round.
        let denied = key_bytes(&mut other, &open).unwrap_err();
        assert_eq!(
            denied.result_reason(),
            Some(ResultReason::PERMISSION_DENIED)
        );
        assert_eq!(key_bytes(&mut other, &own).unwrap().len(), 32);
        assert_eq!(locate(&mut login("c"), vec![]), [second, open]);
        // What the server keeps for itself is nobody's.
        assert_eq!(locate(&mut login("d"), vec![]), nothing);
    }
}

#[test]
fn policies_say_what_others_may_do() {
    let place = World::new();
    let policies = place.path("policies");
    std::fs::create_dir(&policies).unwrap();
    let write = |text: &str| std::fs::write(policies.join("policy.json"), text).unwrap();
    write(
        r#"{"default": {"preset": {"SYMMETRIC_KEY": {"GET": "ALLOW_ALL", "DESTROY": "DISALLOW_ALL"}},
            "groups": {"thieves": {"SYMMETRIC_KEY": {"GET": "DISALLOW_ALL"}}}}}"#,
    );
    let text = "[users]\na = { password = \"a\" }\nb = { password = \"b\" }\n\
                c = { password = \"c\", groups = [\"thieves\"] }\n\
                d = { password = \"d\", groups = [\"strangers\"] }\n";
    let path = place.path("kmip.toml");
    std::fs::write(&path, format!("policies = \"policies\"\n{text}")).unwrap();
    let options = ["--config", path.to_str().unwrap()];
    let process = place.start(&options);
    let login = |name: &str| {
        let builder = place.builder(&process, "alice");
        builder.username_and_password(name, name).connect().unwrap()
    };
    let [mut owner, mut other, mut thief, mut stranger] = ["a", "b", "c", "d"].map(login);
    let key = owner.call(create("disk")).unwrap().unique_identifier;
    assert_eq!(key_bytes(&mut other, &key).unwrap().len(), 32);
    let denied = Some(ResultReason::PERMISSION_DENIED);
    let error = key_bytes(&mut thief, &key).unwrap_err();
    assert_eq!(error.result_reason(), denied);
    // What is preset is not for who has groups.
    let error = key_bytes(&mut stranger, &key).unwrap_err();
    assert_eq!(error.result_reason(), denied);
    // Not even the owner; and what is not named is the owner's.
    let error = owner.destroy(&key).unwrap_err();
    assert_eq!(error.result_reason(), denied);
    let import = ImportRequest {
        unique_identifier: key.clone(),
        object_type: Some(ObjectType::OPAQUE_OBJECT),
        replace_existing: Some(true),
        managed_object: ManagedObject::OpaqueObject(OpaqueObject::default()),
        ..ImportRequest::default()
    };
    let error = owner.call(import).unwrap_err();
    assert_eq!(error.result_reason(), denied);
    let error = other.activate(&key).unwrap_err();
    assert_eq!(error.result_reason(), denied);
    owner.activate(&key).unwrap();
    drop(process);

    for (text, message) in [
        ("{", "policy.json"),
        (
            r#"{"a": {"preset": {"SYMMETRIC_KEY": {"GET": "ALLOW_SOME"}}}}"#,
            "a: preset: SYMMETRIC_KEY: GET",
        ),
        (
            r#"{"a": {"preset": {"SYMMETRIC_KEY": {"GIT": "ALLOW_ALL"}}}}"#,
            "no such operation",
        ),
        (r#"{"a": {"preset": {"SILVER_KEY": {}}}}"#, "no such type"),
        (r#"{"a": {"preset": [], "group": {}}}"#, "a"),
        ("[]", "braces"),
    ] {
        write(text);
        let output = place.command(&options).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && told.contains(message),
            "{text}: {told}"
        );
    }
}
