//! A deserializer adapter that limits the cost of a short input.
//!
//! Postcard encodes zero-sized values as nothing at all, so ten bytes can announce 2^63 elements of
//! a `BTreeSet<()>`, and a recursive type nests once per byte. The adapter passes every call
//! through and counts elements of sequences and maps, values without bytes, and levels of nesting.
//! Honest values never come near the limits.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::stack::Stack;

/// The number of elements allowed beyond those that the input pays for.
const FREE: usize = 1 << 20;
/// The number of elements that one byte of input pays for: the one it encodes, and the markers
/// (`PhantomData`) of the struct around it.
const PER_BYTE: usize = 16;
/// The maximum depth of nesting, whatever the stack. A level of a large type may exhaust a thread's
/// stack earlier, in debug builds above all, so the stack is checked as well.
const DEEPEST: usize = 512;

/// The remaining budget for one input, and the exceeded limit, if any.
pub(super) struct Limits {
    elements: usize,
    allowed: usize,
    bytes: usize,
    stack: Stack,
    exceeded: Option<Exceeded>,
}

#[derive(Clone, Copy)]
enum Exceeded {
    Elements,
    Depth,
    Stack,
}

impl Limits {
    /// The limits for an input of `bytes` bytes.
    pub(super) fn for_bytes(bytes: usize) -> Self {
        let allowed = bytes.saturating_mul(PER_BYTE).saturating_add(FREE);
        Self {
            elements: allowed,
            allowed,
            bytes,
            stack: Stack::here(),
            exceeded: None,
        }
    }

    /// Explains which limit was exceeded, if one was.
    pub(super) fn explain(&self) -> Option<String> {
        let Self { bytes, allowed, .. } = self;
        Some(match self.exceeded? {
            Exceeded::Elements => format!(
                "its {bytes} bytes encode more than {allowed} elements ({PER_BYTE} per byte plus \
                 {FREE}): send a number instead of values without content"
            ),
            Exceeded::Depth => format!(
                "it is nested too deeply, more than {DEEPEST} levels deep: send a list instead of \
                 a chain of boxes"
            ),
            Exceeded::Stack => {
                "it is nested too deeply for the stack of the thread that decodes it: send a list \
                 instead of a chain of boxes, or decode it on a thread with a larger stack"
                    .to_owned()
            }
        })
    }

    #[inline]
    fn charge<E: Error>(&mut self) -> Result<(), E> {
        match self.elements.checked_sub(1) {
            Some(left) => {
                self.elements = left;
                Ok(())
            }
            None => Err(self.exceed(Exceeded::Elements)),
        }
    }

    #[cold]
    fn exceed<E: Error>(&mut self, limit: Exceeded) -> E {
        self.exceeded = Some(limit);
        E::custom("a limit of the decoder")
    }
}

/// The adapter. `depth` is the number of levels allowed below this one; `paid` means that this
/// value has already been counted.
pub(super) struct Bounded<'a, D> {
    inner: D,
    limits: &'a mut Limits,
    depth: usize,
    paid: bool,
}

impl<'a, D> Bounded<'a, D> {
    pub(super) fn new(inner: D, limits: &'a mut Limits) -> Self {
        Self {
            inner,
            limits,
            depth: DEEPEST,
            paid: false,
        }
    }

    /// Wraps the visitor of a value that contains others. `counted` is true if the input itself
    /// says how many elements follow.
    #[inline]
    fn nest<V, E: Error>(self, visitor: V, counted: bool) -> Result<(D, Nested<'a, V>), E> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.limits.exceed(Exceeded::Depth));
        };
        if !self.limits.stack.has_room() {
            return Err(self.limits.exceed(Exceeded::Stack));
        }
        let nested = Nested {
            inner: visitor,
            limits: self.limits,
            depth,
            counted,
        };
        Ok((self.inner, nested))
    }
}

/// Values that contain no others.
macro_rules! leaves {
    ($($method:ident)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
                self.inner.$method(visitor)
            }
        )*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    leaves! {
        deserialize_any deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_identifier deserialize_ignored_any
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if !self.paid {
            self.limits.charge()?;
        }
        self.inner.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if !self.paid {
            self.limits.charge()?;
        }
        self.inner.deserialize_unit_struct(name, visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, false)?;
        inner.deserialize_option(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, false)?;
        inner.deserialize_newtype_struct(name, visitor)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, true)?;
        inner.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, true)?;
        inner.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, false)?;
        inner.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, false)?;
        inner.deserialize_tuple_struct(name, len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, false)?;
        inner.deserialize_struct(name, fields, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (inner, visitor) = self.nest(visitor, false)?;
        inner.deserialize_enum(name, variants, visitor)
    }
}

/// A visitor, seed, or access whose nested values are bounded too.
struct Nested<'a, T> {
    inner: T,
    limits: &'a mut Limits,
    depth: usize,
    counted: bool,
}

impl<T> Nested<'_, T> {
    /// The access, and a seed under the same limits.
    #[inline]
    fn seed<S>(&mut self, seed: S, counted: bool) -> (&mut T, Nested<'_, S>) {
        let nested = Nested {
            inner: seed,
            limits: self.limits,
            depth: self.depth,
            counted,
        };
        (&mut self.inner, nested)
    }
}

impl<'a, T> Nested<'a, T> {
    #[inline]
    fn split<U>(self, inner: U) -> (T, Nested<'a, U>) {
        let Nested {
            inner: outer,
            limits,
            depth,
            counted,
        } = self;
        let nested = Nested {
            inner,
            limits,
            depth,
            counted,
        };
        (outer, nested)
    }

    #[inline]
    fn bound<D>(self, inner: D) -> (T, Bounded<'a, D>) {
        let bounded = Bounded {
            inner,
            limits: self.limits,
            depth: self.depth,
            paid: self.counted,
        };
        (self.inner, bounded)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Nested<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let (visitor, bounded) = self.bound(inner);
        visitor.visit_some(bounded)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let (visitor, bounded) = self.bound(inner);
        visitor.visit_newtype_struct(bounded)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let (visitor, nested) = self.split(access);
        visitor.visit_seq(nested)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let (visitor, nested) = self.split(access);
        visitor.visit_map(nested)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let (visitor, nested) = self.split(access);
        visitor.visit_enum(nested)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nested<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        if self.counted {
            self.limits.charge()?;
        }
        let (seed, bounded) = self.bound(inner);
        seed.deserialize(bounded)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Nested<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let (access, nested) = self.seed(seed, self.counted);
        access.next_element_seed(nested)
    }

    /// The announced length, capped: the input may announce more elements than it can hold.
    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.inner.size_hint()?.min(self.limits.elements))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Nested<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let (access, nested) = self.seed(seed, self.counted);
        access.next_key_seed(nested)
    }

    /// The entry was counted with its key.
    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let (access, nested) = self.seed(seed, false);
        access.next_value_seed(nested)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.inner.size_hint()?.min(self.limits.elements))
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Nested<'a, A> {
    type Error = A::Error;
    type Variant = Nested<'a, A::Variant>;

    /// A variant is encoded as its number, which contains no other value.
    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (access, nested) = self.split(());
        let (value, variant) = access.variant_seed(seed)?;
        Ok((value, nested.split(variant).1))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Nested<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let (access, nested) = self.split(seed);
        access.newtype_variant_seed(nested)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let (access, nested) = self.split(visitor);
        access.tuple_variant(len, nested)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let (access, nested) = self.split(visitor);
        access.struct_variant(fields, nested)
    }
}
