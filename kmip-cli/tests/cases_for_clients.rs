//! `kmip conformance serve` as a process: our own runner as its client, and clients that send something
//! else than the case has.

#[path = "common/case.rs"]
mod case;
mod common;
#[path = "common/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use case::CASE;
use common::kmip;
use server::{Client, World, text};
use test_support::reference;

/// Seconds that a busy machine may need between two requests.
const PATIENCE: &str = "120";

/// `kmip conformance serve`.
struct Host {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Host {
    /// It ends after so many seconds without a request.
    fn start(world: &World, directory: &Path, seconds: &str, options: &[&str]) -> Self {
        let mut child = kmip()
            .args(["conformance", "serve", "--listen", "127.0.0.1:0"])
            .arg(directory)
            .args(["--timeout", seconds, "--dev-certs"])
            .arg(world.path("dev"))
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut ready = String::new();
        output.read_line(&mut ready).expect("a line");
        let address = ready.trim_end().strip_prefix("ready ").expect("an address");
        Host {
            address: address.to_owned(),
            child,
            output,
        }
    }

    /// What it prints until it ends, and its status.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("UTF-8");
        (rest, self.child.wait().expect("an end").code())
    }

    fn client<'w>(&self, world: &'w World) -> Client<'w> {
        Client {
            world,
            options: vec!["--server".to_owned(), self.address.clone()],
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What our runner prints for the cases against a host.
fn run(world: &World, host: &Host, directory: &Path, options: &[&str]) -> String {
    let client = host.client(world);
    let mut arguments = vec!["conformance", "run", directory.to_str().expect("UTF-8")];
    arguments.extend(options);
    text(&client.run(&arguments).stdout)
}

fn directory_with(world: &World, cases: &[(&str, &str)]) -> std::path::PathBuf {
    let directory = world.path("cases");
    std::fs::create_dir(&directory).expect("a directory");
    for (name, case) in cases {
        std::fs::write(directory.join(name), case).expect("a file");
    }
    directory
}

#[test]
fn a_client_that_sends_what_the_case_has_passes() {
    let world = World::new();
    let directory = directory_with(&world, &[("MY-1-12.xml", CASE)]);
    for (serve, play) in [
        (&["-v"][..], &[][..]),
        (&["-v", "--https"], &["--https"]),
        (&["-v", "--https"], &["--https", "--encoding", "json"]),
        (&["-v", "--https"], &["--https", "--encoding", "xml"]),
    ] {
        let host = Host::start(&world, &directory, PATIENCE, serve);
        let played = run(&world, &host, &directory, play);
        assert!(
            played.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
            "{played}"
        );
        let (told, code) = host.end();
        assert!(told.contains("Destroy: equal\n"), "{told}");
        assert!(
            told.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
            "{told}"
        );
        assert_eq!(code, Some(0));
    }
}

#[test]
fn wrong_requests_are_told_with_the_path() {
    let world = World::new();
    let directory = directory_with(&world, &[("MY-1-12.xml", CASE)]);
    let wrong = world.path("wrong");
    std::fs::create_dir(&wrong).expect("a directory");
    let id = r#"<UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_0"/>
    </RequestPayload>"#;
    for (from, to, expected) in [
        (
            r#"value="256""#,
            r#"value="128""#,
            "wrong value at BatchItem/RequestPayload/TemplateAttribute/Attribute[Cryptographic Length]/\
             AttributeValue: expected `256`, got `128`",
        ),
        (
            id,
            r#"<UniqueIdentifier type="TextString" value="another"/></RequestPayload>"#,
            "got `another`",
        ),
        (
            r#"<Operation type="Enumeration" value="Destroy"/>
    <RequestPayload>"#,
            r#"<Operation type="Enumeration" value="Get"/>
    <RequestPayload>"#,
            "wrong value at BatchItem/Operation: expected Destroy, got Get",
        ),
        (
            r#"<ProtocolVersionMinor type="Integer" value="2"/>"#,
            r#"<ProtocolVersionMinor type="Integer" value="1"/>"#,
            "wrong value at RequestHeader/ProtocolVersion/ProtocolVersionMinor: expected `2`, got `1`",
        ),
    ] {
        assert!(CASE.contains(from), "{from}");
        std::fs::write(wrong.join("MY-1-12.xml"), CASE.replacen(from, to, 1)).expect("a file");
        let host = Host::start(&world, &directory, "2", &[]);
        run(&world, &host, &wrong, &[]);
        let (told, code) = host.end();
        assert!(told.contains(expected), "{expected} is not in {told}");
        assert!(
            told.ends_with("\n0 passed, 1 failed, 0 skipped\n"),
            "{told}"
        );
        assert_eq!(code, Some(1));
    }
}

#[test]
fn what_may_vary_in_requests_is_no_fault() {
    let world = World::new();
    let directory = directory_with(&world, &[("MY-1-12.xml", CASE)]);
    let host = Host::start(&world, &directory, PATIENCE, &["-v"]);
    // Negotiates first, and numbers its batch items.
    let client = host.client(&world);
    let options = ["--length", "256", "--usage", "encrypt,decrypt"];
    let id = client.succeeds(&[&["create"][..], &options].concat());
    client.succeeds(&["destroy", "--yes", id.trim()]);
    let (told, code) = host.end();
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn requests_that_do_not_come_are_failures() {
    let world = World::new();
    let directory = directory_with(&world, &[("MY-1-12.xml", CASE), ("MY-2-12.xml", CASE)]);
    let host = Host::start(&world, &directory, "1", &[]);
    let (told, code) = host.end();
    assert!(
        told.contains("line 2, Create: no request: it did not come"),
        "{told}"
    );
    assert!(
        told.ends_with("\n0 passed, 2 failed, 0 skipped\n"),
        "{told}"
    );
    assert_eq!(code, Some(1));
}

/// Both sides of the same cases.
#[test]
fn the_runner_passes_the_official_cases() {
    let Some(directory) = reference("conformance/xml") else {
        return;
    };
    let world = World::new();
    for version in ["1.0", "1.2", "1.4", "2.1"] {
        let options = [
            "--version",
            version,
            "--filter",
            "SKLC",
            "--filter",
            "SKFF",
            "--filter",
            "BL-M",
        ];
        let host = Host::start(&world, &directory, PATIENCE, &options);
        let played = run(&world, &host, &directory, &options);
        assert!(
            played.contains(" passed, 0 failed, 0 skipped\n"),
            "{played}"
        );
        let (told, code) = host.end();
        assert_eq!(code, Some(0), "{told}");
        assert!(
            !told.ends_with("\n0 passed, 0 failed, 0 skipped\n"),
            "{told}"
        );
    }
}
