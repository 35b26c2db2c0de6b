//! The last messages.

use super::html::{Escaped, Page};
use super::http::{Response, Status};
use crate::recent::RecentMessages;

/// Seconds until the browser looks again.
const REFRESH: u32 = 5;

pub(super) fn page(recent: &RecentMessages) -> Response {
    let exchanges = recent.list();
    let entries: String = exchanges
        .iter()
        .enumerate()
        .map(|(position, exchange)| {
            // The newest is open.
            let open = match position {
                0 => " open",
                _ => "",
            };
            format!(
                "<details{open}>\n<summary>{}. <time>{}</time> {}</summary>\n<pre>{}</pre>\n\
                 </details>\n",
                exchange.number,
                exchange.time,
                Escaped(&exchange.client),
                Escaped(&exchange.text)
            )
        })
        .collect();
    let content = match entries.is_empty() {
        true => "<p>No message has come yet.</p>\n".to_owned(),
        false => entries,
    };
    let page = Page {
        place: "/log",
        title: "Messages",
        refresh: Some(REFRESH),
        content: format!(
            "<p class=\"faint\">Requests (&gt;) and responses (&lt;), newest first, without their \
             secrets. The page is loaded again every {REFRESH} seconds.</p>\n{content}"
        ),
    };
    page.respond(Status::OK)
}
