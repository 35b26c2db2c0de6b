//! Servers that want a user name and a password.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use kmip::types::State;
use openssl::x509::X509;
use test_support::Request;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, Errno, KeyMode, Kms, Property};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, generate, info};
use crate::ready::{DATA, import, list, properties, set_in_conf};

const USER: &str = "zkey-of-this-host";
const PASSWORD: &str = "correct horse=battery";

fn write(machine: &Machine, content: &str) -> String {
    let path = machine.path("credential");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    machine.text_path("credential")
}

fn content(server: &KeyServer, password: &str) -> String {
    let server = server.address();
    format!("# of the server\nserver={server}\nuser-name={USER}\npassword={password}\n")
}

fn write_password(machine: &Machine, server: &KeyServer, password: &str) -> String {
    write(machine, &content(server, password))
}

fn server(machine: &Machine, wants_no_certificate: bool) -> KeyServer {
    machine.server(Behaviour {
        credential: Some((USER, PASSWORD)),
        wants_no_certificate,
        ..Behaviour::default()
    })
}

/// Another one that is as good.
fn other_server(machine: &Machine) -> KeyServer {
    let client = X509::from_pem(&fs::read(machine.path("client.pem")).unwrap()).unwrap();
    KeyServer::start(&machine.authority.server(), client, Behaviour::default())
}

#[test]
fn each_request_has_user_name_and_password_beside_the_certificate_or_instead_of_it() {
    for (version, wants_no_certificate) in [("1.0", false), ("1.4", true), ("AUTO", true)] {
        let machine = Machine::new();
        let profile = format!("server-regex=.\nkmip-version={version}\nwrap-key-params=1024\n");
        machine.profile("used", &profile);
        let server = server(&machine, wants_no_certificate);
        let (address, ca) = (server.address(), machine.text_path("ca.pem"));
        let file = write_password(&machine, &server, PASSWORD);
        let connection = [
            (code::KMIP_SERVER, address.as_str()),
            (code::TLS_CA_BUNDLE, &ca),
            (code::TLS_VERIFY_HOSTNAME, ""),
            (code::PROFILE, "used"),
        ];
        machine.terminal.will_answer(&["y"]);
        let error = machine.configure(&connection).unwrap_err();
        assert!(error.to_string().contains("--credential-file"), "{error}");
        assert_eq!(machine.config().server(), None);
        machine.terminal.will_answer(&["y"]);
        let with_file = [&connection[..], &[(code::CREDENTIAL_FILE, &*file)]].concat();
        assert_eq!(machine.configure(&with_file).unwrap(), Configured::Complete);
        let properties = properties();
        let key = generate(&machine.plugin(), DATA, &properties, None, KeyMode::NonXts).unwrap();
        let change = [Property::new("description", "another")];
        let plugin = machine.plugin();
        plugin.set_key_properties(&key.key_id, &change).unwrap();
        plugin.get_key_properties(&key.key_id).unwrap();
        import(&plugin, &key.key_id).unwrap();
        assert_eq!(list(&plugin, None).unwrap().len(), 1);
        machine.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
        assert_eq!(
            server.store.object(&key.key_id).unwrap().state,
            State::ACTIVE
        );
        // Where it is, and nothing of it.
        let shown = info(&machine);
        assert!(shown.contains("User name and password, from /"), "{shown}");
        let conf = fs::read_to_string(machine.path("KMIP/kmip.conf")).unwrap();
        for text in [
            shown,
            conf,
            machine.terminal.printed(),
            machine.terminal.warned(),
        ] {
            assert!(!text.contains(USER) && !text.contains("horse"), "{text}");
        }
    }
}

#[test]
fn a_new_password_needs_no_configuration() {
    let machine = Machine::new();
    let server = server(&machine, false);
    let (address, file) = (
        server.address(),
        write_password(&machine, &server, PASSWORD),
    );
    machine.terminal.will_answer(&["y"]);
    machine
        .configure(&[
            (code::KMIP_SERVER, &address),
            (code::TLS_TRUST_SERVER_CERT, ""),
            (code::CREDENTIAL_FILE, &file),
        ])
        .unwrap();
    server
        .store
        .behave(|own| own.credential = Some((USER, "new")));
    let error = list(&machine.plugin(), None).unwrap_err();
    assert_eq!(error.errno(), Errno::EBADMSG);
    assert!(error.to_string().contains("who are you?"), "{error}");
    // The user has given them already.
    let advice =
        "the file named by '--credential-file' with '--kmip-server' must have the right ones";
    assert!(error.to_string().contains(advice), "{error}");
    assert!(!error.to_string().contains("horse"), "{error}");
    write_password(&machine, &server, "new");
    list(&machine.plugin(), None).unwrap();
    // Files that cannot be used are told before anything is sent.
    server.store.take_credentials();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = list(&machine.plugin(), None).unwrap_err();
    assert!(error.to_string().contains("chmod g-w,o="), "{error}");
    fs::remove_file(&file).unwrap();
    let error = list(&machine.plugin(), None).unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
    assert!(error.to_string().contains(&file), "{error}");
    assert_eq!(server.store.take_credentials(), 0);
    // What needs no server goes on.
    assert!(info(&machine).contains(&file));
}

#[test]
fn a_server_that_is_not_known_for_sure_gets_no_password() {
    let machine = Machine::new();
    let server = server(&machine, false);
    let (address, ca) = (server.address(), machine.text_path("ca.pem"));
    let file = write_password(&machine, &server, PASSWORD);
    let connection = [
        (code::KMIP_SERVER, address.as_str()),
        (code::TLS_CA_BUNDLE, &ca),
        (code::CREDENTIAL_FILE, &file),
    ];
    for more in [
        &[] as &[(i32, &str)],
        &[
            (code::TLS_VERIFY_HOSTNAME, ""),
            (code::TLS_DONT_VERIFY_SERVER_CERT, ""),
        ],
    ] {
        let error = machine
            .configure(&[&connection[..], more].concat())
            .unwrap_err();
        assert_eq!(error.errno(), Errno::EINVAL);
        assert!(error.to_string().contains("known for sure"), "{error}");
    }
    let error = machine.configure(&connection[2..]).unwrap_err();
    assert!(error.to_string().contains("'--kmip-server'"), "{error}");
    machine.terminal.will_answer(&["y"]);
    let known = [&connection[..], &[(code::TLS_VERIFY_HOSTNAME, "")]].concat();
    machine.configure(&known).unwrap();
    assert!(server.store.take_credentials() > 0);
    // As the C plugin could have configured it since.
    for (name, value) in [("verify-hostname", "no"), ("verify-server-cert", "no")] {
        let before = fs::read(machine.path("KMIP/kmip.conf")).unwrap();
        set_in_conf(&machine, name, value);
        let error = list(&machine.plugin(), None).unwrap_err();
        assert!(error.to_string().contains("known for sure"), "{error}");
        fs::write(machine.path("KMIP/kmip.conf"), before).unwrap();
    }
    let other = other_server(&machine);
    set_in_conf(&machine, "kmip-server", &other.address());
    list(&machine.plugin(), None).unwrap();
    assert!(!info(&machine).contains("password"));
    assert_eq!(
        server.store.take_credentials() + other.store.take_credentials(),
        0
    );
}

/// Its name in an unverified certificate proves nothing.
#[test]
fn a_self_signed_server_must_be_pinned_or_trusted() {
    let machine = Machine::new();
    let identity = Request::new("self").ip("127.0.0.1").self_signed();
    let server = machine.server_with(&identity, Behaviour::default());
    let (address, file) = (
        server.address(),
        write_password(&machine, &server, PASSWORD),
    );
    let with = |option| {
        machine.terminal.will_answer(&["y"]);
        machine.configure(&[
            (code::KMIP_SERVER, &address),
            (code::CREDENTIAL_FILE, &file),
            (option, ""),
        ])
    };
    let error = with(code::TLS_VERIFY_HOSTNAME).unwrap_err();
    assert!(error.to_string().contains("known for sure"), "{error}");
    assert_eq!(server.store.take_credentials(), 0);
    with(code::TLS_PIN_SERVER_PUBKEY).unwrap();
    assert!(server.store.take_credentials() > 0);
}

/// Those who may write to the configuration cannot have others tell a password to their server.
#[test]
fn a_password_goes_only_where_its_file_says() {
    let machine = Machine::new();
    let server = server(&machine, false);
    let other = other_server(&machine);
    let (address, ca) = (server.address(), machine.text_path("ca.pem"));
    let file = write(&machine, &content(&other, PASSWORD));
    let configure = || {
        machine.terminal.will_answer(&["y"]);
        machine.configure(&[
            (code::KMIP_SERVER, &address),
            (code::TLS_CA_BUNDLE, &ca),
            (code::TLS_VERIFY_HOSTNAME, ""),
            (code::CREDENTIAL_FILE, &file),
        ])
    };
    let told = || server.store.take_credentials() + other.store.take_credentials();
    let refused = |expected: &str| {
        let error = list(&machine.plugin(), None).unwrap_err();
        assert_eq!(error.errno(), Errno::EINVAL, "{error}");
        let text = error.to_string();
        assert!(
            text.contains(expected) && text.contains("credential"),
            "{text}"
        );
        assert!(!text.contains("horse"), "{text}");
        assert_eq!(told(), 0);
    };
    let not_for = |server: &KeyServer| format!("is not for KMIP server {}", server.address());
    let error = configure().unwrap_err().to_string();
    assert!(error.contains(&not_for(&server)), "{error}");
    assert_eq!(machine.config().server(), None);
    assert_eq!(told(), 0);
    write_password(&machine, &server, PASSWORD);
    configure().unwrap();
    assert!(server.store.take_credentials() > 0);

    // The server of the configuration.
    let conf = machine.path("KMIP/kmip.conf");
    let before = fs::read(&conf).unwrap();
    for name in ["kmip-server", "credential-file-of"] {
        set_in_conf(&machine, name, &other.address());
    }
    refused(&not_for(&other));
    fs::write(&conf, before).unwrap();

    // The file of the configuration: that of another server, that of no server.
    write_password(&machine, &other, PASSWORD);
    refused(&not_for(&server));
    write(
        &machine,
        &format!("user-name={USER}\npassword={PASSWORD}\n"),
    );
    refused("has no line server=");

    // The file itself.
    write_password(&machine, &server, PASSWORD);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
    let error = list(&machine.plugin(), None).unwrap_err().to_string();
    assert!(error.contains("chmod g-w,o="), "{error}");

    // Servers that stand in.
    write_password(&machine, &server, PASSWORD);
    list(&machine.plugin(), None).unwrap();
    assert!(told() > 0);
    let stands_in = format!(
        "server-regex=.\nwrap-key-params=1024\nfailover-servers={}\n",
        other.address()
    );
    let profile = machine.config().connection().unwrap().profile;
    machine.profile(&profile, &stands_in);
    refused(&not_for(&other));
    let both = format!("server={}\n{}", other.address(), content(&server, PASSWORD));
    write(&machine, &both);
    list(&machine.plugin(), None).unwrap();
}

/// Not even who also poses as the server in the network gets it.
#[test]
fn a_password_goes_only_to_the_key_that_its_file_names() {
    let identity = Request::new("self").ip("127.0.0.1").self_signed();
    let other = Request::new("other").ip("127.0.0.1").self_signed();
    for option in [code::TLS_PIN_SERVER_PUBKEY, code::TLS_TRUST_SERVER_CERT] {
        let machine = Machine::new();
        let server = machine.server_with(&identity, Behaviour::default());
        let address = server.address();
        let write_key_of = |certificate: &X509| {
            let key = certificate.public_key().unwrap();
            let key = openssl::base64::encode_block(&key.public_key_to_der().unwrap());
            let content = content(&server, PASSWORD);
            write(&machine, &format!("{content}server-public-key={key}\n"))
        };
        let configure = |file: &str| {
            machine.terminal.will_answer(&["y"]);
            machine.configure(&[
                (code::KMIP_SERVER, &address),
                (code::CREDENTIAL_FILE, file),
                (option, ""),
            ])
        };
        let error = configure(&write_key_of(&other.certificate)).unwrap_err();
        assert!(error.to_string().contains("public key"), "{error}");
        assert_eq!(server.store.take_credentials(), 0);
        configure(&write_key_of(&identity.certificate)).unwrap();
        list(&machine.plugin(), None).unwrap();
        assert!(server.store.take_credentials() > 0);
        // Whatever the configuration trusts.
        write_key_of(&other.certificate);
        let error = list(&machine.plugin(), None).unwrap_err();
        assert!(error.to_string().contains("public key"), "{error}");
        assert_eq!(server.store.take_credentials(), 0);
    }
}
