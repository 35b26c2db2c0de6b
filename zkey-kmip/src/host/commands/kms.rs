//! `kms plugins`, `bind`, `unbind`, `info` and `reencipher`.

use std::io::{Read, Seek};

use serde_json::{Value, json};

use super::{Host, Tally};
use crate::abi::{MasterKeyRegister, ReencipherMode, SecureKeyType};
use crate::files::FileError;
use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::output;
use crate::host::plugins::PluginSource;
use crate::host::repository::binding::Binding;
use crate::host::repository::filter::KeyFilter;
use crate::host::terminal::Terminal;

/// `kms plugins`
pub(crate) fn plugins(
    source: &dyn PluginSource,
    arguments: &Arguments,
    terminal: &Terminal,
) -> Result<(), HostError> {
    let plugins = source.list()?;
    if arguments.flag("json") {
        let plugins: Vec<_> = plugins
            .iter()
            .map(|plugin| json!({"name": plugin.name, "shared_object": plugin.shared_object}))
            .collect();
        return output::print_json(&plugins.into(), terminal);
    }
    for plugin in plugins {
        terminal.say(format_args!(
            "{:<20} {}",
            plugin.name,
            plugin.shared_object.display()
        ))?;
    }
    Ok(())
}

/// `kms bind`
pub(crate) fn bind(
    host: &Host<'_>,
    arguments: &Arguments,
    source: &dyn PluginSource,
) -> Result<(), HostError> {
    let directory = host.repository.directory();
    if let Some(binding) = Binding::load(directory)? {
        return Err(HostError::AlreadyBound {
            plugin: binding.plugin().to_owned(),
        });
    }
    let entry = source.find(&arguments.required("plugin")?)?;
    let plugin = source.load(&entry)?;
    let config = std::path::absolute(directory)
        .unwrap_or_else(|_| directory.to_owned())
        .join(&entry.name);
    host.repository.create_config_directory(&config)?;
    let bound = plugin
        .bind(&config)
        .map_err(|source| HostError::Plugin {
            plugin: entry.name.clone(),
            action: "bind to the repository".to_owned(),
            source,
        })
        .and_then(|()| Binding::new(&entry.name, &config)?.save(directory));
    if bound.is_err() {
        // Only when it is empty; the error above is what counts.
        let _ = std::fs::remove_dir(&config);
    }
    bound?;
    host.report.set("plugin", &*entry.name);
    let config = config.display().to_string();
    host.report.set("config_directory", config);
    host.terminal.say(format_args!(
        "Bound the repository to KMS plugin '{}'. Continue with 'zkey-kmip kms configure'.",
        entry.name
    ))
}

/// `kms unbind`
pub(crate) fn unbind(host: &Host<'_>) -> Result<(), HostError> {
    let bound = host.bound()?;
    let question = format!(
        "Unbind this repository from KMS plugin '{}' and turn all KMS-bound keys into local keys",
        bound.plugin()
    );
    if !host.terminal.confirm(&question)? {
        return Err(HostError::Aborted {
            question: "the repository stays bound",
        });
    }
    let filter = KeyFilter {
        bound: Some(true),
        ..KeyFilter::default()
    };
    let mut tally = Tally::default();
    host.report.lists(&["unbound_keys"]);
    for key in host.repository.keys(&filter)? {
        let unbound = key.and_then(|mut key| {
            key.unbind()?;
            host.report.add("unbound_keys", key.name());
            Ok(())
        });
        tally.note(unbound, host.terminal);
    }
    tally.finish()?;
    bound.call("unbind from the repository", bound.session.deconfigure())?;
    let directory = host.repository.directory();
    let config = bound.binding.config_directory(directory);
    // From here on the repository is not bound, whatever happens to the directory.
    Binding::remove(directory)?;
    host.report.set("plugin", bound.plugin());
    std::fs::remove_dir_all(&config).map_err(|error| FileError::new("remove", config, error))?;
    Ok(())
}

/// `kms info`
pub(crate) fn info(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let bound = host.bound()?;
    let key_types: Vec<&str> = SecureKeyType::ALL
        .into_iter()
        .filter(|key_type| bound.session.supports_key_type(*key_type))
        .map(SecureKeyType::name)
        .collect();
    let apqns = bound.binding.apqns()?;
    let apqns: Vec<String> = apqns.iter().map(ToString::to_string).collect();
    let display = || bound.call("show its configuration", bound.session.display_info());
    if arguments.flag("json") {
        let text = captured(host.terminal, display)?;
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let directory = host.repository.directory();
        let info = json!({
            "plugin": bound.plugin(),
            "config_directory": bound.binding.config_directory(directory),
            "key_types": key_types,
            "apqns": apqns,
            "plugin_info": lines,
            "plugin_settings": settings(&text),
        });
        return output::print_json(&info, host.terminal);
    }
    let terminal = host.terminal;
    terminal.say(format_args!("KMS-Plugin:             {}", bound.plugin()))?;
    print_list("Supported key types:", &key_types, "(none)", terminal)?;
    print_list("APQNs:", &apqns, "(configuration required)", terminal)?;
    display()
}

/// What the lines of a plugin say, by their labels: these end with a colon before column 24, and lines
/// without one go on with the value.
fn settings(text: &str) -> serde_json::Map<String, Value> {
    let mut settings = serde_json::Map::new();
    let mut last = None;
    for line in text.lines() {
        let (label, value) = line.split_at_checked(VALUE_COLUMN).unwrap_or((line, ""));
        if let Some(label) = label.trim().strip_suffix(':') {
            last = Some(label.to_owned());
        }
        let Some(last) = &last else { continue };
        let entry = settings.entry(last.as_str());
        if let Value::Array(lines) = entry.or_insert_with(|| json!([])) {
            lines.push(value.trim_end().into());
        }
    }
    settings
}

/// Where values begin in the lines of `kms info`.
const VALUE_COLUMN: usize = 24;

/// Lines as zkey prints them: two blanks, and the values in column 24.
fn print_list<T: AsRef<str>>(
    title: &str,
    values: &[T],
    absent: &str,
    terminal: &Terminal,
) -> Result<(), HostError> {
    let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    let values = if values.is_empty() {
        vec![absent]
    } else {
        values
    };
    for (index, value) in values.into_iter().enumerate() {
        let title = if index == 0 { title } else { "" };
        terminal.say(format_args!("  {title:<22}{value}"))?;
    }
    Ok(())
}

/// What `body` prints to standard output, which is where a plugin prints to.
fn captured(
    terminal: &Terminal,
    body: impl FnOnce() -> Result<(), HostError>,
) -> Result<String, HostError> {
    let failed = |error: rustix::io::Errno| HostError::Terminal(error.into());
    terminal.print("")?;
    let name = "zkey-kmip-info";
    let memory = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC).map_err(failed)?;
    let stdout = rustix::io::dup(rustix::stdio::stdout()).map_err(failed)?;
    rustix::stdio::dup2_stdout(&memory).map_err(failed)?;
    let result = body();
    let flushed = terminal.print("");
    rustix::stdio::dup2_stdout(&stdout).map_err(failed)?;
    result.and(flushed)?;
    let mut text = Vec::new();
    let mut file = std::fs::File::from(memory);
    file.rewind().map_err(HostError::Terminal)?;
    file.read_to_end(&mut text).map_err(HostError::Terminal)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `kms reencipher`
pub(crate) fn reencipher(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let bound = host.bound()?;
    let register = match (arguments.flag("from-old"), arguments.flag("to-new")) {
        (false, false) => MasterKeyRegister::Auto,
        (true, false) => MasterKeyRegister::FromOld,
        (false, true) => MasterKeyRegister::ToNew,
        (true, true) => MasterKeyRegister::FromOldToNew,
    };
    let mode = if arguments.flag("in-place") {
        ReencipherMode::InPlace
    } else if arguments.flag("staged") {
        ReencipherMode::Staged
    } else if arguments.flag("complete") {
        ReencipherMode::StagedComplete
    } else {
        match register {
            MasterKeyRegister::Auto => ReencipherMode::Auto,
            MasterKeyRegister::FromOld => ReencipherMode::InPlace,
            MasterKeyRegister::ToNew | MasterKeyRegister::FromOldToNew => ReencipherMode::Staged,
        }
    };
    let result = bound.session.reencipher(mode, register, &arguments.plugin);
    bound.call("re-encipher its own keys", result)?;
    host.report.set("plugin", bound.plugin());
    Ok(())
}
