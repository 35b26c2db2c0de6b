//! zkey's properties files: what is written can be read back, what is damaged is told.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use openssl::sha::sha256;
use zkey_kmip::properties::{Integrity, LineProblem, MAX_LINE, Properties, PropertiesError};

fn sample() -> Properties {
    let mut properties = Properties::new();
    for (name, value) in [
        ("kms", "KMIP"),
        ("apqns", "03.0039,04.0039"),
        ("empty", ""),
        ("text", " a=b # c "),
    ] {
        properties.set(name, value).unwrap();
    }
    properties
}

fn hash_of(concatenation: &str) -> String {
    sha256(concatenation.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn parse(content: &[u8], integrity: Integrity) -> Result<Properties, PropertiesError> {
    Properties::parse(content, Path::new("dir/x.conf"), integrity)
}

#[test]
fn the_file_is_the_one_that_zkey_writes() {
    let hash = hash_of("kmsKMIPapqns03.0039,04.0039emptytext a=b # c ");
    let expected =
        format!("kms=KMIP\napqns=03.0039,04.0039\nempty=\ntext= a=b # c \n__hash__={hash}\n");
    assert_eq!(
        String::from_utf8(sample().to_bytes(Integrity::Hashed)).unwrap(),
        expected
    );
    assert_eq!(
        parse(expected.as_bytes(), Integrity::Hashed).unwrap(),
        sample()
    );
}

#[test]
fn comments_and_empty_lines_are_skipped_and_the_last_of_a_name_wins() {
    let hash = hash_of("a1b2a3");
    let content = format!("# comment\na=1\n\nb=2\n#x=y\na=3\n__hash__={hash}");
    let properties = parse(content.as_bytes(), Integrity::Hashed).unwrap();
    assert_eq!(
        properties.iter().collect::<Vec<_>>(),
        [("a", "3"), ("b", "2")]
    );
    // Written again, each name counts once.
    let again = properties.to_bytes(Integrity::Hashed);
    assert!(
        String::from_utf8(again)
            .unwrap()
            .ends_with(&format!("={}\n", hash_of("a3b2")))
    );
}

#[test]
fn damage_is_told_with_file_and_line() {
    let good = sample().to_bytes(Integrity::Hashed);
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 0x01;
        let Ok(properties) = parse(&flipped, Integrity::Hashed) else {
            continue;
        };
        // Only the notation of the hash itself may differ, not what it covers.
        assert_eq!(properties, sample(), "byte {at}");
    }
    for length in 0..good.len() - 1 {
        let error = parse(&good[..length], Integrity::Hashed).unwrap_err();
        assert!(
            error.to_string().starts_with("dir/x.conf"),
            "{length}: {error}"
        );
    }
    let error = parse(b"a=1\nno equals sign\n", Integrity::Plain).unwrap_err();
    assert!(error.to_string().starts_with("dir/x.conf:2: "), "{error}");
    for (content, expected) in [
        (&b"\0a=1\n"[..], LineProblem::Nul),
        (b"a=1\0\n", LineProblem::Nul),
        (b"=1\n", LineProblem::NoName),
        (b"\xff=1\n", LineProblem::NameNotUtf8),
    ] {
        let error = parse(content, Integrity::Plain).unwrap_err();
        assert!(
            matches!(&error, PropertiesError::Syntax { line: 1, problem, .. } if *problem == expected),
            "{error}"
        );
    }
}

#[test]
fn what_the_c_programs_could_not_read_is_refused() {
    let mut properties = sample();
    let long = "v".repeat(MAX_LINE - "name=".len());
    properties.set("name", &long).unwrap();
    for (name, value, expected) in [
        ("", "v", LineProblem::NoName),
        ("a=b", "v", LineProblem::BadName),
        ("#a", "v", LineProblem::BadName),
        ("a", "two\nlines", LineProblem::LineEnd),
        ("a", "nul\0", LineProblem::Nul),
        ("__hash__", "v", LineProblem::ReservedName),
        ("names", &long, LineProblem::TooLong),
    ] {
        let before = properties.clone();
        let error = properties.set(name, value).unwrap_err();
        assert!(
            matches!(&error, PropertiesError::Unstorable { problem, .. } if *problem == expected),
            "{error}"
        );
        assert_eq!(properties, before);
    }
}

#[test]
fn long_lines_are_read_in_one_piece() {
    let value = "x".repeat(3 * MAX_LINE);
    let content = format!(
        "long={value}\n__hash__={}\n",
        hash_of(&format!("long{value}"))
    );
    let properties = parse(content.as_bytes(), Integrity::Hashed).unwrap();
    assert_eq!(properties.get("long"), Some(value.as_str()));
}

#[test]
fn bytes_that_are_not_utf8_survive() {
    let name = OsStr::from_bytes(b"/tmp/caf\xe9");
    let mut properties = Properties::new();
    properties.set_os("ca-bundle", name).unwrap();
    let again = parse(&properties.to_bytes(Integrity::Hashed), Integrity::Hashed).unwrap();
    assert_eq!(again.get_os("ca-bundle"), Some(name));
    assert_eq!(again.get("ca-bundle"), Some("/tmp/caf\u{fffd}"));
}

#[test]
fn changes_keep_the_order() {
    let mut properties = sample();
    properties.set("kms", "other").unwrap();
    assert!(properties.remove("empty"));
    assert!(!properties.remove("empty"));
    properties.set("empty", "again").unwrap();
    let names: Vec<_> = properties.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["kms", "apqns", "text", "empty"]);
    assert_eq!(properties.get("kms"), Some("other"));
}

#[test]
fn saving_replaces_the_file_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let path = directory.path().join("kmip.conf");
    let error = Properties::load(&path, Integrity::Hashed).unwrap_err();
    assert!(error.is_not_found());
    sample().save(&path, Integrity::Hashed).unwrap();
    // A second name for the old content shows that it was not overwritten in place.
    let link = directory.path().join("link");
    fs::hard_link(&path, &link).unwrap();
    let mut changed = sample();
    changed.set("kms", "changed").unwrap();
    changed.save(&path, Integrity::Hashed).unwrap();
    assert_eq!(
        Properties::load(&link, Integrity::Hashed).unwrap(),
        sample()
    );
    assert_eq!(Properties::load(&path, Integrity::Hashed).unwrap(), changed);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    // The file and the second name, but no temporary file.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn a_directory_that_is_not_there_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gone/kmip.conf");
    let error = sample().save(&path, Integrity::Hashed).unwrap_err();
    assert!(error.to_string().contains("gone/kmip.conf"), "{error}");
    // A directory in its place cannot be read either.
    let error = Properties::load(directory.path(), Integrity::Hashed).unwrap_err();
    assert!(!error.is_not_found(), "{error}");
}

#[test]
fn only_regular_files_of_some_size_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RWXU).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("endless")).unwrap();
    std::fs::create_dir(path("directory")).unwrap();
    std::fs::write(path("large"), vec![b'#'; (1 << 20) + 1]).unwrap();
    for (name, problem) in [
        ("pipe", "no regular file"),
        ("endless", "no regular file"),
        ("directory", "no regular file"),
        ("large", "too many"),
    ] {
        // At once: nobody writes into the pipe.
        let error = Properties::load(&path(name), Integrity::Plain).unwrap_err();
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(text.contains(problem) && text.contains(name), "{text}");
    }
    std::fs::write(
        path("whole"),
        format!("a=b\n#{}", "x".repeat((1 << 20) - 5)),
    )
    .unwrap();
    let whole = Properties::load(&path("whole"), Integrity::Plain).unwrap();
    assert_eq!(whole.get("a"), Some("b"));
}
