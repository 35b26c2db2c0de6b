//! Filling the fields of a structure from the rows of its table.

use super::Decoder;
use crate::codec::error::{Error, ErrorKind, Result};
use crate::codec::item::{Choice, Item, Structure};
use crate::codec::raw::{Extra, RawItem, RawValue};
use crate::codec::row::{Layout, Progress, Row};
use crate::types::{Attribute, Attributes, Tag};

/// Most bytes that are reserved for a repeated field before its items are read, for each byte that
/// the message still has: a run of empty items costs the sender eight bytes an item, and us the
/// size of the typed item.
const RESERVE_PER_BYTE: usize = 16;

/// Bytes of a value that costs nothing to be moved.
const SMALL: usize = 64;

/// What generated code calls: one function for each way that a field can be filled. They do
/// nothing unless the current item belongs to the row.
impl<'a> Decoder<'_, 'a> {
    /// Reads a structure and what the specification does not have in it.
    pub(crate) fn structure<T: Structure<'a>>(&mut self, value: &mut T) -> Result<()> {
        let frame = self.enter()?;
        value.fill(self)?;
        self.leave(frame)
    }

    #[inline(always)]
    pub(crate) fn required<T: Item<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut T,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read(row, field);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional<T: Item<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Option<T>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read(row, field.insert(T::default()));
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn repeated<T: Item<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Vec<T>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read_run(row, progress, field);
        }
        Ok(())
    }

    /// A field that is one of several structures.
    #[inline(always)]
    pub(crate) fn choice<T: Choice<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut T,
    ) -> Result<()> {
        let tag = Tag(self.reader.raw_tag());
        if T::accepts(tag) && self.takes(row, bit, progress) {
            return field.read(self).map_err(|error| error.within(tag));
        }
        Ok(())
    }

    /// As [`Decoder::choice`], for a field that may be absent.
    #[inline(always)]
    pub(crate) fn optional_choice<T: Choice<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Option<T>,
    ) -> Result<()> {
        let tag = Tag(self.reader.raw_tag());
        if T::accepts(tag) && self.takes(row, bit, progress) {
            let value = field.insert(T::default());
            return value.read(self).map_err(|error| error.within(tag));
        }
        Ok(())
    }

    /// The attributes of KMIP 1.x that stand in a structure without one of their own.
    #[inline(always)]
    pub(crate) fn flat_attributes(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Attributes<'a>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read_run::<Attribute<'a>>(row, progress, &mut field.list);
        }
        Ok(())
    }

    /// As [`Decoder::flat_attributes`], where there may be a structure in other versions.
    #[inline(always)]
    pub(crate) fn optional_flat_attributes(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Option<Attributes<'a>>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && row.contains(self.edition) {
            let field = field.get_or_insert_default();
            return self.flat_attributes(row, bit, progress, field);
        }
        Ok(())
    }

    /// Whether the structure ends here. If not, the item has no place in the table: keeps it, or
    /// leaves it for another round.
    #[inline(always)]
    pub(crate) fn finished(
        &mut self,
        layout: &'static Layout,
        progress: &mut Progress,
        extra: &mut Extra<'a>,
    ) -> Result<bool> {
        if self.reader.raw_tag() == 0 {
            let required = layout.required[self.edition.index()];
            if progress.seen & required != required {
                return Err(self.missing(layout, progress));
            }
            if !progress.is_smooth() {
                self.settle(progress, extra);
            }
            return Ok(true);
        }
        self.unexpected(layout, progress, extra)?;
        Ok(false)
    }

    /// Whether this is the first item (or run of items) for a row of this version.
    #[inline(always)]
    fn takes(&self, row: Row, bit: u32, progress: &mut Progress) -> bool {
        let bit = 1 << bit;
        if !row.contains(self.edition) || progress.seen & bit != 0 {
            return false;
        }
        progress.seen |= bit;
        progress.items += 1;
        true
    }

    #[inline(always)]
    fn read<T: Item<'a>>(&mut self, row: Row, field: &mut T) -> Result<()> {
        match field.read(self) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.within(Tag(row.tag))),
        }
    }

    #[inline]
    pub(crate) fn read_run<T: Item<'a>>(
        &mut self,
        row: Row,
        progress: &mut Progress,
        field: &mut Vec<T>,
    ) -> Result<()> {
        let expected = match (row.repeat, &self.source) {
            (true, None) => self.reader.run_length(),
            (true, Some(source)) => source.run_length(),
            (false, _) => 1,
        };
        self.reserve(field, expected);
        progress.items -= 1;
        while self.reader.raw_tag() == row.tag {
            let index = field.len();
            if row.tag == Tag::BATCH_ITEM.0 && index >= self.options.limits.batch_items {
                return Err(self.too_many(self.options.limits.batch_items));
            }
            self.count_items(1)?;
            let read = if size_of::<T>() <= SMALL {
                let mut value = T::default();
                let read = value.read(self);
                field.push(value);
                read
            } else {
                // Unlike push, this builds the value where it stays.
                field.resize_with(index + 1, T::default);
                field[index].read(self)
            };
            if let Err(error) = read {
                return Err(error.within_nth(Tag(row.tag), index));
            }
            progress.items += 1;
            if !row.repeat {
                break;
            }
        }
        Ok(())
    }

    /// Makes room for `expected` more values, as far as the length of the message justifies it.
    #[inline]
    pub(crate) fn reserve<T>(&self, field: &mut Vec<T>, expected: usize) {
        let remaining = match &self.source {
            None => self.reader.remaining(),
            Some(source) => source.remaining(),
        };
        let most = remaining.saturating_mul(RESERVE_PER_BYTE) / size_of::<T>().max(1);
        let expected = expected.min(most).max(1);
        if field.capacity() == 0 {
            // Cheaper than growing.
            *field = Vec::with_capacity(expected);
        } else {
            field.reserve_exact(expected);
        }
    }

    #[cold]
    fn missing(&self, layout: &Layout, progress: &Progress) -> Error {
        let missing = layout.required[self.edition.index()] & !progress.seen;
        let row = layout.rows[missing.trailing_zeros() as usize];
        Error::at(ErrorKind::MissingField(Tag(row.tag)), self.offset())
    }

    /// Gives the items without a field their final places.
    #[cold]
    fn settle(&mut self, progress: &mut Progress, extra: &mut Extra<'a>) {
        progress.check_order();
        self.misplaced += progress.misplaced;
        // Where fields change their places there is none to keep: a second item of a field would
        // come before the first.
        let items = if progress.misplaced > 0 {
            0
        } else {
            progress.items
        };
        extra.settle(items);
    }

    #[cold]
    fn unexpected(
        &mut self,
        layout: &Layout,
        progress: &mut Progress,
        extra: &mut Extra<'a>,
    ) -> Result<()> {
        let tag = Tag(self.reader.raw_tag());
        let mut rows = layout.rows.iter().enumerate();
        let known = rows.find(|(_, row)| row.tag == tag.0 && row.contains(self.edition));
        if self.strict && !(layout.open && known.is_none()) {
            let too_new = known.is_none() && layout.rows.iter().any(|row| row.tag == tag.0);
            let kind = if too_new {
                ErrorKind::NotInVersion(tag, self.version())
            } else {
                ErrorKind::UnexpectedItem(tag)
            };
            return Err(Error::at(kind, self.offset()).within(tag));
        }
        progress.check_order();
        if let Some((bit, row)) = known {
            if row.repeat {
                progress.reopen(bit);
            }
            if progress.seen & (1 << bit) == 0 {
                // Out of order, or a further run: the next round through the rows takes it.
                return self.refuse_late_selector(layout, progress);
            }
        }
        let mut item = RawItem {
            tag,
            value: RawValue::default(),
        };
        item.value.read(self).map_err(|error| error.within(tag))?;
        extra.push_after(progress.items, item);
        self.refuse_late_selector(layout, progress)
    }

    /// Fails if the next item decides the type of one that was read already, as something else.
    fn refuse_late_selector(&self, layout: &Layout, progress: &Progress) -> Result<()> {
        if progress.seen & layout.selected == 0 {
            return Ok(());
        }
        let tag = self.reader.raw_tag();
        let mut rows = layout.rows.iter().enumerate();
        match rows.find(|(bit, row)| layout.selector & (1 << bit) != 0 && row.tag == tag) {
            Some((bit, _)) if progress.seen & (1 << bit) == 0 => {
                Err(Error::at(ErrorKind::LateSelector(Tag(tag)), self.offset()).within(Tag(tag)))
            }
            _ => Ok(()),
        }
    }
}
