//! The host's own options of each command: zkey's names and letters.

use clap::{Arg, ArgAction};

use super::verbs::Verb;

/// The arguments of a command, without those of the plugin.
pub(super) fn of(verb: Verb) -> Vec<Arg> {
    let mut arguments = own(verb);
    arguments.push(json());
    arguments
}

fn own(verb: Verb) -> Vec<Arg> {
    match verb {
        Verb::KmsPlugins => Vec::new(),
        Verb::KmsBind => {
            vec![positional("plugin", "KMS-PLUGIN", "Name of the plugin").required(true)]
        }
        Verb::KmsUnbind => Vec::new(),
        Verb::KmsInfo => Vec::new(),
        Verb::KmsConfigure => {
            vec![value(
            "apqns",
            'a',
            "[+|-]CARD.DOMAIN[,...]",
            "APQNs of the cryptographic adapters for the plugin and its keys, in hexadecimal. \
             A leading '+' adds to the current list, a leading '-' removes from it",
        )
        .allow_hyphen_values(true)]
        }
        Verb::KmsReencipher => reencipher(),
        Verb::KmsList => kms_filter(),
        Verb::KmsImport => [
            kms_filter(),
            vec![
                flag(
                    "batch-mode",
                    'q',
                    "Skip keys whose name is taken, without asking for another",
                ),
                no_volume_check(),
            ],
        ]
        .concat(),
        Verb::KmsRefresh => [
            vec![
                name_filter(),
                volume_filter(),
                volume_type(),
                key_type_filter(),
            ],
            vec![
                flag(
                    "refresh-properties",
                    'P',
                    "Take description, volumes, volume type and sector size from the KMS too",
                ),
                no_volume_check(),
            ],
        ]
        .concat(),
        Verb::Generate => generate(),
        Verb::List => key_filter(),
        Verb::Validate => [
            key_filter(),
            vec![
                no_apqn_check(),
                long_flag(
                    "check-kms",
                    "Ask the KMS whether each bound key is still there and usable",
                ),
            ],
        ]
        .concat(),
        Verb::ProfileCheck => vec![
            positional("file", "FILE", "The file, named <PROFILE>.profile")
                .value_parser(clap::value_parser!(std::ffi::OsString))
                .required(true),
            long_value(
                "server-info",
                "TEXT",
                "Tell whether the profile is for a server with this vendor identification",
            ),
        ],
        Verb::Selftest => vec![
            value(
                "apqns",
                'a',
                "CARD.DOMAIN[,...]",
                "APQNs of the adapters to try, in hexadecimal, all of one type",
            )
            .required(true),
        ],
        Verb::MasterKeyLoad | Verb::MasterKeySet | Verb::MasterKeyShow => Vec::new(),
        Verb::Change => change(),
        Verb::Rename => vec![
            name(),
            value("new-name", 'w', "NEW-NAME", "New name of the key").required(true),
        ],
        Verb::Remove => vec![name(), flag("force", 'F', "Do not ask for confirmation")],
    }
}

fn reencipher() -> Vec<Arg> {
    vec![
        flag("to-new", 'n', "From the CURRENT to the NEW master key"),
        flag("from-old", 'o', "From the OLD to the CURRENT master key"),
        flag("in-place", 'i', "Replace the keys at once"),
        flag(
            "staged",
            's',
            "Keep the new keys beside the old ones until --complete",
        )
        .conflicts_with("in-place"),
        flag(
            "complete",
            'p',
            "Replace the keys by those of an earlier --staged",
        )
        .conflicts_with_all(["in-place", "staged"]),
    ]
}

fn generate() -> Vec<Arg> {
    vec![
        value("name", 'N', "NAME", "Name of the key in the repository").required(true),
        flag("xts", 'x', "Generate a pair of keys for cipher mode XTS"),
        value(
            "keybits",
            'k',
            "SIZE",
            "Size of the clear key in bits: 128, 192 or 256; 128 or 256 with --xts. The default is 256",
        ),
        value(
            "key-type",
            'K',
            "TYPE",
            "Type of the secure key: CCA-AESDATA, CCA-AESCIPHER or EP11-AES. The default is the first one that the plugin supports",
        ),
        value("description", 'd', "DESCRIPTION", "Description of the key"),
        value(
            "volumes",
            'l',
            "VOLUME:DMNAME[,...]",
            "Volumes that the key is for, with their dm-crypt names",
        ),
        value(
            "volume-type",
            't',
            "TYPE",
            "PLAIN or LUKS2, which is the default",
        ),
        value(
            "sector-size",
            'S',
            "BYTES",
            "Sector size of the volumes: 512, 1024, 2048 or 4096. The default is the system's",
        ),
        long_flag(
            "gen-dummy-passphrase",
            "Generate a dummy passphrase for LUKS2",
        ),
        long_value(
            "set-dummy-passphrase",
            "PASSPHRASE-FILE",
            "Take the dummy passphrase for LUKS2 from this file",
        )
        .conflicts_with("gen-dummy-passphrase"),
        flag(
            "local",
            'L',
            "Generate a local key: not possible with this program",
        ),
        value(
            "apqns",
            'a',
            "CARD.DOMAIN[,...]",
            "Only for local keys: a KMS-bound one has the APQNs of the plugin",
        ),
        value("clearkey", 'c', "CLEAR-KEY-FILE", "Only for local keys"),
        long_flag("exportable", "Only for local keys"),
        long_flag("wrap-with-trusted", "Only for local keys"),
        no_apqn_check(),
        no_volume_check(),
    ]
}

fn change() -> Vec<Arg> {
    vec![
        name(),
        value("description", 'd', "DESCRIPTION", "New description"),
        value("volumes", 'l', "[+|-]VOLUME:DMNAME[,...]", "Volumes that the key is for. A leading '+' adds to the current list, a leading '-' removes from it")
            .allow_hyphen_values(true),
        value("apqns", 'a', "[+|-]CARD.DOMAIN[,...]", "APQNs of the key; those of a KMS-bound key are those of the plugin")
            .allow_hyphen_values(true),
        value("volume-type", 't', "TYPE", "PLAIN or LUKS2"),
        value("sector-size", 'S', "BYTES", "0 for the system's default, 512, 1024, 2048 or 4096"),
        long_flag("gen-dummy-passphrase", "Generate a dummy passphrase for LUKS2"),
        long_value("set-dummy-passphrase", "PASSPHRASE-FILE", "Take the dummy passphrase for LUKS2 from this file")
            .conflicts_with("gen-dummy-passphrase"),
        long_flag("remove-dummy-passphrase", "Remove the dummy passphrase")
            .conflicts_with_all(["gen-dummy-passphrase", "set-dummy-passphrase"]),
        flag("force", 'F', "Do not ask for confirmation"),
        no_apqn_check(),
        no_volume_check(),
    ]
}

fn kms_filter() -> Vec<Arg> {
    vec![
        value(
            "label",
            'B',
            "LABEL",
            "Only keys with this label; may hold wildcards",
        ),
        name_filter(),
        volume_filter(),
        volume_type(),
    ]
}

fn key_filter() -> Vec<Arg> {
    vec![
        name_filter(),
        volume_filter(),
        value(
            "apqns",
            'a',
            "CARD.DOMAIN[,...]",
            "Only keys with one of these APQNs; may hold wildcards",
        ),
        volume_type(),
        key_type_filter(),
        flag("local", 'L', "Only keys that are not bound to a KMS"),
        flag("kms-bound", 'M', "Only keys that are bound to a KMS").conflicts_with("local"),
    ]
}

fn name() -> Arg {
    value("name", 'N', "NAME", "Name of the key").required(true)
}

fn name_filter() -> Arg {
    value(
        "name",
        'N',
        "NAME",
        "Only keys with this name; may hold wildcards",
    )
}

fn volume_filter() -> Arg {
    value(
        "volumes",
        'l',
        "VOLUME[:DMNAME][,...]",
        "Only keys for one of these volumes; may hold wildcards",
    )
}

fn volume_type() -> Arg {
    value(
        "volume-type",
        't',
        "TYPE",
        "Only keys for volumes of this type: PLAIN or LUKS2",
    )
}

fn key_type_filter() -> Arg {
    value("key-type", 'K', "TYPE", "Only keys of this type")
}

fn no_volume_check() -> Arg {
    long_flag(
        "no-volume-check",
        "Do not check that volumes are there and belong to no other key",
    )
}

fn no_apqn_check() -> Arg {
    long_flag("no-apqn-check", "Do not check that APQNs are there")
}

fn json() -> Arg {
    long_flag("json", "Print JSON")
}

fn positional(id: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(id).value_name(placeholder).help(help)
}

fn value(id: &'static str, short: char, placeholder: &'static str, help: &'static str) -> Arg {
    long_value(id, placeholder, help).short(short)
}

fn long_value(id: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(id)
        .long(id)
        .value_name(placeholder)
        .help(help)
        .value_parser(clap::value_parser!(std::ffi::OsString))
}

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    long_flag(id, help).short(short)
}

fn long_flag(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).help(help).action(ArgAction::SetTrue)
}
