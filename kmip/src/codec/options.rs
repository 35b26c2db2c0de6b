//! How strictly a message is read, and how much of it.

/// Bounds on what a decoder accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest message in bytes.
    pub message_bytes: usize,
    /// Deepest nesting of structures.
    pub depth: usize,
    /// Most items in a message, structures counted.
    pub items: usize,
    /// Most batch items in a message.
    pub batch_items: usize,
    /// Longest Text String in bytes.
    pub text_bytes: usize,
}

impl Default for Limits {
    /// 16 MiB, 32 levels, 1,000,000 items, 10,000 batch items, texts of 1 MiB.
    fn default() -> Self {
        Limits {
            message_bytes: 16 << 20,
            depth: 32,
            items: 1_000_000,
            batch_items: 10_000,
            text_bytes: 1 << 20,
        }
    }
}

/// What to do with items that the specification does not have at their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Unknown, repeated and too new items are kept as raw items beside the typed fields;
    /// fields in another order are read, and so are values of JSON and XML in the spellings of
    /// known peers. The default, since real peers do all of this.
    #[default]
    Lenient,
    /// All of these are errors, and so is padding that is not zero.
    Strict,
}

/// Options of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Strictness.
    pub mode: Mode,
    /// Bounds.
    pub limits: Limits,
}

impl Options {
    /// Strict mode with the default limits.
    pub fn strict() -> Self {
        Options {
            mode: Mode::Strict,
            limits: Limits::default(),
        }
    }
}
