//! Responses that are not what they could be, so that clients can be tested: as a certain vendor
//! makes them, or faulty.

mod fault;
mod personality;
mod tree;

use std::fmt;
use std::sync::Arc;

use kmip::server::{Delivery, Exchange};

pub use fault::{Fault, FaultError};
pub use personality::Personality;

use crate::recent::RecentMessages;

/// Takes the text of messages.
pub type Print = dyn Fn(&str) + Send + Sync;

/// What happens to a response between the server and the client: first the personality changes it,
/// then faults do, then it is shown to the log.
#[derive(Default)]
#[non_exhaustive]
pub struct Interference {
    /// The vendor whose server this one is to pass for.
    pub personality: Option<Personality>,
    /// Faults, each with the requests that it hits.
    pub faults: Vec<Fault>,
    /// Where messages are kept, without their secrets.
    pub log: Option<Arc<RecentMessages>>,
    /// Called with the text of each message, without its secrets.
    pub print: Option<Box<Print>>,
}

impl Interference {
    /// Whether anything is to be done.
    pub fn is_needed(&self) -> bool {
        self.personality.is_some()
            || !self.faults.is_empty()
            || self.log.is_some()
            || self.print.is_some()
    }

    /// Does it, for [`ServeOptions::on_exchange`](kmip::server::ServeOptions::on_exchange).
    pub fn apply(&self, mut exchange: Exchange<'_>) -> Delivery {
        if let Some(personality) = self.personality {
            personality.alter(exchange.encoding, exchange.request, exchange.response);
        }
        let mut delivery = Delivery::default();
        for fault in &self.faults {
            match fault.strike(&mut exchange) {
                Delivery::Whole => {}
                other => delivery = other,
            }
        }
        if let Some(log) = &self.log {
            log.keep(&exchange, delivery);
        }
        if let Some(print) = &self.print {
            print(&crate::recent::describe(&exchange, delivery));
        }
        delivery
    }
}

impl fmt::Debug for Interference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interference")
            .field("personality", &self.personality)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
