//! The commands of the host: zkey's names, and what each needs before it starts
//! (behaviour reference 1.6, 1.7).

use std::ffi::OsString;

use crate::abi::PluginCommand;

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `kms plugins`
    KmsPlugins,
    /// `kms bind`
    KmsBind,
    /// `kms unbind`
    KmsUnbind,
    /// `kms info`
    KmsInfo,
    /// `kms configure`
    KmsConfigure,
    /// `kms list`
    KmsList,
    /// `kms import`
    KmsImport,
    /// `kms refresh`
    KmsRefresh,
    /// `kms reencipher`
    KmsReencipher,
    /// `generate`
    Generate,
    /// `list`
    List,
    /// `remove`
    Remove,
    /// `change`
    Change,
    /// `rename`
    Rename,
    /// `validate`
    Validate,
    /// `profile check`
    ProfileCheck,
    /// `selftest`
    Selftest,
    /// `software-master-key load`
    MasterKeyLoad,
    /// `software-master-key set`
    MasterKeySet,
    /// `software-master-key show`
    MasterKeyShow,
}

/// The groups of commands: below `kms` and others, or at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// `zkey-kmip <command>`
    Keys,
    /// `zkey-kmip kms <command>`
    Kms,
    /// `zkey-kmip profile <command>`, which zkey does not have
    Profile,
    /// `zkey-kmip software-master-key <command>`, which zkey does not have
    SoftwareMasterKey,
}

impl Group {
    /// All groups.
    pub(crate) const ALL: [Group; 4] = [
        Group::Keys,
        Group::Kms,
        Group::Profile,
        Group::SoftwareMasterKey,
    ];

    /// The word before the command.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Group::Keys => None,
            Group::Kms => Some("kms"),
            Group::Profile => Some("profile"),
            Group::SoftwareMasterKey => Some("software-master-key"),
        }
    }
}

impl Verb {
    /// All commands, in the order of the help text.
    pub(crate) const ALL: [Verb; 20] = [
        Verb::Generate,
        Verb::List,
        Verb::Validate,
        Verb::Change,
        Verb::Rename,
        Verb::Remove,
        Verb::KmsPlugins,
        Verb::KmsBind,
        Verb::KmsUnbind,
        Verb::KmsInfo,
        Verb::KmsConfigure,
        Verb::KmsReencipher,
        Verb::KmsList,
        Verb::KmsImport,
        Verb::KmsRefresh,
        Verb::ProfileCheck,
        Verb::Selftest,
        Verb::MasterKeyShow,
        Verb::MasterKeyLoad,
        Verb::MasterKeySet,
    ];

    /// The group that it belongs to.
    pub(crate) const fn group(self) -> Group {
        match self {
            Verb::KmsPlugins
            | Verb::KmsBind
            | Verb::KmsUnbind
            | Verb::KmsInfo
            | Verb::KmsConfigure
            | Verb::KmsList
            | Verb::KmsImport
            | Verb::KmsRefresh
            | Verb::KmsReencipher => Group::Kms,
            Verb::ProfileCheck => Group::Profile,
            Verb::MasterKeyLoad | Verb::MasterKeySet | Verb::MasterKeyShow => {
                Group::SoftwareMasterKey
            }
            _ => Group::Keys,
        }
    }

    /// Its name, without that of its group.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Verb::KmsPlugins => "plugins",
            Verb::KmsBind => "bind",
            Verb::KmsUnbind => "unbind",
            Verb::KmsInfo => "info",
            Verb::KmsConfigure => "configure",
            Verb::KmsReencipher => "reencipher",
            Verb::KmsImport => "import",
            Verb::KmsRefresh => "refresh",
            Verb::KmsList | Verb::List => "list",
            Verb::Generate => "generate",
            Verb::Remove => "remove",
            Verb::Change => "change",
            Verb::Rename => "rename",
            Verb::Validate => "validate",
            Verb::ProfileCheck => "check",
            Verb::Selftest => "selftest",
            Verb::MasterKeyLoad => "load",
            Verb::MasterKeySet => "set",
            Verb::MasterKeyShow => "show",
        }
    }

    /// One line of help.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Verb::KmsPlugins => "List the KMS plugins of this system",
            Verb::KmsBind => "Bind the repository to a KMS plugin",
            Verb::KmsUnbind => "Unbind the repository; its KMS-bound keys become local ones",
            Verb::KmsInfo => "Show the bound KMS plugin and its configuration",
            Verb::KmsConfigure => "Configure the bound KMS plugin",
            Verb::KmsReencipher => "Re-encipher the secure keys that the KMS plugin itself uses",
            Verb::KmsList => "List keys of the KMS",
            Verb::KmsImport => "Import keys of the KMS into the repository",
            Verb::KmsRefresh => "Fetch KMS-bound keys of the repository again",
            Verb::Generate => "Generate a key at the KMS and store it in the repository",
            Verb::List => "List the keys of the repository",
            Verb::Remove => "Remove a key from the repository",
            Verb::Change => "Change properties of a key",
            Verb::Rename => "Rename a key",
            Verb::Validate => "Check files and properties of keys",
            Verb::ProfileCheck => "Check a file with the profile of a KMIP server",
            Verb::Selftest => "Try all that the KMIP plugin needs of the adapters; stores nothing",
            Verb::MasterKeyLoad => "Load a random master key into the NEW register",
            Verb::MasterKeySet => "Set the NEW master key: it becomes CURRENT, and CURRENT OLD",
            Verb::MasterKeyShow => "Show the verification patterns of the registers",
        }
    }

    /// Whether the command changes something, so that its result is what it did.
    pub(crate) const fn reports(self) -> bool {
        matches!(
            self,
            Verb::KmsBind
                | Verb::KmsUnbind
                | Verb::KmsConfigure
                | Verb::KmsReencipher
                | Verb::KmsImport
                | Verb::KmsRefresh
                | Verb::Generate
                | Verb::Change
                | Verb::Rename
                | Verb::Remove
        )
    }

    /// Whether the plugin of a bound repository is loaded.
    pub(crate) const fn uses_plugin(self) -> bool {
        !matches!(
            self,
            Verb::KmsPlugins
                | Verb::KmsBind
                | Verb::List
                | Verb::ProfileCheck
                | Verb::Selftest
                | Verb::MasterKeyLoad
                | Verb::MasterKeySet
                | Verb::MasterKeyShow
        )
    }

    /// Whether the command makes no sense without a binding.
    pub(crate) const fn needs_binding(self) -> bool {
        matches!(self.group(), Group::Kms) && self.uses_plugin()
    }

    /// Whether the plugin logs in before the command starts.
    pub(crate) const fn logs_in_first(self) -> bool {
        matches!(self, Verb::KmsList | Verb::KmsImport | Verb::KmsRefresh)
    }

    /// For which command the plugin can add options.
    pub(crate) const fn plugin_command(self) -> Option<PluginCommand> {
        match self {
            Verb::KmsConfigure => Some(PluginCommand::Configure),
            Verb::KmsReencipher => Some(PluginCommand::Reencipher),
            Verb::KmsList => Some(PluginCommand::List),
            Verb::KmsImport => Some(PluginCommand::ListImport),
            Verb::Generate => Some(PluginCommand::Generate),
            Verb::Remove => Some(PluginCommand::Remove),
            _ => None,
        }
    }

    /// The command that a command line names, as far as that can be seen without knowing options.
    /// Names can be shortened.
    pub(crate) fn find(arguments: &[OsString]) -> Option<Verb> {
        let mut words = arguments
            .iter()
            .skip(1)
            .filter_map(|word| word.to_str())
            // Before the command there are no options with arguments.
            .skip_while(|word| word.starts_with('-'))
            // `help kms configure` is about that command.
            .filter(|word| *word != "help");
        let first = words.next()?;
        let group = Group::ALL
            .into_iter()
            .find(|group| group.name().is_some_and(|name| name.starts_with(first)));
        match group {
            None => unique(first, Group::Keys),
            Some(group) => unique(words.find(|word| !word.starts_with('-'))?, group),
        }
    }
}

/// The only command of a group that begins with `word`.
fn unique(word: &str, group: Group) -> Option<Verb> {
    let all = || Verb::ALL.into_iter().filter(|verb| verb.group() == group);
    let exact = all().find(|verb| verb.name() == word);
    let mut beginning = all().filter(|verb| verb.name().starts_with(word));
    exact.or(beginning.next().filter(|_| beginning.next().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(line: &str) -> Option<Verb> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Verb::find(&words)
    }

    #[test]
    fn commands_are_found_and_can_be_shortened() {
        assert_eq!(find("zkey-kmip generate -N x"), Some(Verb::Generate));
        assert_eq!(
            find("zkey-kmip -V kms conf --apqns 1.2"),
            Some(Verb::KmsConfigure)
        );
        assert_eq!(find("zkey-kmip kms li"), Some(Verb::KmsList));
        assert_eq!(find("zkey-kmip li"), Some(Verb::List));
        assert_eq!(find("zkey-kmip help kms info"), Some(Verb::KmsInfo));
        assert_eq!(find("zkey-kmip kms help info"), Some(Verb::KmsInfo));
        assert_eq!(find("zkey-kmip kms re"), None, "refresh or reencipher");
        assert_eq!(find("zkey-kmip re"), None, "remove or rename");
        assert_eq!(find("zkey-kmip kms"), None);
        assert_eq!(find("zkey-kmip"), None);
    }
}
