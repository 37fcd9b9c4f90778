//! From a document's text to a Worker's own type, by serde.
//!
//! By hand, for by this a reader makes its Worker larger and its cold start slower: `serde_json`'s
//! parser with `serde_path_to_error` on it is 14 KB larger (gzipped). A misfit is named by its pointer,
//! and never by its value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::key::Key;
use super::{Pass, Refused, Rejection};

/// The name by which [`Raw`] asks for a text.
const RAW: &str = "bellwether::Raw";

/// A value's text, to be parsed when it is needed: JSON, of whatever kind. Only [`typed`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub Box<str>);

/// Parses all of a document at once: either every field of `T` fits, or none of the document is
/// used. `float` reads a number of JSON that is no integer of 64 bits: `str::parse`, or what is
/// smaller and the platform has.
///
/// # Errors
/// The first misfit.
pub fn typed<T: DeserializeOwned>(text: &str, float: fn(&str) -> f64) -> Result<T, Rejection> {
    let mut document = Typed {
        pass: Pass::new(text),
        depth: 0,
        float,
    };
    let value = T::deserialize(&mut document)?;
    match document.pass.peek() {
        None => Ok(value),
        Some(_) => Err(document.syntax("trailing characters")),
    }
}

struct Typed<'de> {
    pass: Pass<'de>,
    depth: usize,
    float: fn(&str) -> f64,
}

impl<'de> Typed<'de> {
    /// What the pass read, or what it refused.
    #[inline(never)]
    fn passed<R>(&self, read: Result<R, Refused>) -> Result<R, Rejection> {
        read.map_err(|Refused| Rejection::new(self.pass.refusal.1.clone()))
    }

    #[inline(never)]
    fn syntax(&mut self, message: &str) -> Rejection {
        let Refused = self.pass.syntax(message);
        Rejection::new(self.pass.refusal.1.clone())
    }

    #[inline(never)]
    fn string(&mut self) -> Result<Cow<'de, str>, Rejection> {
        let string = self.pass.string();
        self.passed(string)
    }

    #[inline(never)]
    fn word(&mut self, word: &str) -> Result<(), Rejection> {
        let read = self.pass.word(word);
        self.passed(read)
    }

    /// Reads an opening bracket.
    #[inline(never)]
    fn open(&mut self, closing: u8) -> Result<Within<'_, 'de>, Rejection> {
        let depth = self.pass.enter(self.depth);
        self.depth = self.passed(depth)?;
        Ok(Within {
            typed: self,
            closing,
            count: 0,
            key: Cow::Borrowed(""),
            is_over: false,
        })
    }

    /// Not inlined, as all that is not generic: it would be there once for each type.
    #[inline(never)]
    fn number(&mut self) -> Result<Number, Rejection> {
        let digits = self.pass.digits_of_number();
        let digits = self.passed(digits)?;
        if let Ok(whole) = digits.parse() {
            return Ok(Number::Unsigned(whole));
        }
        // An integer has no nought with a sign.
        if let Ok(whole) = digits.parse()
            && whole != 0
        {
            return Ok(Number::Signed(whole));
        }
        let float = (self.float)(digits);
        if float.is_finite() {
            Ok(Number::Float(float))
        } else {
            Err(out_of_range())
        }
    }
}

enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Number {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        match self {
            Self::Unsigned(whole) => visitor.visit_u64(whole),
            Self::Signed(whole) => visitor.visit_i64(whole),
            Self::Float(float) => visitor.visit_f64(float),
        }
    }
}

#[inline(never)]
fn out_of_range() -> Rejection {
    Rejection::new("number out of range".to_owned())
}

/// What a visitor makes of what is between two brackets.
macro_rules! within {
    ($typed:expr, $closing:expr, $visitor:ident.$visit:ident) => {{
        let mut within = $typed.open($closing)?;
        let value = $visitor.$visit(&mut within)?;
        within.close().map(|()| value)
    }};
}

impl<'de> Deserializer<'de> for &mut Typed<'de> {
    type Error = Rejection;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        match self.pass.peek() {
            Some(b'{') => within!(self, b'}', visitor.visit_map),
            Some(b'[') => within!(self, b']', visitor.visit_seq),
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'-' | b'0'..=b'9') => self.number()?.visit(visitor),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => Err(self.syntax("expected value")),
        }
    }

    /// What is beyond it must not become infinity.
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        match self.pass.peek() {
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Number::Float(float) if !(float as f32).is_finite() => Err(out_of_range()),
                number => number.visit(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        match self.pass.peek() {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        self.pass.peek();
        let start = self.pass.at;
        IgnoredAny::deserialize(&mut *self)?;
        visitor.visit_borrowed_str(self.pass.read_since(start))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        match self.pass.peek() {
            Some(b'{') => within!(self, b'}', visitor.visit_enum),
            Some(b'"') => Key(self.string()?).deserialize_enum(name, variants, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// What is between two brackets, or the one variant of an enum that is.
struct Within<'w, 'de> {
    typed: &'w mut Typed<'de>,
    closing: u8,
    count: usize,
    key: Cow<'de, str>,
    is_over: bool,
}

impl<'de> Within<'_, 'de> {
    /// All of it must have been read.
    #[inline(never)]
    fn close(&mut self) -> Result<(), Rejection> {
        if self.goes_on()? {
            return Err(Rejection::new("invalid length, expected fewer".to_owned()));
        }
        self.typed.depth -= 1;
        Ok(())
    }

    /// Whether another member follows; reads what is before it, or the closing bracket.
    #[inline(never)]
    fn goes_on(&mut self) -> Result<bool, Rejection> {
        let pass = &mut self.typed.pass;
        let goes_on = if self.is_over {
            return Ok(false);
        } else if self.count == 0 {
            Ok(!pass.skip(self.closing))
        } else {
            pass.goes_on(self.closing, "expected `,` or a closing bracket")
        };
        let goes_on = self.typed.passed(goes_on)?;
        self.count += 1;
        self.is_over = !goes_on;
        Ok(goes_on)
    }

    /// The next member's key, to which its value's pointer belongs.
    #[inline(never)]
    fn member(&mut self) -> Result<Option<Cow<'de, str>>, Rejection> {
        if !self.goes_on()? {
            return Ok(None);
        }
        let key = self.typed.pass.key();
        self.key = self.typed.passed(key)?;
        Ok(Some(self.key.clone()))
    }

    fn below<R>(&self, read: Result<R, Rejection>) -> Result<R, Rejection> {
        read.map_err(|rejection| rejection.below(&self.key))
    }
}

impl<'de> MapAccess<'de> for &mut Within<'_, 'de> {
    type Error = Rejection;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Rejection> {
        let Some(key) = self.member()? else {
            return Ok(None);
        };
        let key = seed.deserialize(Key(key));
        self.below(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Rejection> {
        let value = seed.deserialize(&mut *self.typed);
        self.below(value)
    }
}

impl<'de> SeqAccess<'de> for &mut Within<'_, 'de> {
    type Error = Rejection;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Rejection> {
        let index = self.count;
        if !self.goes_on()? {
            return Ok(None);
        }
        let item = seed.deserialize(&mut *self.typed);
        item.map(Some)
            .map_err(|rejection| rejection.below(&index.to_string()))
    }
}

impl<'de> EnumAccess<'de> for &mut Within<'_, 'de> {
    type Error = Rejection;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Rejection> {
        let Some(variant) = self.member()? else {
            return Err(Rejection::invalid_length(0, &"an object with one member"));
        };
        let variant = seed.deserialize(Key(variant));
        Ok((self.below(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Within<'_, 'de> {
    type Error = Rejection;

    fn unit_variant(self) -> Result<(), Rejection> {
        self.newtype_variant_seed(PhantomData)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Rejection> {
        let value = seed.deserialize(&mut *self.typed);
        self.below(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Rejection> {
        let value = self.typed.deserialize_any(visitor);
        self.below(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        let value = self.typed.deserialize_any(visitor);
        self.below(value)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value whose text can be had")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw(text.into()))
    }
}
