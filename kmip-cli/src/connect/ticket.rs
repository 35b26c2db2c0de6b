//! Tickets of logins, in files.

use std::path::Path;

use kmip::types::{Enumeration, Ticket, TicketType};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::{files, values};

/// A ticket as it is kept.
pub(crate) fn to_text(ticket: &Ticket<'_>) -> String {
    let value = json!({
        "type": ticket.ticket_type.value(),
        "value": values::to_hex(ticket.ticket_value.expose()),
    });
    format!("{value}\n")
}

/// The ticket of a file that `kmip login` wrote.
pub(crate) fn read(path: &Path) -> Result<Ticket<'static>, Failure> {
    let content = files::read(path)?;
    let ticket = serde_json::from_slice::<Value>(&content).ok();
    let ticket = ticket.as_ref().and_then(parse);
    ticket.ok_or_else(|| Failure::Content {
        path: path.to_owned(),
        what: "no ticket of kmip login is in it".to_owned(),
    })
}

fn parse(ticket: &Value) -> Option<Ticket<'static>> {
    let kind = u32::try_from(ticket["type"].as_u64()?).ok()?;
    let value = values::hex(ticket["value"].as_str()?).ok()?;
    Some(Ticket {
        ticket_type: TicketType::new(kind),
        ticket_value: value.0.into(),
        ..Ticket::default()
    })
}
