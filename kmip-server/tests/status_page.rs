//! The status page: over raw sockets, and in a browser.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use common::process::{PATIENCE, Process, World, create, key_bytes};
use kmip::client::Client;
use test_support::Browser;

const RESULTS: &str = r#"{"passed": 2, "failed": 1, "skipped": 1, "cases": [
    {"name": "AKLC-M-1-14", "version": "1.4", "group": "Mandatory", "outcome": "passed", "reason": null, "steps": []},
    {"name": "AKLC-M-2-14", "version": "1.4", "group": "Mandatory", "outcome": "failed", "reason": "step 3: <wrong>", "steps": []},
    {"name": "AKLC-M-1-20", "version": "2.0", "group": "Mandatory", "outcome": "passed", "reason": null, "steps": []},
    {"name": "OPT-1-20", "version": "2.0", "group": "Optional", "outcome": "skipped", "reason": "not there", "steps": []}]}"#;

struct Site {
    place: World,
    process: Process,
    host: String,
}

impl Site {
    fn new() -> Self {
        let place = World::new();
        std::fs::write(place.path("results.json"), RESULTS).unwrap();
        let results = place.path("results.json");
        let options = [
            "--admin",
            "127.0.0.1:0",
            "--conformance",
            results.to_str().unwrap(),
        ];
        let process = place.start(&options);
        let url = process.told("admin http://");
        let host = url.trim_end_matches('/').to_owned();
        Site {
            place,
            process,
            host,
        }
    }

    fn client(&self) -> Client {
        self.place.client(&self.process, "alice")
    }

    /// Sends text, and returns everything that comes.
    fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    fn get(&self, path: &str) -> String {
        let host = &self.host;
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }
}

#[test]
fn it_shows_objects_and_messages_but_no_key() {
    let site = Site::new();
    let mut client = site.client();
    let name = "<script>alert(1)</script>";
    let key = client.call(create(name)).unwrap().unique_identifier;
    client.activate(&key).unwrap();
    let bytes = key_bytes(&mut client, &key).unwrap();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let identifier = key.as_text().unwrap();
    let object = format!("/objects/{identifier}");
    for (path, wanted) in [
        ("/", &["KMIP server", "kmip-server", "not encrypted"][..]),
        (
            "/objects",
            &[
                identifier,
                "Symmetric Key",
                "Active",
                "AES",
                "256",
                "CN=alice",
            ],
        ),
        (
            &object,
            &[
                identifier,
                "Cryptographic Usage Mask",
                "Active",
                "NameValue",
            ],
        ),
        ("/log", &["Create", "Get", "redacted", "alice at 127.0.0.1"]),
        (
            "/conformance",
            &["2 passed", "1 of 2", "step 3: &lt;wrong&gt;", "AKLC-M-2-14"],
        ),
        ("/style.css", &["prefers-color-scheme: dark"]),
    ] {
        let page = site.get(path);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {page}");
        for wanted in wanted {
            assert!(page.contains(wanted), "{path} has no {wanted}: {page}");
        }
        assert!(
            !page.to_lowercase().contains(&digits),
            "{path} shows the key"
        );
        assert!(!page.contains(name), "{path}: markup of a client");
        for header in [
            "Content-Security-Policy: default-src 'none'; style-src 'self'",
            "X-Content-Type-Options: nosniff",
            "X-Frame-Options: DENY",
            "Cache-Control: no-store",
            "Referrer-Policy: no-referrer",
        ] {
            assert!(page.contains(header), "{path} has no {header}");
        }
    }
    for absent in [
        "/objects/nothing",
        "/objects/%",
        "/nowhere",
        "/objects?after=nothing",
        "/objects/kmip-server:authority",
    ] {
        assert!(site.get(absent).starts_with("HTTP/1.1 404 "), "{absent}");
    }
}

#[test]
fn many_objects_come_in_pages() {
    let site = Site::new();
    let mut client = site.client();
    let mut all: Vec<String> = (0..101)
        .map(|number| {
            let made = client.call(create(&format!("key {number}"))).unwrap();
            made.unique_identifier.as_text().unwrap().to_owned()
        })
        .collect();
    let mut path = "/objects".to_owned();
    for count in [50, 50, 1] {
        let page = site.get(&path);
        let rest = all.split_off(count);
        for identifier in &all {
            assert!(page.contains(identifier), "{path} has no {identifier}");
        }
        assert!(rest.iter().all(|identifier| !page.contains(identifier)));
        path = format!("/objects?after={}", all[count - 1]);
        assert_eq!(page.contains(&path), !rest.is_empty());
        all = rest;
    }
    assert!(site.get(&path).contains("There are no objects here."));
}

#[test]
fn only_looking_is_allowed_and_only_from_here() {
    let site = Site::new();
    let host = &site.host;
    let status = |request: &str| {
        let answer = site.raw(request);
        let line = answer.lines().next().unwrap_or_default().to_owned();
        line.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(status(&request), "405", "{method}");
    }
    let head = site.raw(&format!("HEAD /objects HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    // A name that somebody else lets point to this machine (DNS rebinding).
    let port = host.rsplit_once(':').unwrap().1;
    for foreign in [
        "evil.example",
        &format!("evil.example:{port}"),
        "localhost:1",
        "",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {foreign}\r\n\r\n");
        assert_eq!(status(&request), "421", "{foreign}");
    }
    assert_eq!(
        status(&format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")),
        "200"
    );
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "421");
    let twice = format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n");
    assert_eq!(status(&twice), "400");
    for malformed in [
        "\r\n\r\n\0",
        "GET",
        "GET / HTTP/9\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        assert_eq!(status(malformed), "400", "{malformed:?}");
    }
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    assert_eq!(status(&long), "431");
    // Without the option, there is no page.
    let place = World::new();
    assert!(place.start(&[]).lines.is_empty());
}

#[test]
fn a_browser_shows_it() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let site = Site::new();
    let mut client = site.client();
    let key = client
        .call(create("a disk & more"))
        .unwrap()
        .unique_identifier;
    let identifier = key.as_text().unwrap();
    let object = format!("/objects/{identifier}");
    for (name, path, wanted) in [
        ("start", "/", "Messages since the start"),
        ("objects", "/objects", identifier),
        ("object", object.as_str(), "Cryptographic Usage Mask"),
        ("log", "/log", "UniqueIdentifier"),
        (
            "conformance",
            "/conformance",
            "Cases that passed, by group and version",
        ),
    ] {
        let url = format!("http://{}{path}", site.host);
        let document = browser.document(&url);
        assert!(
            document.contains("<main id=\"content\">"),
            "{path}: {document}"
        );
        assert!(
            document.contains(wanted),
            "{path} has no {wanted}: {document}"
        );
        let picture = |width: &str| format!("status-page-{name}-{width}");
        browser.picture(&url, &picture("wide"), (1280, 900), false);
        browser.picture(&url, &picture("narrow"), (400, 900), true);
    }
}
