//! Finding names.

use super::generated::name_hash;

/// Names and the numbers of what they name, found by hashing.
#[derive(Debug)]
pub(crate) struct NameIndex {
    /// In order of the names.
    pub(crate) names: &'static [(&'static str, u16)],
    /// Places in `names`, from 1; 0 is empty. A power of two, and at least half are empty.
    pub(crate) slots: &'static [u16],
}

impl NameIndex {
    /// The number that belongs to a name.
    pub(crate) fn find(&self, name: &str) -> Option<u16> {
        let mask = self.slots.len() - 1;
        let mut slot = name_hash(name) & mask;
        loop {
            let place = usize::from(self.slots[slot]).checked_sub(1)?;
            let (known, number) = self.names[place];
            if known == name {
                return Some(number);
            }
            slot = (slot + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{CryptographicAlgorithm, Enumeration, ProfileName, Tag};

    #[test]
    fn every_name_is_found_and_no_other() {
        for table in [CryptographicAlgorithm::TABLE, ProfileName::TABLE] {
            for (name, number) in table.names.names {
                assert_eq!(table.names.find(name), Some(*number), "{name}");
                assert_eq!(table.names.find(&name[1..]), None, "{name}");
            }
        }
        for value in 0x42_0001..=0x42_0176 {
            if let Some(name) = Tag(value).spelling() {
                assert_eq!(Tag::by_spelling(name), Some(Tag(value)));
            }
        }
        assert_eq!(Tag::by_spelling(""), None);
        assert_eq!(Tag::by_spelling("Batch Count"), None);
    }
}
