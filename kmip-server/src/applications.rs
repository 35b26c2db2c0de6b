//! Applications that use the embedded PKCS#11 token: from C_Initialize to C_Finalize.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::server::Failure;

use crate::crypto::random;

/// How many may be begun at a time, of all clients together. The oldest give way.
const MOST: usize = 1024;

/// The applications that are begun, with their clients and Correlation Values.
#[derive(Debug, Default)]
pub(crate) struct Applications {
    begun: Mutex<VecDeque<(Vec<u8>, String)>>,
}

impl Applications {
    /// Begins an application, and gives it a Correlation Value.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub(crate) fn begin(&self, owner: &str) -> Result<Vec<u8>, Failure> {
        let correlation = random(16)?.to_vec();
        let mut begun = self.lock();
        if begun.len() >= MOST {
            begun.pop_front();
        }
        begun.push_back((correlation.clone(), owner.to_owned()));
        Ok(correlation)
    }

    /// Whether the client has begun an application with this Correlation Value.
    pub(crate) fn is_begun(&self, correlation: &[u8], owner: &str) -> bool {
        self.lock().iter().any(|own| is(own, correlation, owner))
    }

    /// Ends an application.
    pub(crate) fn end(&self, correlation: &[u8], owner: &str) {
        self.lock().retain(|own| !is(own, correlation, owner));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Vec<u8>, String)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is(own: &(Vec<u8>, String), correlation: &[u8], owner: &str) -> bool {
    own.0 == correlation && own.1 == owner
}
