//! Which process a file belongs to, for file systems without locks.

use std::fs;

/// This process on this machine: a text without line ends that no other process ever has. Empty if
/// the kernel does not tell it.
pub(super) fn this_process() -> String {
    let id = std::process::id();
    let parts = [boot(), namespace(), Some(id.to_string()), start(id)];
    let parts: Option<Vec<String>> = parts.into_iter().collect();
    parts.map(|parts| parts.join(" ")).unwrap_or_default()
}

/// Whether the process may still be there: whether it is, or nobody can tell.
pub(super) fn may_live(owner: &str) -> bool {
    let parts: Vec<_> = owner.split(' ').collect();
    let (Some(own_boot), Some(own_namespace)) = (boot(), namespace()) else {
        return true;
    };
    let [owners_boot, owners_namespace, id, began] = parts[..] else {
        return true;
    };
    let Ok(id) = id.parse() else {
        return true;
    };
    if owners_boot != own_boot {
        return false;
    }
    // Numbers of processes in other containers mean nothing here.
    owners_namespace != own_namespace || start(id).as_deref() == Some(began)
}

fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

fn namespace() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_str()?.to_owned())
}

/// When a process was started, in clock ticks since the machine was; processes that end and wait for
/// their parents count as gone.
fn start(id: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program stands in parentheses and may contain anything.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    (*fields.first()? != "Z").then_some(())?;
    Some((*fields.get(19)?).to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_lives_until_it_is_gone() {
        let own = this_process();
        assert!(!own.is_empty() && may_live(&own));
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let parts: Vec<_> = own.split(' ').collect();
        let id = child.id();
        let started = start(id).unwrap();
        let owner = [parts[0], parts[1], &id.to_string(), &started].join(" ");
        assert!(may_live(&owner));
        // The number was given to another process.
        let other = [parts[0], parts[1], parts[2], "1"].join(" ");
        assert!(!may_live(&other));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!may_live(&owner));
    }

    #[test]
    fn of_others_only_those_of_another_boot_are_known_to_be_gone() {
        let own = this_process();
        let parts: Vec<_> = own.split(' ').collect();
        let with = |place: usize, text: &str| {
            let mut parts = parts.clone();
            parts[place] = text;
            parts.join(" ")
        };
        assert!(!may_live(&with(0, "11111111-2222-3333-4444-555555555555")));
        for unknown in ["", "1 2 3", &with(1, "pid:[1]"), &with(2, "many")] {
            assert!(may_live(unknown), "{unknown:?}");
        }
    }
}
