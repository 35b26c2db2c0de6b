//! Object groups whose members are given out in turn (Object Group Member: KMIP 1.4, 9.1.3.2.31;
//! 2.1, 11.34).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Groups of which is remembered whose turn it is. The oldest give way and begin anew.
const MOST: usize = 1024;

/// Which member of each group was given out last.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    last: Mutex<VecDeque<Turn>>,
}

#[derive(Debug)]
struct Turn {
    owner: String,
    group: String,
    identifier: String,
}

impl Groups {
    /// Brings the members of a group, the oldest first, into the order in which they are to be
    /// given out: the one whose turn it is comes first, and has then had its turn.
    pub(crate) fn take_turn(&self, owner: &str, group: &str, members: &mut [String]) {
        let mut turns = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |turn: &Turn| turn.owner == owner && turn.group == group;
        let before = turns.iter().position(same).and_then(|at| turns.remove(at));
        let last = before.and_then(|turn| {
            let mut members = members.iter();
            members.position(|member| *member == turn.identifier)
        });
        if let Some(last) = last {
            members.rotate_left((last + 1) % members.len());
        }
        let Some(next) = members.first() else {
            return;
        };
        if turns.len() >= MOST {
            turns.pop_front();
        }
        turns.push_back(Turn {
            owner: owner.to_owned(),
            group: group.to_owned(),
            identifier: next.clone(),
        });
    }
}
