//! Requests of clients.

use kmip::Encoding;
use kmip::codec::Options;
use kmip::types::{IntoOwned, RequestMessage};

use super::super::node::Node;

/// A request that can be read.
pub(super) struct Request {
    pub(super) message: RequestMessage<'static>,
    pub(super) node: Node,
    pub(super) text: String,
}

impl Request {
    /// Reads a request by the rules of its version.
    pub(super) fn read(encoding: Encoding, request: &[u8]) -> Result<Self, String> {
        let strict = encoding.decode::<RequestMessage<'_>>(request, &Options::strict());
        let message = strict.map_err(|error| error.to_string())?.into_owned();
        let text = shown(&message);
        let node = Node::parse(&text).map_err(|error| error.to_string())?;
        Ok(Request {
            message,
            node,
            text,
        })
    }
}

/// A request with some items of a batch, without what is about the batch as a whole.
pub(super) fn part(document: &Node, first: usize, number: usize) -> Node {
    let mut part = document.clone();
    let mut items = 0..;
    part.children.retain(|child| {
        let wanted = first..first + number;
        child.name != "BatchItem" || items.next().is_some_and(|item| wanted.contains(&item))
    });
    for header in part
        .children
        .iter_mut()
        .filter(|c| c.name == "RequestHeader")
    {
        let of_batch = ["BatchOrderOption", "BatchErrorContinuationOption"];
        header
            .children
            .retain(|child| !of_batch.contains(&child.name.as_str()));
        for count in header
            .children
            .iter_mut()
            .filter(|c| c.name == "BatchCount")
        {
            count.value = Some(number.to_string());
        }
    }
    part
}

/// A message in XML.
pub(super) fn shown<'m, M: kmip::codec::Message<'m>>(message: &M) -> String {
    let mut text = Vec::new();
    // What was decoded can be encoded.
    let _ = kmip::xml::encode_indented(message, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
