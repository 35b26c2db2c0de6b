//! What `make install` puts where, and the completion for bash.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{program, shared_object};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `make install` and returns what it says on standard error.
fn install(destination: &Path, variables: &[&str]) -> String {
    let output = Command::new("make")
        .arg("-s")
        .arg("-C")
        .arg(root())
        .arg("install")
        .arg(format!("DESTDIR={}", destination.display()))
        .arg(format!("PLUGIN_FILE={}", shared_object().display()))
        .arg(format!("PROGRAM_FILE={}", program().display()))
        .args(variables)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

fn mode(path: PathBuf) -> u32 {
    fs::metadata(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o7777
}

#[test]
fn files_have_the_places_and_modes_of_s390_tools() {
    let destination = tempfile::tempdir().unwrap();
    let path = |name: &str| destination.path().join(name);
    install(destination.path(), &[]);
    assert_eq!(mode(path("usr/lib64/zkey/zkey-kmip.so")), 0o755);
    assert_eq!(mode(path("usr/bin/zkey-kmip")), 0o755);
    assert_eq!(mode(path("usr/share/man/man1/zkey-kmip.1")), 0o644);
    assert_eq!(
        mode(path("usr/share/bash-completion/completions/zkey-kmip")),
        0o644
    );
    assert_eq!(mode(path("etc/zkey/kmip/profiles")), 0o770);
    assert_eq!(mode(path("etc/zkey/kmip/profiles/default.profile")), 0o644);
    let list = path("etc/zkey/kms-plugins.conf");
    assert_eq!(fs::read_to_string(&list).unwrap(), "KMIP=zkey-kmip.so\n");

    // Again: what was changed stays.
    let profile = path("etc/zkey/kmip/profiles/default.profile");
    fs::write(&profile, "mine\n").unwrap();
    fs::write(&list, "EKMFWeb=zkey-ekmfweb.so").unwrap();
    let told = install(destination.path(), &[]);
    assert!(told.contains("default.profile"), "{told}");
    assert_eq!(fs::read_to_string(&profile).unwrap(), "mine\n");
    let both = "EKMFWeb=zkey-ekmfweb.so\nKMIP=zkey-kmip.so\n";
    assert_eq!(fs::read_to_string(&list).unwrap(), both);
    install(destination.path(), &[]);
    assert_eq!(fs::read_to_string(&list).unwrap(), both);
}

#[test]
fn places_can_be_others() {
    let destination = tempfile::tempdir().unwrap();
    let path = |name: &str| destination.path().join(name);
    install(
        destination.path(),
        &[
            "ZKEYKMSPLUGINDIR=/plugins",
            "USRBINDIR=/programs",
            "MANDIR=/pages",
            "PLUGIN_NAME=zkey-kmip-rs.so",
            "CONFIGURE=no",
        ],
    );
    for name in [
        "plugins/zkey-kmip-rs.so",
        "programs/zkey-kmip",
        "pages/man1/zkey-kmip.1",
        "usr/share/zkey-kmip/profiles/IBM-GKLM.profile",
        "usr/share/zkey-kmip/configure.sh",
    ] {
        assert!(path(name).is_file(), "{name}");
    }
    assert!(!path("etc").exists());
}

#[test]
fn the_manual_page_tells_of_all_options() {
    let page = fs::read_to_string(root().join("packaging/zkey-kmip.1")).unwrap();
    let page = page.replace('\\', "");
    let plugin = zkey_kmip::abi::load::LoadedPlugin::open(&shared_object()).unwrap();
    for command in zkey_kmip::abi::PluginCommand::ALL {
        for option in plugin.command_options(command, 40) {
            if let zkey_kmip::abi::load::PluginOption::Value { long, .. } = option {
                let long = format!("--{}", long.unwrap());
                assert!(page.contains(&long), "{long}");
            }
        }
    }
}

/// What bash offers behind each of these lines of words, with this repository.
fn complete_all(repository: &Path, lines: &[Vec<&str>]) -> Vec<Vec<String>> {
    let script = root().join("packaging/zkey-kmip.bash");
    // The program may be for another architecture.
    let runner = test_support::runner().join(" ");
    let mut commands = format!(
        ". '{}'; zkey-kmip() {{ {runner} '{}' \"$@\"; }}\n",
        script.display(),
        program().display()
    );
    for words in lines {
        let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        commands += &format!(
            "COMP_WORDS=(zkey-kmip {}); COMP_CWORD={}; _zkey_kmip\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"; echo ===\n",
            quoted.join(" "),
            words.len()
        );
    }
    let list = repository.join("kms-plugins.conf");
    fs::write(&list, format!("KMIP={}\n", shared_object().display())).unwrap();
    let output = Command::new("bash")
        .args(["--norc", "-c", &commands])
        .env("ZKEY_REPOSITORY", repository)
        .env("ZKEY_KMS_PLUGINS", list)
        .env("ZKEY_KMIP_PROFILES", root().join("profiles"))
        .env("ZKEY_KMIP_BACKEND", "software")
        .env("SYSFS_ROOT", repository)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.split("===\n").take(lines.len());
    let offered = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    lines.map(offered).collect()
}

/// What bash offers behind these words.
fn complete(words: &[&str]) -> Vec<String> {
    let repository = tempfile::tempdir().unwrap();
    fs::write(repository.path().join("disk1.info"), "").unwrap();
    complete_all(repository.path(), &[words.to_vec()]).remove(0)
}

#[test]
fn bash_completes_all_there_is() {
    let repository = tempfile::tempdir().unwrap();
    let mut bound = test_support::command(program());
    bound
        .args(["kms", "bind", "KMIP"])
        .env("ZKEY_REPOSITORY", repository.path())
        .env(
            "ZKEY_KMS_PLUGINS",
            repository.path().join("kms-plugins.conf"),
        )
        .env("SYSFS_ROOT", repository.path());
    let list = format!("KMIP={}\n", shared_object().display());
    fs::write(repository.path().join("kms-plugins.conf"), list).unwrap();
    assert!(bound.output().unwrap().status.success());
    let commands = zkey_kmip::host::commands();
    assert_eq!(commands.len(), 20 + 3, "commands and groups");
    let plugin = zkey_kmip::abi::load::LoadedPlugin::open(&shared_object()).unwrap();
    let of_plugin = |words: &[String]| -> Vec<String> {
        let command = match words.join(" ").as_str() {
            "kms configure" => zkey_kmip::abi::PluginCommand::Configure,
            "kms import" => zkey_kmip::abi::PluginCommand::ListImport,
            "generate" => zkey_kmip::abi::PluginCommand::Generate,
            "remove" => zkey_kmip::abi::PluginCommand::Remove,
            _ => return Vec::new(),
        };
        let options = plugin.command_options(command, 40);
        let long = options.into_iter().filter_map(|option| match option {
            zkey_kmip::abi::load::PluginOption::Value { long, .. } => long,
            zkey_kmip::abi::load::PluginOption::Section(_) => None,
        });
        long.map(|long| format!("--{long}")).collect()
    };
    let mut lines = Vec::new();
    for (words, _) in &commands {
        let mut line: Vec<_> = words.iter().map(String::as_str).collect();
        line.push("--");
        lines.push(line);
    }
    for (words, _) in &commands {
        lines.push(words.iter().map(String::as_str).collect());
    }
    let offered = complete_all(repository.path(), &lines);
    let (options, names) = offered.split_at(commands.len());
    for ((words, own), offered) in commands.iter().zip(options) {
        let mut expected = [own.clone(), of_plugin(words)].concat();
        expected.sort();
        expected.dedup();
        let mut offered = offered.clone();
        offered.sort();
        offered.dedup();
        assert_eq!(offered, expected, "{words:?}");
    }
    for ((words, _), offered) in commands.iter().zip(names) {
        let name = words.last().unwrap();
        assert!(offered.contains(name), "{words:?}: {offered:?}");
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(complete(&["gen"]), ["generate"]);
    assert_eq!(complete(&["kms", "conf"]), ["configure"]);
    assert!(complete(&["kms", ""]).contains(&"reencipher".to_owned()));
    assert!(complete(&["generate", "--vol"]).contains(&"--volumes".to_owned()));
    assert_eq!(complete(&["remove", "--state", "COMP"]), ["COMPROMISED"]);
    assert_eq!(complete(&["remove", "--name", "d"]), ["disk1"]);
    assert_eq!(
        complete(&["kms", "configure", "--profile", "IBM-GK"]),
        ["IBM-GKLM"]
    );
}
