//! The first page.

use std::time::Duration;

use super::Admin;
use super::html::{Escaped, Page};
use super::http::{Response, Status};
use crate::store::SealedStore;

pub(super) fn page(admin: &Admin, running: Duration) -> Response {
    let addresses: Vec<String> = admin.addresses.iter().map(ToString::to_string).collect();
    let keys = match SealedStore::is_sealed(&*admin.store) {
        Ok(true) => "encrypted with a master key",
        Ok(false) => "not encrypted",
        Err(_) => "the store is out of order",
    };
    let recent = admin.recent.list();
    let count = recent.first().map_or(0, |newest| newest.number);
    let rows = [
        ("Introduces itself as", admin.introduction.as_str()),
        (
            "Program",
            concat!("kmip-server ", env!("CARGO_PKG_VERSION")),
        ),
        ("Clients connect to", &addresses.join(", ")),
        ("Running for", &duration(running)),
        ("Keys in the store", keys),
        ("Messages since the start", &count.to_string()),
    ];
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", Escaped(value)))
        .collect();
    let page = Page {
        place: "/",
        title: "Overview",
        refresh: None,
        content: format!("<dl>\n{rows}</dl>\n"),
    };
    page.respond(Status::OK)
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
