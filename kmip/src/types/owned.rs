//! From borrowed to owned values.

use std::borrow::Cow;

/// Values that may borrow from a message and can be made independent of it.
pub trait IntoOwned {
    /// The same type without borrowing.
    type Owned: 'static;

    /// Copies what is borrowed.
    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = Cow<'static, str>;

    fn into_owned(self) -> <Self as IntoOwned>::Owned {
        Cow::Owned(Cow::into_owned(self))
    }
}

impl IntoOwned for Cow<'_, [u8]> {
    type Owned = Cow<'static, [u8]>;

    fn into_owned(self) -> <Self as IntoOwned>::Owned {
        Cow::Owned(Cow::into_owned(self))
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }
}

impl<T: IntoOwned> IntoOwned for Box<T> {
    type Owned = Box<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        Box::new((*self).into_owned())
    }
}

/// Values that never borrow.
macro_rules! owned {
    ($($type:ty),*) => {
        $(impl $crate::types::IntoOwned for $type {
            type Owned = $type;

            #[inline]
            fn into_owned(self) -> $type {
                self
            }
        })*
    };
}

pub(crate) use owned;

owned!(i32, i64, u32, bool, crate::version::ProtocolVersion);
