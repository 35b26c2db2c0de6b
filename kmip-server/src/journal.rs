//! What objects were before a batch changed them, for the clients that want a failed batch undone
//! (Batch Error Continuation Option Undo).

use std::cell::RefCell;

use kmip::types::ManagedObject;

use crate::object::StoredObject;

/// An object before it was changed; without a state, it did not exist.
pub(crate) struct Before {
    pub(crate) identifier: String,
    pub(crate) state: Option<(StoredObject, Option<ManagedObject<'static>>)>,
}

thread_local! {
    /// The changes of the batch that this thread performs, item by item. The engine performs all
    /// items of a message on one thread.
    static CHANGES: RefCell<Vec<Vec<Before>>> = const { RefCell::new(Vec::new()) };
}

/// A new message begins.
pub(crate) fn clear() {
    CHANGES.with_borrow_mut(Vec::clear);
}

/// An item of the batch that is being performed. If it is dropped before it is done, also by a panic,
/// there is nothing of it to be undone.
pub(crate) struct Item {
    done: bool,
}

impl Item {
    /// A new item begins.
    pub(crate) fn begin() -> Self {
        CHANGES.with_borrow_mut(|changes| changes.push(Vec::new()));
        Item { done: false }
    }

    /// The item was successful.
    pub(crate) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if !self.done {
            take_item();
        }
    }
}

/// While it lives, what is done is not done for the batch: it is not undone with that.
pub(crate) struct Aside(Vec<Vec<Before>>);

impl Aside {
    pub(crate) fn begin() -> Self {
        Aside(CHANGES.take())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        CHANGES.set(std::mem::take(&mut self.0));
    }
}

/// The item has been committed with these changes.
pub(crate) fn note(mut before: Vec<Before>) {
    CHANGES.with_borrow_mut(|changes| {
        if let Some(item) = changes.last_mut() {
            item.append(&mut before);
        }
    });
}

/// The changes of the last item, in their order. The item counts as undone.
pub(crate) fn take_item() -> Vec<Before> {
    CHANGES.with_borrow_mut(Vec::pop).unwrap_or_default()
}
