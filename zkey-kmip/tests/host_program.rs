//! The program `zkey-kmip` with the shared object of the plugin, as they are installed.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::host::{Outcome, Repository, finish, on_a_terminal};

/// A repository whose list of plugins has the shared object of this build.
fn installed() -> (Repository, String) {
    let repository = Repository::new();
    let list = repository.path("kms-plugins.conf");
    let plugin = common::shared_object();
    fs::write(&list, format!("# plugins\nKMIP={}\n", plugin.display())).unwrap();
    (repository, list.to_str().unwrap().to_owned())
}

fn program(repository: &Repository, list: &str, arguments: &[&str]) -> Command {
    let mut command = repository.program(arguments);
    command.env("ZKEY_KMS_PLUGINS", list);
    command
}

fn run(repository: &Repository, list: &str, arguments: &[&str], input: &str) -> Outcome {
    finish(program(repository, list, arguments).spawn().unwrap(), input)
}

#[test]
fn binds_shows_and_unbinds() {
    let (repository, list) = installed();
    let text = run(&repository, &list, &["kms", "plugins"], "").ok();
    assert!(
        text.starts_with("KMIP ") && text.contains("libzkey_kmip.so"),
        "{text}"
    );
    let text = run(&repository, &list, &["kms", "plugins", "--json"], "").ok();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json[0]["name"], "KMIP");

    run(&repository, &list, &["kms", "bind", "kmip"], "").ok();
    let mode = fs::metadata(repository.path("KMIP"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o750);
    let text = run(&repository, &list, &["kms", "info"], "").ok();
    assert!(text.starts_with("KMS-Plugin:             KMIP\n"), "{text}");
    assert!(
        text.contains("  APQNs:                (configuration required)\n"),
        "{text}"
    );
    let text = run(&repository, &list, &["kms", "info", "--json"], "").ok();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["key_types"].as_array().unwrap().len(), 3);
    let message = run(&repository, &list, &["generate", "-N", "x"], "").fails(1);
    assert!(message.contains("no APQNs"), "{message}");

    run(&repository, &list, &["kms", "unbind"], "y\n").ok();
    assert!(!repository.path("KMIP").exists() && !repository.path("kms.conf").exists());
}

#[test]
fn help_has_the_options_of_the_plugin() {
    let (repository, list) = installed();
    run(&repository, &list, &["kms", "bind", "KMIP"], "").ok();
    let help = run(&repository, &list, &["kms", "configure", "--help"], "").ok();
    for text in [
        "OPTIONS FOR THE IDENTITY KEY:",
        "-i, --gen-identity-key <KEY-SPEC>",
        "OPTIONS FOR THE CONNECTION TO THE KMIP SERVER:",
        "    --tls-pin-server-pubkey",
        "-a, --apqns",
    ] {
        assert!(help.contains(text), "{text} is missing in\n{help}");
    }
    let help = run(&repository, &list, &["remove", "-h"], "").ok();
    assert!(help.contains("-s, --state <STATE>"), "{help}");
    let help = run(&repository, &list, &["help", "kms", "configure"], "").ok();
    assert!(help.contains("--gen-identity-key"), "{help}");
    // Help is there even when the plugin is not.
    fs::write(&list, "KMIP=/nowhere/zkey-kmip.so\n").unwrap();
    let outcome = run(&repository, &list, &["kms", "configure", "--help"], "");
    assert!(
        outcome.err.contains("/nowhere/zkey-kmip.so"),
        "{}",
        outcome.err
    );
    assert!(outcome.ok().contains("--apqns"));
}

#[test]
fn usage_errors_have_their_own_exit_code() {
    let (repository, list) = installed();
    for line in [
        &[] as &[&str],
        &["kms"],
        &["frobnicate"],
        &["kms", "bind"],
        &["list", "--no-such-option"],
        &["generate", "-N"],
    ] {
        let outcome = run(&repository, &list, line, "");
        assert_eq!(outcome.code, Some(2), "{line:?} {}", outcome.err);
        assert!(
            outcome.out.is_empty() && outcome.err.contains("--help"),
            "{}",
            outcome.err
        );
    }
    for line in [&["--version"] as &[&str], &["-v"], &["kms", "--version"]] {
        let text = run(&repository, &list, line, "").ok();
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    }
    let help = run(&repository, &list, &["--help"], "").ok();
    for text in ["ZKEY_REPOSITORY", "Exit status", "KCV", "generate", "kms"] {
        assert!(help.contains(text), "{help}");
    }
}

#[test]
fn broken_surroundings_are_named() {
    let (repository, list) = installed();
    let message = run(&repository, &list, &["kms", "bind", "EKMFWeb"], "").fails(1);
    assert!(message.contains("no KMS plugin 'EKMFWeb'"), "{message}");

    fs::write(&list, "KMIP\n").unwrap();
    let message = run(&repository, &list, &["kms", "plugins"], "").fails(1);
    assert!(message.contains("kms-plugins.conf:1:"), "{message}");
    fs::write(&list, format!("KMIP={list}\n")).unwrap();
    let message = run(&repository, &list, &["kms", "bind", "KMIP"], "").fails(1);
    assert!(message.contains("cannot load the plugin"), "{message}");
    fs::write(&list, "KMIP=libc.so.6\n").unwrap();
    let message = run(&repository, &list, &["kms", "bind", "KMIP"], "").fails(1);
    assert!(message.contains("is no plugin"), "{message}");
    fs::write(&list, "KMIP=no-such-plugin.so\n").unwrap();
    let message = run(&repository, &list, &["kms", "bind", "KMIP"], "").fails(1);
    assert!(
        message.contains("cannot find the shared object"),
        "{message}"
    );
    assert!(
        !repository.path("KMIP").exists(),
        "a failed bind leaves no directory"
    );

    let message = run(&repository, "/nowhere.conf", &["kms", "plugins"], "").fails(1);
    assert!(message.contains("/nowhere.conf: No such file"), "{message}");
    fs::write(
        repository.path("kms.conf"),
        "kms=KMIP\nconfig=/x\n__hash__=00\n",
    )
    .unwrap();
    let message = run(&repository, &list, &["kms", "info"], "").fails(1);
    assert!(
        message.contains("kms.conf:3") && message.contains("hash"),
        "{message}"
    );
}

#[test]
fn repositories_that_are_not_safe_or_not_there() {
    let (repository, list) = installed();
    fs::set_permissions(repository.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    let message = run(&repository, &list, &["list"], "").fails(1);
    assert!(message.contains("writable for everybody"), "{message}");
    let mut command = program(&repository, &list, &["list"]);
    command.env("ZKEY_REPOSITORY", "/no/such/repository");
    let message = finish(command.spawn().unwrap(), "").fails(1);
    assert!(
        message.contains("/no/such/repository: No such file"),
        "{message}"
    );
}

#[test]
fn profiles_are_checked() {
    let (repository, list) = installed();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../profiles/");
    let gklm = format!("{root}IBM-GKLM.profile");
    let text = run(
        &repository,
        &list,
        &["profile", "check", &gklm, "--json"],
        "",
    )
    .ok();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json[0]["name"], "IBM-GKLM");
    assert_eq!(json[0]["wrap_padding"], "OAEP, SHA-1");
    assert_eq!(json[0]["custom_attributes"], "v1-style");
    let line = ["profile", "check", &gklm, "--server-info", "Somebody Else"];
    let message = run(&repository, &list, &line, "").fails(1);
    assert!(message.contains("is not for a server"), "{message}");

    let wrong = repository.path("wrong.profile");
    let wrong_text = wrong.to_str().unwrap();
    fs::write(
        &wrong,
        "server-regex=.*\nwrap-key-params=2048\n# =\ntranspot=TLS\nserver-regex=x\n",
    )
    .unwrap();
    let outcome = run(&repository, &list, &["profile", "check", wrong_text], "");
    for warning in [
        "wrong.profile:4: 'transpot' is no key",
        "wrong.profile:5: 'server-regex' was given before",
    ] {
        assert!(outcome.err.contains(warning), "{}", outcome.err);
    }
    outcome.ok();
    // All that is wrong, in one go.
    let text = "# mine\nserver-regex=(\nkmip-version=new\n\nencoding=JSON\nbatch-size=0\n";
    fs::write(&wrong, text).unwrap();
    let message = run(&repository, &list, &["profile", "check", wrong_text], "").fails(1);
    for error in [
        "wrong.profile:2: server-regex=(",
        "wrong.profile:3: kmip-version=new",
        "wrong.profile:5: encoding=JSON",
        "wrong.profile:6: batch-size=0",
        "`wrap-key-params=...` is missing",
    ] {
        assert!(message.contains(error), "{error}: {message}");
    }
    fs::write(&wrong, "server-regex=.*\nnonsense\n").unwrap();
    let message = run(&repository, &list, &["profile", "check", wrong_text], "").fails(1);
    assert!(
        message.contains("wrong.profile:2: `=` is missing"),
        "{message}"
    );
}

#[test]
fn closed_pipe_is_no_error() {
    let (repository, list) = installed();
    let mut child = program(&repository, &list, &["kms", "plugins"])
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let outcome = finish(child, "");
    assert_eq!((outcome.code, outcome.err.as_str()), (Some(0), ""));
}

#[test]
fn a_master_key_that_has_no_place_is_told_with_what_to_do() {
    let (repository, list) = installed();
    run(&repository, &list, &["kms", "bind", "KMIP"], "").ok();
    let line = ["kms", "configure", "-a", "3.39", "-i", "ECC:prime256v1"];
    let mut command = program(&repository, &list, &line);
    command.env("ZKEY_KMIP_SOFTWARE_MASTER_KEY", repository.path("none/key"));
    let message = finish(command.spawn().unwrap(), "").fails(1);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "none/key",
        "does not exist",
        "ZKEY_KMIP_SOFTWARE_MASTER_KEY",
    ] {
        assert!(message.contains(text), "{message}");
    }
}

/// What a host that fails writes to a terminal.
fn failure_on_a_terminal(no_color: &str) -> String {
    let (repository, list) = installed();
    let mut command = program(&repository, &list, &["kms", "info"]);
    command.env("NO_COLOR", no_color);
    let (outcome, text) = on_a_terminal(command);
    outcome.fails(1);
    text
}

#[test]
fn colours_on_a_terminal_unless_refused() {
    let colored = failure_on_a_terminal("");
    assert!(colored.contains("\x1b[1;31merror:\x1b[0m"), "{colored:?}");
    let plain = failure_on_a_terminal("1");
    assert!(
        plain.contains("error: ") && !plain.contains('\x1b'),
        "{plain:?}"
    );
}

#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let (repository, list) = installed();
    let lock = repository.path(".lock");
    let elsewhere = repository.path("elsewhere");
    for exists in [false, true] {
        let _ = fs::remove_file(&lock);
        std::os::unix::fs::symlink(&elsewhere, &lock).unwrap();
        if exists {
            fs::write(&elsewhere, "untouched").unwrap();
        }
        run(&repository, &list, &["list"], "").fails(1);
        assert_eq!(elsewhere.exists(), exists);
    }
    fs::remove_file(&lock).unwrap();
    run(&repository, &list, &["list"], "").ok();
}
