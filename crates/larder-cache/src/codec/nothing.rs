//! Detects values that mean "nothing": those that serialise as `none`.
//!
//! - serde itself decides, so the answer is exact for every type; an empty list or text is
//!   something.
//! - Nothing is written: the first call of the serializer decides.

use std::fmt;

use serde::Serialize;
use serde::ser::{Error, Impossible, Serializer};

/// Reports whether `value` is `None`, also within newtypes and references.
pub(crate) fn is_nothing<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(FirstWord).is_ok()
}

/// A serializer that accepts `none` and refuses everything else.
struct FirstWord;

/// The error for every value other than `none`.
#[derive(Debug)]
struct Something;

impl fmt::Display for Something {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is something")
    }
}

impl std::error::Error for Something {}

impl Error for Something {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Word = Result<(), Something>;
type Compound = Result<Impossible<(), Something>, Something>;

impl Serializer for FirstWord {
    type Ok = ();
    type Error = Something;
    type SerializeSeq = Impossible<(), Something>;
    type SerializeTuple = Impossible<(), Something>;
    type SerializeTupleStruct = Impossible<(), Something>;
    type SerializeTupleVariant = Impossible<(), Something>;
    type SerializeMap = Impossible<(), Something>;
    type SerializeStruct = Impossible<(), Something>;
    type SerializeStructVariant = Impossible<(), Something>;

    fn serialize_none(self) -> Word {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Word {
        Err(Something)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, inner: &T) -> Word {
        inner.serialize(self)
    }

    fn serialize_bool(self, _: bool) -> Word {
        Err(Something)
    }

    fn serialize_i8(self, _: i8) -> Word {
        Err(Something)
    }

    fn serialize_i16(self, _: i16) -> Word {
        Err(Something)
    }

    fn serialize_i32(self, _: i32) -> Word {
        Err(Something)
    }

    fn serialize_i64(self, _: i64) -> Word {
        Err(Something)
    }

    fn serialize_u8(self, _: u8) -> Word {
        Err(Something)
    }

    fn serialize_u16(self, _: u16) -> Word {
        Err(Something)
    }

    fn serialize_u32(self, _: u32) -> Word {
        Err(Something)
    }

    fn serialize_u64(self, _: u64) -> Word {
        Err(Something)
    }

    fn serialize_f32(self, _: f32) -> Word {
        Err(Something)
    }

    fn serialize_f64(self, _: f64) -> Word {
        Err(Something)
    }

    fn serialize_char(self, _: char) -> Word {
        Err(Something)
    }

    fn serialize_str(self, _: &str) -> Word {
        Err(Something)
    }

    fn serialize_bytes(self, _: &[u8]) -> Word {
        Err(Something)
    }

    fn serialize_unit(self) -> Word {
        Err(Something)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Word {
        Err(Something)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Word {
        Err(Something)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Word {
        Err(Something)
    }

    fn serialize_seq(self, _: Option<usize>) -> Compound {
        Err(Something)
    }

    fn serialize_tuple(self, _: usize) -> Compound {
        Err(Something)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Compound {
        Err(Something)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Compound {
        Err(Something)
    }

    fn serialize_map(self, _: Option<usize>) -> Compound {
        Err(Something)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Compound {
        Err(Something)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Compound {
        Err(Something)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serialises_as_none_is_nothing() {
        #[derive(Serialize)]
        struct Found(Option<u32>);
        #[derive(Serialize)]
        struct Row {
            id: Option<u32>,
        }
        assert!(is_nothing(&None::<String>));
        assert!(is_nothing(&Found(None)));
        assert!(is_nothing(&std::sync::Arc::new(None::<u8>)));
        assert!(!is_nothing(&Some(())));
        assert!(!is_nothing(&Some(None::<u8>)));
        assert!(!is_nothing(&Found(Some(0))));
        assert!(!is_nothing(&Row { id: None }));
        assert!(!is_nothing(&()) && !is_nothing("") && !is_nothing(&Vec::<u8>::new()));
    }
}
