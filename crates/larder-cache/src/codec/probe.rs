//! A deserializer without data: it answers each request with a small value and records the request.
//!
//! It reads as bincode does: structs are sequences of fields, variants are numbers, and requests
//! that only self-describing formats can answer are refused.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor, value::Error,
};

use super::schema::Schema;

/// Answers for text, in the order they are tried.
///
/// Plain, a number, a date, an address, a UUID, a URL.
const TEXTS: [&str; 8] = [
    "",
    "a",
    "1",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "127.0.0.1",
    "00000000-0000-4000-8000-000000000000",
    "http://a/",
];

/// Lengths of answers for bytes: an empty body, then those of UUIDs, addresses and digests.
const LENGTHS: [usize; 7] = [0, 16, 4, 8, 12, 20, 32];

macro_rules! numbers {
    ($($method:ident $visit:ident $name:literal $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            // One first: types that reject zero are common.
            let answers = [1 as $type, 0 as $type, 2 as $type];
            let answer = self.leaf($name, answers.len())?;
            visitor.$visit(answers[answer])
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Schema {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 "i8" i8;
        deserialize_i16 visit_i16 "i16" i16;
        deserialize_i32 visit_i32 "i32" i32;
        deserialize_i64 visit_i64 "i64" i64;
        deserialize_i128 visit_i128 "i128" i128;
        deserialize_u8 visit_u8 "u8" u8;
        deserialize_u16 visit_u16 "u16" u16;
        deserialize_u32 visit_u32 "u32" u32;
        deserialize_u64 visit_u64 "u64" u64;
        deserialize_u128 visit_u128 "u128" u128;
        deserialize_f32 visit_f32 "f32" f32;
        deserialize_f64 visit_f64 "f64" f64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let answer = self.leaf("bool", 2)?;
        visitor.visit_bool(answer == 1)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let answers = ['a', '1'];
        let answer = self.leaf("char", answers.len())?;
        visitor.visit_char(answers[answer])
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let answer = self.leaf("text", TEXTS.len())?;
        visitor.visit_string(TEXTS[answer].to_owned())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let answer = self.leaf("bytes", LENGTHS.len())?;
        visitor.visit_byte_buf(vec![0; LENGTHS[answer]])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("?")?;
        if self.is_recursing() {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("unit,")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name)?;
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name)?;
        self.within(name, |schema| visitor.visit_newtype_struct(schema))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("*")?;
        let left = usize::from(!self.is_recursing());
        visitor.visit_seq(Items { schema: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within("", |schema| visitor.visit_seq(Items { schema, left }))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name)?;
        self.within(name, |schema| visitor.visit_seq(Items { schema, left }))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("**")?;
        let left = usize::from(!self.is_recursing());
        visitor.visit_map(Items { schema: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(&format!("{name}{fields:?}"))?;
        let left = fields.len();
        self.within(name, |schema| visitor.visit_seq(Items { schema, left }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(&format!("{name}{variants:?}"))?;
        let Some(index) = self.variant((name, variants)) else {
            return Err(self.refuse("an enum without variants has no values"));
        };
        self.note(&format!("#{index}"))?;
        self.within(name, |schema| visitor.visit_enum(Variant { schema, index }))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.refuse("bincode does not say what comes next (untagged, tag, any)"))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.refuse("bincode does not write field names (flatten)"))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.refuse("bincode cannot skip what it does not know"))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence, map or struct that are not answered yet.
struct Items<'a> {
    schema: &'a mut Schema,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.schema).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.schema)
    }
}

/// One variant of an enum.
struct Variant<'a> {
    schema: &'a mut Schema,
    index: usize,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let index: serde::de::value::U32Deserializer<Error> =
            (self.index as u32).into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.schema)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.schema.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.schema.deserialize_struct("", fields, visitor)
    }
}
