//! Values: the types that inputs and outputs consist of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::digest::Digest;

/// A type whose content is hashed alike in every process.
///
/// | type | words of the hash |
/// |---|---|
/// | integers, `bool`, `char` | the number; 128 bits are two words, the lower one first |
/// | `f32`, `f64` | the bits of the `f64`; all NaNs are one |
/// | text, bytes, paths | the number of bytes, then the bytes |
/// | lists, sets, sorted maps | the number of items, then each |
/// | tuples, arrays, references, boxes | the parts |
/// | `Option` | 0, or 1 and the content |
/// | `Duration` | seconds, nanoseconds |
///
/// [`value!`](crate::value!) implements it for a structure of such types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be hashed alike in every process",
    label = "no `job::Value`",
    note = "inputs and outputs are numbers, text, bytes, and tuples, lists and sorted maps of these",
    note = "a structure of your own: `job::value!(Type {{ field, field }});`",
    note = "a type that implements `Hash`: return `job::Hashed(value)`",
    note = "a HashMap has no order that repeats: collect it into a BTreeMap"
)]
pub trait Value {
    /// Adds the content to the hash.
    fn feed(&self, digest: &mut Digest);

    /// Adds a list: the number of its items, then each.
    fn feed_list(list: &[Self], digest: &mut Digest)
    where
        Self: Sized,
    {
        digest.word(list.len() as u64);
        for item in list {
            item.feed(digest);
        }
    }
}

/// Implements [`Value`] for a structure of values, by its fields in this order.
///
/// ```
/// struct Order {
///     customer: String,
///     cents: Vec<u64>,
/// }
///
/// job::value!(Order { customer, cents });
/// ```
#[macro_export]
macro_rules! value {
    ($type:ty { $($field:tt),* $(,)? }) => {
        impl $crate::Value for $type {
            fn feed(&self, digest: &mut $crate::Digest) {
                $($crate::Value::feed(&self.$field, digest);)*
            }
        }
    };
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl Value for $type {
            #[inline]
            fn feed(&self, digest: &mut Digest) {
                digest.word(*self as u64);
            }
        })*
    };
}

numbers!(u16, u32, u64, usize, i8, i16, i32, i64, isize, bool);

impl Value for char {
    fn feed(&self, digest: &mut Digest) {
        digest.word(u64::from(*self));
    }
}

impl Value for u128 {
    fn feed(&self, digest: &mut Digest) {
        digest.word(*self as u64);
        digest.word((*self >> 64) as u64);
    }
}

impl Value for i128 {
    fn feed(&self, digest: &mut Digest) {
        self.cast_unsigned().feed(digest);
    }
}

impl Value for f64 {
    fn feed(&self, digest: &mut Digest) {
        let one = if self.is_nan() { f64::NAN } else { *self };
        digest.word(one.to_bits());
    }
}

impl Value for f32 {
    fn feed(&self, digest: &mut Digest) {
        f64::from(*self).feed(digest);
    }
}

impl Value for str {
    fn feed(&self, digest: &mut Digest) {
        digest.bytes(self.as_bytes());
    }
}

impl Value for String {
    fn feed(&self, digest: &mut Digest) {
        self.as_str().feed(digest);
    }
}

impl Value for Path {
    fn feed(&self, digest: &mut Digest) {
        digest.bytes(self.as_os_str().as_encoded_bytes());
    }
}

impl Value for PathBuf {
    fn feed(&self, digest: &mut Digest) {
        self.as_path().feed(digest);
    }
}

macro_rules! shown {
    ($($type:ty),*) => {
        $(impl Value for $type {
            fn feed(&self, digest: &mut Digest) {
                self.to_string().feed(digest);
            }
        })*
    };
}

shown!(IpAddr, SocketAddr);

impl Value for Duration {
    fn feed(&self, digest: &mut Digest) {
        digest.word(self.as_secs());
        digest.word(u64::from(self.subsec_nanos()));
    }
}

impl<T: Value> Value for Option<T> {
    fn feed(&self, digest: &mut Digest) {
        digest.word(u64::from(self.is_some()));
        if let Some(content) = self {
            content.feed(digest);
        }
    }
}

impl Value for u8 {
    fn feed(&self, digest: &mut Digest) {
        digest.word(u64::from(*self));
    }

    /// Bytes are packed, eight to a word.
    fn feed_list(list: &[u8], digest: &mut Digest) {
        digest.bytes(list);
    }
}

impl<T: Value> Value for [T] {
    fn feed(&self, digest: &mut Digest) {
        T::feed_list(self, digest);
    }
}

impl<T: Value> Value for Vec<T> {
    fn feed(&self, digest: &mut Digest) {
        T::feed_list(self, digest);
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn feed(&self, digest: &mut Digest) {
        for item in self {
            item.feed(digest);
        }
    }
}

macro_rules! sequences {
    ($($type:ident),*) => {
        $(impl<T: Value> Value for $type<T> {
            fn feed(&self, digest: &mut Digest) {
                digest.word(self.len() as u64);
                for item in self {
                    item.feed(digest);
                }
            }
        })*
    };
}

sequences!(BTreeSet, VecDeque);

impl<K: Value, V: Value> Value for BTreeMap<K, V> {
    fn feed(&self, digest: &mut Digest) {
        digest.word(self.len() as u64);
        for (key, value) in self {
            key.feed(digest);
            value.feed(digest);
        }
    }
}

macro_rules! pointers {
    ($($type:ty),*) => {
        $(impl<T: Value + ?Sized> Value for $type {
            fn feed(&self, digest: &mut Digest) {
                (**self).feed(digest);
            }
        })*
    };
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Value + ToOwned + ?Sized> Value for Cow<'_, T> {
    fn feed(&self, digest: &mut Digest) {
        (**self).feed(digest);
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Value),*> Value for ($($name,)*) {
            #[allow(non_snake_case, unused_variables)]
            fn feed(&self, digest: &mut Digest) {
                let ($($name,)*) = self;
                $($name.feed(digest);)*
            }
        }
    };
}

tuples!();
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

/// The hash of a value.
pub(crate) fn hash(value: &impl Value) -> u64 {
    let mut digest = Digest::new();
    value.feed(&mut digest);
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_has_one_hash_however_it_is_held() {
        let owned = vec![String::from("a"), String::from("bc")];
        let right = hash(&owned);
        assert_eq!(hash(&["a", "bc"].as_slice()), right);
        assert_eq!(hash(&Arc::new(owned.clone())), right);
        assert_eq!(hash(&owned.iter().collect::<Vec<_>>()), right);
        assert_eq!(hash(&Cow::Borrowed("x")), hash(&"x".to_owned()));
        assert_eq!(hash(&vec![1_u8, 2]), hash(&[1_u8, 2].as_slice()));
        assert_eq!(hash(&7_u16), hash(&7_u64));
        assert_eq!(hash(&f64::NAN), hash(&-f64::NAN));
    }

    #[test]
    fn different_content_has_different_hashes() {
        let hashes = [
            hash(&(1, 2)),
            hash(&(2, 1)),
            hash(&vec![1, 2]),
            hash(&vec![vec![1], vec![2]]),
            hash(&vec![vec![1, 2], vec![]]),
            hash(&Some(1)),
            hash(&Some(None::<i32>)),
            hash(&"12"),
            hash(&("1", "2")),
            hash(&0.0),
            hash(&-0.0),
            hash(&BTreeMap::from([(2, 1)])),
            hash(&u128::MAX),
            hash(&-1_i64),
        ];
        for (place, one) in hashes.iter().enumerate() {
            assert!(!hashes[..place].contains(one), "{place}");
        }
    }
}
