//! The buffer of a text writer.

use super::Style;

/// A buffer that is filled with an item a line, or without white space.
#[derive(Debug)]
pub(crate) struct Lines<'b> {
    pub(crate) buffer: &'b mut Vec<u8>,
    style: Style,
    /// How many structures are open.
    pub(crate) depth: usize,
}

impl<'b> Lines<'b> {
    pub(crate) fn new(buffer: &'b mut Vec<u8>, style: Style) -> Self {
        Lines {
            buffer,
            style,
            depth: 0,
        }
    }

    /// Whether enumerations and masks have their names.
    #[inline(always)]
    pub(crate) fn has_names(&self) -> bool {
        self.style != Style::Numbers
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    #[inline(always)]
    pub(crate) fn end_of_line(&mut self) {
        if self.style == Style::Indented {
            self.buffer.push(b'\n');
        }
    }

    #[inline(always)]
    pub(crate) fn indent(&mut self) {
        if self.style == Style::Indented {
            let width = self.buffer.len() + 2 * self.depth;
            self.buffer.resize(width, b' ');
        }
    }
}
