//! Values as bytes: whole numbers in plain text, so that a store can count; other values sealed.
//!
//! - A whole number is a value of an integer type of up to 64 bits that fits into an `i64`.
//! - A `bool` is not a whole number, nor is a struct around a number: both are sealed.
//! - A number can be read as any integer type that it fits into.
//! - A number has no seal: an attacker who can write to the store can write any number.

use std::any::{Any, TypeId};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::{self, CodecError, Fingerprint, Slot},
    store::number,
};

macro_rules! for_each_integer {
    ($apply:ident) => {
        $apply!(i64, u64, i32, u32, i16, u16, i8, u8, isize, usize)
    };
}

/// Encodes a value; `T` is its owned form, the type that it is read as.
pub(super) fn write<V, T>(slot: Slot<'_>, value: &V) -> Result<Bytes, CodecError>
where
    V: Serialize + ToOwned<Owned = T> + ?Sized,
    T: DeserializeOwned + 'static,
{
    if is_integer::<T>()
        && let Some(number) = to_number(&value.to_owned())
    {
        return Ok(number.to_string().into());
    }
    codec::seal(slot, Fingerprint::of::<T>()?, &[], value)
}

/// Encodes an owned value.
pub(super) fn write_owned<T>(slot: Slot<'_>, value: &T) -> Result<Bytes, CodecError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    match to_number(value) {
        Some(number) => Ok(number.to_string().into()),
        None => codec::seal(slot, Fingerprint::of::<T>()?, &[], value),
    }
}

/// Decodes a value.
pub(crate) fn read<T>(slot: Slot<'_>, bytes: &Bytes) -> Result<T, CodecError>
where
    T: DeserializeOwned + 'static,
{
    if is_integer::<T>()
        && let Some(number) = number::whole(bytes)
    {
        return from_number(number)
            .ok_or_else(|| CodecError::Payload(format!("{number} does not fit")));
    }
    codec::open(slot, bytes)?.value(Fingerprint::of::<T>()?)
}

fn is_integer<T: 'static>() -> bool {
    let wanted = TypeId::of::<T>();
    macro_rules! is_one_of {
        ($($integer:ty),*) => { $(wanted == TypeId::of::<$integer>())||* };
    }
    for_each_integer!(is_one_of)
}

fn to_number(value: &dyn Any) -> Option<i64> {
    macro_rules! take_first {
        ($($integer:ty),*) => {$(
            if let Some(number) = value.downcast_ref::<$integer>() {
                return i64::try_from(*number).ok();
            }
        )*};
    }
    for_each_integer!(take_first);
    None
}

fn from_number<T: 'static>(number: i64) -> Option<T> {
    macro_rules! fill_first {
        ($($integer:ty),*) => {$(
            let mut slot = <$integer>::try_from(number).ok();
            if let Some(slot) = (&mut slot as &mut dyn Any).downcast_mut::<Option<T>>() {
                return slot.take();
            }
        )*};
    }
    for_each_integer!(fill_first);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Guard;

    const SLOT: Slot<'_> = Slot::new(&Guard::Process, "n");

    fn write<V, T>(value: &V) -> Result<Bytes, CodecError>
    where
        V: Serialize + ToOwned<Owned = T> + ?Sized,
        T: DeserializeOwned + 'static,
    {
        super::write(SLOT, value)
    }

    fn read<T: DeserializeOwned + 'static>(bytes: &Bytes) -> Result<T, CodecError> {
        super::read(SLOT, bytes)
    }

    #[test]
    fn whole_numbers_are_plain_text() {
        assert_eq!(write(&42_i64).unwrap(), "42");
        assert_eq!(write_owned(SLOT, &200_u8).unwrap(), "200");
        assert_eq!(read::<u16>(&Bytes::from_static(b"42")), Ok(42));
    }

    #[test]
    fn a_number_that_does_not_fit_is_not_read() {
        assert!(read::<u8>(&Bytes::from_static(b"300")).is_err());
        assert!(read::<u64>(&Bytes::from_static(b"-1")).is_err());
    }

    #[test]
    fn a_number_beyond_64_signed_bits_is_sealed() {
        let bytes = write(&u64::MAX).unwrap();
        assert_eq!(number::whole(&bytes), None);
        assert_eq!(read(&bytes), Ok(u64::MAX));
    }

    #[test]
    fn a_bool_is_not_a_number() {
        let bytes = write(&true).unwrap();
        assert_eq!(number::whole(&bytes), None);
        assert!(read::<i64>(&bytes).is_err());
        assert!(read::<bool>(&Bytes::from_static(b"1")).is_err());
    }
}
