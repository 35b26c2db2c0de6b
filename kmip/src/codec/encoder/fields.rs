//! Writing the fields of a structure by the rows of its table.

use super::Encoder;
use crate::codec::error::{Error, ErrorKind, Result};
use crate::codec::item::{Choice, Item, Structure};
use crate::codec::raw::Extra;
use crate::codec::row::{ExtraCursor, Row};
use crate::types::{Attributes, Operation, Tag};

/// What generated code calls: one function for each way that a field can be written. They do
/// nothing unless the row belongs to the version.
impl Encoder<'_> {
    pub(crate) fn structure<'a, T: Structure<'a>>(&mut self, tag: Tag, value: &T) -> Result<()> {
        if !(T::SINCE..=T::UNTIL).contains(&self.edition.0) {
            return Err(Error::new(ErrorKind::NotInVersion(tag, self.version())));
        }
        let open = self.begin(tag)?;
        value.encode(self)?;
        self.end(open)
    }

    #[inline(always)]
    pub(crate) fn required<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &T,
    ) -> Result<()> {
        if row.contains(self.edition) {
            return self.write(row, cursor, field);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Option<T>,
    ) -> Result<()> {
        if row.contains(self.edition) {
            match field {
                Some(value) => return self.write(row, cursor, value),
                None if row.required => return Err(missing(row)),
                None => {}
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn repeated<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &[T],
    ) -> Result<()> {
        if row.contains(self.edition) {
            return self.write_run(row, cursor, field);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn choice<'a, T: Choice<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &T,
    ) -> Result<()> {
        if row.contains(self.edition) {
            self.before_item(cursor)?;
            let tag = field.tag();
            return field.write(tag, self).map_err(|error| error.within(tag));
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional_choice<'a, T: Choice<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Option<T>,
    ) -> Result<()> {
        match field {
            Some(value) => self.choice(row, cursor, value),
            None if row.required && row.contains(self.edition) => Err(missing(row)),
            None => Ok(()),
        }
    }

    #[inline(always)]
    pub(crate) fn flat_attributes(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Attributes<'_>,
    ) -> Result<()> {
        if row.contains(self.edition) {
            if !field.names.is_empty() || !field.extra.is_empty() {
                return Err(self
                    .not_expressible("names of templates")
                    .within(Tag(row.tag)));
            }
            return self.write_run(row, cursor, &field.list);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional_flat_attributes(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Option<Attributes<'_>>,
    ) -> Result<()> {
        match field {
            Some(attributes) => self.flat_attributes(row, cursor, attributes),
            None if row.required && row.contains(self.edition) => Err(missing(row)),
            None => Ok(()),
        }
    }

    /// Fails for an operation that the version does not have.
    #[inline(always)]
    pub(crate) fn gate_operation(&self, operation: Operation, since: u8, until: u8) -> Result<()> {
        if (since..=until).contains(&self.edition.0) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::OperationNotInVersion(
            operation,
            self.version(),
        )))
    }

    /// Fails for a field that is set although none of its rows belongs to the version.
    #[inline(always)]
    pub(crate) fn gate(&self, rows: &[Row], set: bool) -> Result<()> {
        if set && !rows.iter().any(|row| row.contains(self.edition)) {
            let tag = Tag(rows[0].tag);
            return Err(Error::new(ErrorKind::NotInVersion(tag, self.version())).within(tag));
        }
        Ok(())
    }

    /// Writes the raw items that stand behind all fields.
    #[inline(always)]
    pub(crate) fn finish(&mut self, cursor: ExtraCursor<'_, '_>) -> Result<()> {
        if cursor.extra.is_empty() {
            return Ok(());
        }
        self.write_extra(&mut ExtraCursor {
            items: u32::MAX,
            ..cursor
        })
    }

    #[inline(always)]
    fn write<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        value: &T,
    ) -> Result<()> {
        self.before_item(cursor)?;
        match value.write(Tag(row.tag), self) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.within(Tag(row.tag))),
        }
    }

    #[inline]
    fn write_run<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        values: &[T],
    ) -> Result<()> {
        if row.required && values.is_empty() {
            return Err(missing(row));
        }
        if !row.repeat && values.len() > 1 {
            let kind = ErrorKind::RepeatedInVersion(Tag(row.tag), self.version());
            return Err(Error::new(kind).within(Tag(row.tag)));
        }
        for (index, value) in values.iter().enumerate() {
            self.before_item(cursor)?;
            if let Err(error) = value.write(Tag(row.tag), self) {
                return Err(error.within_nth(Tag(row.tag), index));
            }
        }
        Ok(())
    }

    /// Writes the raw items that stand before the next field.
    #[inline(always)]
    fn before_item(&mut self, cursor: &mut ExtraCursor<'_, '_>) -> Result<()> {
        if !cursor.extra.is_empty() {
            self.write_extra(cursor)?;
        }
        cursor.items += 1;
        Ok(())
    }

    #[cold]
    fn write_extra(&mut self, cursor: &mut ExtraCursor<'_, '_>) -> Result<()> {
        while let Some(item) = cursor.extra.due(cursor.next, cursor.items) {
            let write = item.value.write(item.tag, self);
            write.map_err(|error| error.within(item.tag))?;
            cursor.next += 1;
        }
        Ok(())
    }
}

impl<'e, 'a> ExtraCursor<'e, 'a> {
    #[inline(always)]
    pub(crate) fn new(extra: &'e Extra<'a>) -> Self {
        ExtraCursor {
            extra,
            next: 0,
            items: 0,
        }
    }
}

#[cold]
fn missing(row: Row) -> Error {
    Error::new(ErrorKind::MissingField(Tag(row.tag)))
}
