//! What a server can tell about itself.

use crate::types::{
    DiscoverVersionsRequest, ProtocolVersion, QueryFunction, QueryRequest, QueryResponse,
};

use super::blocking::Client;
use super::error::Error;

impl Client {
    /// Asks the server about itself (Query).
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn query(
        &mut self,
        functions: impl IntoIterator<Item = QueryFunction>,
    ) -> Result<QueryResponse<'static>, Error> {
        self.call(QueryRequest {
            query_function: functions.into_iter().collect(),
            ..QueryRequest::default()
        })
    }

    /// All protocol versions of the server, in its order of preference (Discover Versions).
    ///
    /// # Errors
    /// If the server refuses it. KMIP 1.0 does not have the operation.
    pub fn discover_versions(&mut self) -> Result<Vec<ProtocolVersion>, Error> {
        let all = DiscoverVersionsRequest::default();
        Ok(self.call(all)?.protocol_version)
    }
}
