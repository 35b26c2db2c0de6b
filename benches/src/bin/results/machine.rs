//! Where the benchmarks ran.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use kmip::types::DateTime;

/// A machine and its compiler.
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) compiler: String,
    pub(crate) date: String,
}

impl Machine {
    /// This machine, today.
    pub(crate) fn this() -> Self {
        let cores = std::thread::available_parallelism();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(0, |now| now.as_secs() as i64);
        let mut date = DateTime(seconds).to_string();
        date.truncate("2026-01-31".len());
        Machine {
            processor: processor().unwrap_or_else(|| "unknown processor".to_owned()),
            cores: cores.map_or(0, usize::from),
            compiler: compiler().unwrap_or_else(|| "unknown compiler".to_owned()),
            date,
        }
    }
}

/// The name that Linux gives it; on s390x it is the line of the first processor.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, name) = lines.find(|(key, _)| matches!(key.trim(), "model name" | "processor 0"))?;
    Some(name.trim().to_owned())
}

fn compiler() -> Option<String> {
    let output = Command::new("rustc").arg("-V").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    (!version.trim().is_empty()).then(|| version.trim().to_owned())
}
