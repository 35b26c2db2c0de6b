//! `software-master-key`: the master key registers of the software backend, which an
//! administrator changes in adapters with the trusted key entry (TKE) workstation.

use serde_json::Value;

use crate::host::cli::Arguments;
use crate::host::cli::verbs::Verb;
use crate::host::error::HostError;
use crate::host::output::{self, Record};
use crate::host::terminal::Terminal;
use crate::secure_key::Register;
use crate::secure_key::software::MasterKeyFile;

/// Loads, sets, or only shows; in any case shows what the registers then hold.
pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<(), HostError> {
    let file = MasterKeyFile::from_environment();
    match arguments.verb {
        Verb::MasterKeyLoad => {
            file.load_new()?;
        }
        Verb::MasterKeySet => file.set_new()?,
        _ => {}
    }
    let mut record = Record::new("File", &file.path().display().to_string());
    for (register, pattern) in file.patterns()? {
        let (title, name) = match register {
            Register::Old => ("OLD", "old"),
            Register::Current => ("CURRENT", "current"),
            Register::New => ("NEW", "new"),
        };
        let pattern = pattern.map(|pattern| pattern.to_string());
        let text = pattern.as_deref().unwrap_or("(empty)").to_owned();
        record = record.field(title, text, name, pattern.map_or(Value::Null, Value::from));
    }
    output::print(vec![record], arguments.flag("json"), terminal)
}
