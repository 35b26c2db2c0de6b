//! Profiles: those that are shipped, the choice among them, and what happens to bad ones.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zkey_kmip::profile::{
    CustomAttributeScheme, Encoding, Profile, ProfileDirectory, ProfileError, Transport,
    VersionChoice, WrapKeyFormat,
};
use zkey_kmip::secure_key::{DigestAlgorithm, WrapPadding};

fn shipped() -> ProfileDirectory {
    ProfileDirectory::at(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../profiles"))
}

fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, ProfileDirectory) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    let profiles = ProfileDirectory::at(directory.path());
    (directory, profiles)
}

fn load(content: &str) -> Result<Profile, ProfileError> {
    let (_directory, profiles) = directory(&[("x.profile", content)]);
    profiles.named("x")
}

const MINIMAL: &str = "server-regex=.*\nwrap-key-params=2048\n";

#[test]
fn servers_find_their_shipped_profiles() {
    let fixed = VersionChoice::Fixed { major: 2, minor: 1 };
    for (server, name, version) in [
        (
            "SKLM 4.1.0.1 KMIP 2.0 BUILD 1 KMIP_SSL_TIMEOUT 5",
            "IBM-GKLM",
            fixed,
        ),
        ("GKLM 4.2.1", "IBM-GKLM", fixed),
        ("GKLM 4.10.0.0 KMIP 2.1", "IBM-GKLM", fixed),
        ("GKLM 5.0.0", "IBM-GKLM", fixed),
        ("GKLM 6.1.0", "IBM-GKLM", fixed),
        ("GKLM 8.0", "IBM-GKLM", fixed),
        ("GKLM 10.2", "IBM-GKLM", fixed),
        ("SKLM 4.0.0", "default", VersionChoice::Auto),
        ("SKLM 3.1.0", "default", VersionChoice::Auto),
        ("GKLM .. x", "default", VersionChoice::Auto),
        ("Vormetric DSM", "IBM-GDE", fixed),
        ("cosmian", "Cosmian-KMS", fixed),
        (
            "PyKMIP 0.11.0 Software Server",
            "PyKMIP",
            VersionChoice::Auto,
        ),
        (
            "HashiCorp Vault",
            "HashiCorp-Vault",
            VersionChoice::Fixed { major: 1, minor: 4 },
        ),
        (
            "CipherTrust Manager 2.15",
            "Thales-CipherTrust",
            VersionChoice::Auto,
        ),
        ("Fortanix DSM", "Fortanix-DSM", VersionChoice::Auto),
        ("Someone Else", "default", VersionChoice::Auto),
        ("", "default", VersionChoice::Auto),
    ] {
        let selection = shipped().matching(server).unwrap();
        assert_eq!(selection.profile.name, name, "{server}");
        assert_eq!(selection.profile.kmip_version, version, "{server}");
        assert!(selection.skipped.is_empty());
    }
}

#[test]
fn each_value_of_a_shipped_profile_has_its_reason() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../profiles");
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let problems = Profile::problems(&path).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        // A comment stands before each block of values.
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split("\n\n") {
            assert!(block.starts_with('#'), "{}: {block}", path.display());
        }
        assert!(text.lines().all(|line| line.trim_end() == line));
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn shipped_values_are_those_of_the_c_plugin() {
    let default = shipped().named("default").unwrap();
    assert_eq!(default.wrap_padding, WrapPadding::Pkcs1V15);
    assert_eq!(default.wrap_key_bits, 2048);
    assert!(!default.supports_link && !default.supports_sensitive);
    assert!(!default.check_always_sensitive && default.check_server_capabilities);
    for (name, description) in [("IBM-GKLM", false), ("IBM-GDE", true)] {
        let profile = shipped().named(name).unwrap();
        assert_eq!(
            profile.wrap_padding,
            WrapPadding::Oaep(DigestAlgorithm::Sha1)
        );
        assert_eq!(profile.wrap_key_bits, 4096);
        assert_eq!(profile.wrap_key_format, WrapKeyFormat::Pkcs1);
        assert_eq!(profile.supports_description, description);
        assert_eq!(profile.supports_comment, description);
        assert!(profile.supports_link && profile.check_always_sensitive);
        assert_eq!(
            profile.custom_attribute_scheme,
            CustomAttributeScheme::V1Style
        );
    }
}

#[test]
fn without_a_directory_there_is_the_built_in_default() {
    let profiles = ProfileDirectory::at("/nonexistent/profiles");
    let profile = profiles.matching("GKLM 5.0").unwrap().profile;
    assert_eq!((profile.name.as_str(), profile.path), ("default", None));
    assert!(profiles.named("IBM-GKLM").is_err());
    // In a directory without it, somebody removed it.
    let (_directory, profiles) = directory(&[]);
    assert!(matches!(
        profiles.fallback(),
        Err(ProfileError::NotFound { .. })
    ));
}

#[test]
fn defaults_are_those_of_the_c_plugin() {
    let profile = load(MINIMAL).unwrap();
    assert_eq!(profile.kmip_version, VersionChoice::Auto);
    assert_eq!(profile.transport, Transport::Tls);
    assert_eq!(profile.encoding, Encoding::Ttlv);
    assert_eq!(profile.https_uri, "/kmip");
    assert_eq!(profile.wrap_padding, WrapPadding::Pkcs1V15);
    assert!(!profile.supports_description && !profile.supports_comment);
}

#[test]
fn every_value_is_understood() {
    let profile = load(
        "server-regex=x\nkmip-version=1.4\ntransport=https\nencoding=json\nhttps-uri=/a/b\n\
         auth-scheme=tlsclientcert\nwrap-key-algorithm=rsa\nwrap-key-params=3072\n\
         wrap-key-format=transparentpublickey\nwrap-padding-method=oaep\n\
         wrap-hashing-algorithm=sha-256\nsupports-link-attr=true\n\
         supports-description-attr=True\nsupports-comment-attr=TRUE\n\
         custom-attr-scheme=V2-STYLE\nsupports-sensitive-attr=true\n\
         check-always-sensitive-attr=true\ncheck-server-capabilities=false\nunknown-key=1\n",
    )
    .unwrap();
    assert_eq!(
        profile.kmip_version,
        VersionChoice::Fixed { major: 1, minor: 4 }
    );
    assert_eq!(profile.transport, Transport::Https);
    assert_eq!(profile.encoding, Encoding::Json);
    assert_eq!(profile.https_uri, "/a/b");
    assert_eq!(profile.wrap_key_bits, 3072);
    assert_eq!(profile.wrap_key_format, WrapKeyFormat::TransparentPublicKey);
    assert_eq!(
        profile.wrap_padding,
        WrapPadding::Oaep(DigestAlgorithm::Sha256)
    );
    assert_eq!(
        profile.custom_attribute_scheme,
        CustomAttributeScheme::V2Style
    );
    assert!(profile.supports_link && profile.supports_description && profile.supports_comment);
    assert!(profile.supports_sensitive && profile.check_always_sensitive);
    assert!(!profile.check_server_capabilities);
}

#[test]
fn always_sensitive_needs_sensitive() {
    let profile = load(&format!("{MINIMAL}check-always-sensitive-attr=TRUE\n")).unwrap();
    assert!(!profile.check_always_sensitive);
}

#[test]
fn wrong_values_are_told_with_file_key_and_value() {
    for (line, named) in [
        ("kmip-version=two", "kmip-version=two"),
        ("kmip-version=0.9", "kmip-version=0.9"),
        ("transport=TSL", "transport=TSL"),
        ("encoding=JSON", "encoding=JSON"),
        ("encoding=TTLV ", "without blanks"),
        ("auth-scheme=Password", "auth-scheme=Password"),
        ("wrap-key-algorithm=EC", "wrap-key-algorithm=EC"),
        ("wrap-key-params=0", "wrap-key-params=0"),
        ("wrap-key-params=-1", "wrap-key-params=-1"),
        ("wrap-key-format=PKCS7", "wrap-key-format=PKCS7"),
        ("wrap-padding-method=none", "wrap-padding-method=none"),
        ("supports-link-attr=yes", "supports-link-attr=yes"),
        ("custom-attr-scheme=v3", "custom-attr-scheme=v3"),
        ("server-regex=(", "server-regex=("),
        ("no equals sign", "x.profile:3"),
        (
            "wrap-padding-method=OAEP\nwrap-hashing-algorithm=MD5",
            "wrap-hashing-algorithm=MD5",
        ),
        ("transport=HTTPS\nhttps-uri=kmip", "https-uri=kmip"),
    ] {
        let text = format!("{MINIMAL}{line}\n");
        let error = load(&text).unwrap_err().to_string();
        let number = match line {
            "server-regex=(" => 3,
            line => 2 + line.lines().count(),
        };
        assert!(error.contains(&format!("x.profile:{number}: ")), "{error}");
        assert!(
            error.contains(named) && error.contains("x.profile"),
            "{error}"
        );
    }
    for missing in ["server-regex=.*\n", "wrap-key-params=2048\n"] {
        let error = load(missing).unwrap_err();
        assert!(matches!(error, ProfileError::Missing { .. }), "{error}");
    }
}

#[test]
fn one_bad_profile_does_not_disturb_the_others() {
    let (root, profiles) = directory(&[
        ("a-bad.profile", "server-regex=(\nwrap-key-params=2048\n"),
        ("b-binary.profile", "\0\u{1}\u{2}"),
        (
            "c-good.profile",
            "server-regex=Good\nwrap-key-params=2048\n",
        ),
        (
            "d-good-too.profile",
            "server-regex=Good\nwrap-key-params=4096\n",
        ),
        ("default.profile", MINIMAL),
        ("notes.txt", "not a profile"),
        (".profile", MINIMAL),
    ]);
    fs::create_dir(root.path().join("b-directory.profile")).unwrap();
    symlink("nowhere", root.path().join("b-dangling.profile")).unwrap();
    symlink("c-good.profile", root.path().join("0-link.profile")).unwrap();
    let selection = profiles.matching("A Good Server").unwrap();
    assert_eq!(selection.profile.name, "0-link");
    fs::remove_file(root.path().join("0-link.profile")).unwrap();
    let selection = profiles.matching("A Good Server").unwrap();
    assert_eq!(selection.profile.name, "c-good");
    assert_eq!(selection.skipped.len(), 2, "{:?}", selection.skipped);
    assert_eq!(profiles.matching("other").unwrap().profile.name, "default");
}

#[test]
fn names_with_dots_stay_whole_and_cut_ones_are_found() {
    let (_root, profiles) = directory(&[
        (
            "my.corp.profile",
            "server-regex=Corp\nwrap-key-params=2048\n",
        ),
        ("two.a.profile", MINIMAL),
        ("two.b.profile", MINIMAL),
        ("default.profile", MINIMAL),
    ]);
    assert_eq!(profiles.matching("Corp").unwrap().profile.name, "my.corp");
    assert_eq!(profiles.named("my.corp").unwrap().name, "my.corp");
    // As the C plugin wrote it into kmip.conf.
    assert_eq!(profiles.named("my").unwrap().name, "my.corp");
    assert!(matches!(
        profiles.named("two"),
        Err(ProfileError::NotFound { .. })
    ));
}

#[test]
fn names_lead_nowhere_else() {
    let (root, _) = directory(&[("secret.profile", MINIMAL)]);
    let inner = root.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let profiles = ProfileDirectory::at(&inner);
    let absolute = root.path().join("secret");
    for name in [
        "../secret",
        "",
        "..",
        ".",
        "a/../../secret",
        absolute.to_str().unwrap(),
    ] {
        let error = profiles.named(name).unwrap_err();
        assert!(matches!(error, ProfileError::Name(_)), "{name}: {error}");
    }
    assert!(Path::new(&absolute.with_extension("profile")).exists());
}

#[test]
fn values_beyond_the_c_plugin() {
    let profile = load(MINIMAL).unwrap();
    assert_eq!(profile.server_traits, None);
    assert_eq!(profile.batch_size, 50);
    assert!(profile.failover_servers.is_empty() && profile.connect_timeout.is_none());
    let text = "server-traits=no-batches, Default-Key-Format\nfailover-servers=b:1, [::1]\n\
                connect-timeout=7\nresponse-timeout=3600\nbatch-size=1\n";
    let profile = load(&format!("{MINIMAL}{text}")).unwrap();
    let traits = profile.server_traits.unwrap();
    assert_eq!(traits.to_string(), "default-key-format,no-batches");
    let servers: Vec<_> = profile
        .failover_servers
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(servers, ["b:1", "[::1]:5696"]);
    assert_eq!(profile.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!(profile.response_timeout, Some(Duration::from_secs(3600)));
    assert_eq!(profile.batch_size, 1);
    let oaep = "wrap-padding-method=OAEP\nwrap-hashing-algorithm=SHA-256\n";
    for (name, digest) in [
        ("SHA-1", DigestAlgorithm::Sha1),
        ("sha-384", DigestAlgorithm::Sha384),
        ("SHA-512", DigestAlgorithm::Sha512),
    ] {
        let text = format!("{MINIMAL}{oaep}wrap-oaep-hashing-algorithm={name}\n");
        assert_eq!(load(&text).unwrap().wrap_padding, WrapPadding::Oaep(digest));
    }
    for wrong in [
        "server-traits=fast",
        "server-traits=",
        "failover-servers=b:x",
        "connect-timeout=0",
        "response-timeout=1s",
        "batch-size=1001",
        "batch-size=-1",
        "wrap-padding-method=OAEP\nwrap-oaep-hashing-algorithm=SHA-3",
        // The C plugin would stop at it.
        "wrap-padding-method=OAEP\nwrap-hashing-algorithm=SHA-512",
    ] {
        let error = load(&format!("{MINIMAL}{wrong}\n")).unwrap_err();
        let (key, _) = wrong.lines().last().unwrap().split_once('=').unwrap();
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn an_unknown_profile_is_told_with_those_that_there_are() {
    let (_directory, profiles) = directory(&[("one.profile", MINIMAL), ("two.profile", MINIMAL)]);
    let error = profiles.named("three").unwrap_err().to_string();
    assert!(
        error.contains("`three`") && error.ends_with("one, two"),
        "{error}"
    );
}
