//! A message as a flat list of items, each with its value as it stands in the text.

use zeroize::Zeroize;

use super::steps;
use crate::codec::{Error, ErrorKind, Limits, Result};
use crate::types::Tag;

/// The items of a message in the order of the text. Memory is kept from message to message.
#[derive(Default)]
pub(crate) struct Index {
    /// Node 0 stands for the message; the others for its items, structures before what is in
    /// them.
    nodes: Vec<Node>,
    /// Texts that the message writes with escapes.
    unescaped: String,
    /// The item that is being filled, and how many there are around it.
    open: u32,
    depth: usize,
    limits: Limits,
    /// Words without a meaning do not end the reading.
    tolerant: bool,
    /// What was tolerated: the node and the fault.
    tolerated: Vec<(u32, Error)>,
}

/// An item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// The tag; 0 as long as it was not seen.
    pub(crate) tag: u32,
    /// Where the item begins in the message.
    pub(crate) offset: u32,
    /// The node behind this one and all that is in it.
    pub(crate) next: u32,
    /// The structure that it is in.
    pub(crate) parent: u32,
    /// Code of the item type; 0 as long as it was not seen.
    pub(crate) item_type: u8,
    pub(crate) value: Value,
}

/// The value of an item before its type is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// None was seen.
    Absent,
    /// JSON's null.
    Null,
    /// Items.
    Items,
    /// A Boolean of JSON.
    Boolean(bool),
    /// A number of JSON.
    Number(i64),
    /// A number of JSON beyond the range of i64.
    Unsigned(u64),
    /// A number of JSON that has a fraction or is beyond 64 bits.
    Inexact,
    /// A text that stands in the message: offset and length.
    Text(u32, u32),
    /// A text that had escapes: offset and length in the index.
    Unescaped(u32, u32),
}

impl Index {
    /// Forgets the last message, and wipes what it held of it.
    pub(crate) fn begin(&mut self, limits: &Limits) {
        self.nodes.clear();
        self.unescaped.as_mut_str().zeroize();
        self.unescaped.clear();
        self.nodes.push(Node::new(0, 0));
        self.nodes[0].value = Value::Items;
        self.open = 0;
        self.depth = 0;
        self.limits = *limits;
        self.tolerant = false;
        self.tolerated.clear();
    }

    /// Keeps what is wrong with the words of the next message, see [`Index::tolerates`]. To be
    /// called behind [`Index::begin`].
    pub(crate) fn tolerate(&mut self) {
        self.tolerant = true;
    }

    /// Whether to go on after a fault of the open item, which is then kept.
    pub(crate) fn tolerates(&mut self, kind: &ErrorKind) -> bool {
        let known = |(node, _): &(u32, Error)| *node == self.open;
        if self.tolerant && !self.tolerated.last().is_some_and(known) {
            let error = Error::at(kind.clone(), self.node().offset as usize);
            self.tolerated.push((self.open, self.locate(error)));
        }
        self.tolerant
    }

    /// What was tolerated of a node.
    pub(crate) fn fault_of(&self, node: u32) -> Option<&Error> {
        let at = self
            .tolerated
            .binary_search_by_key(&node, |(node, _)| *node);
        Some(&self.tolerated[at.ok()?].1)
    }

    /// The items and their numbers.
    pub(crate) fn items(&self) -> impl Iterator<Item = (u32, &Node)> {
        (0..).zip(&self.nodes).skip(1)
    }

    /// Ends all items that are open, and puts what was tolerated in order.
    pub(crate) fn close_all(&mut self) {
        self.tolerated.sort_by_key(|(node, _)| *node);
        while self.depth > 0 {
            self.close();
        }
        self.finish();
    }

    /// Ends the list of items.
    pub(crate) fn finish(&mut self) {
        self.nodes[0].next = self.nodes.len() as u32;
    }

    /// Begins an item in the one that is open.
    pub(crate) fn open(&mut self, offset: usize) -> Result<()> {
        steps::count(1);
        if self.depth > self.limits.depth {
            let offset = self.nodes[self.open as usize].offset as usize;
            return Err(Error::at(ErrorKind::TooDeep(self.limits.depth), offset));
        }
        if self.nodes.len() > self.limits.items {
            let kind = ErrorKind::TooManyItems(self.limits.items);
            return Err(Error::at(kind, offset));
        }
        self.nodes.push(Node::new(offset as u32, self.open));
        self.open = self.nodes.len() as u32 - 1;
        self.depth += 1;
        Ok(())
    }

    /// Ends the open item.
    pub(crate) fn close(&mut self) {
        let next = self.nodes.len() as u32;
        let node = self.node();
        node.next = next;
        self.open = node.parent;
        self.depth -= 1;
    }

    /// The open item.
    pub(crate) fn node(&mut self) -> &mut Node {
        &mut self.nodes[self.open as usize]
    }

    /// How many items are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }

    /// The fault with the path to the open item.
    pub(crate) fn locate(&self, mut error: Error) -> Error {
        steps::count(self.depth);
        let mut node = &self.nodes[self.open as usize];
        for _ in 0..self.depth {
            if node.tag != 0 {
                error = error.within(Tag(node.tag));
            }
            node = &self.nodes[node.parent as usize];
        }
        error
    }

    /// Where texts without escapes are kept, and how much there is.
    pub(crate) fn unescaped(&mut self) -> &mut String {
        &mut self.unescaped
    }

    /// The value of a text that was kept from `start` on.
    pub(crate) fn kept_from(&self, start: usize) -> Value {
        Value::Unescaped(start as u32, (self.unescaped.len() - start) as u32)
    }

    pub(crate) fn get(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    /// A text that was kept.
    pub(crate) fn kept(&self, start: u32, length: u32) -> &str {
        let range = start as usize..(start + length) as usize;
        self.unescaped.get(range).unwrap_or_default()
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.unescaped.zeroize();
    }
}

impl Node {
    fn new(offset: u32, parent: u32) -> Self {
        Node {
            tag: 0,
            offset,
            next: 0,
            parent,
            item_type: 0,
            value: Value::Absent,
        }
    }
}
