//! The table of operations and versions in the documentation.

use std::fmt::Write;

use kmip_spec::{Spec, Version};

/// Markdown: for each operation the versions that have it, and which side asks.
pub fn operations_table(spec: &Spec) -> String {
    let mut text = String::from("| operation | asked by |");
    for version in Version::ALL {
        let _ = write!(text, " {version} |");
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(Version::ALL.len()));
    text.push('\n');
    for operation in &spec.operations {
        let sides = [&operation.client_to_server, &operation.server_to_client];
        let asked = match sides.map(Option::is_some) {
            [true, true] => "both",
            [false, true] => "server",
            _ => "client",
        };
        let _ = write!(text, "| {} | {asked} |", operation.name);
        for version in Version::ALL {
            let mark = if operation.range.contains(version) {
                "T J X"
            } else {
                ""
            };
            let _ = write!(text, " {mark} |");
        }
        text.push('\n');
    }
    text
}
