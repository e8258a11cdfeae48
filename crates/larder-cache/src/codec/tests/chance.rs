//! Random bytes: they are opened as a value or refused with an error, never a panic.

use proptest::prelude::*;

use super::*;

/// Bytes that are no envelope, that begin like one, and that are one around garbage.
fn any_bytes() -> impl Strategy<Value = Bytes> {
    let garbage = || prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        garbage().prop_map(Bytes::from),
        garbage().prop_map(|tail| [b"LDR\x02", &tail[..]].concat().into()),
        garbage().prop_map(|payload| forge(of::<Product>(), &payload)),
        garbage().prop_map(|payload| forge(of::<Event>(), &payload)),
        (garbage(), 0..16_usize).prop_map(|(tail, flips)| correct_tag(tail, flips)),
    ]
}

/// Garbage with a correct front and tag, whose lengths and flags are wrong.
fn correct_tag(mut bytes: Vec<u8>, zeros: usize) -> Bytes {
    bytes.resize(bytes.len().max(52), 0);
    bytes[44..44 + zeros.min(8)].fill(0);
    bytes[..4].copy_from_slice(b"LDR\x02");
    sealed_again(bytes)
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in any_bytes()) {
        let _ = read::<Product>(&bytes);
        let _ = read::<Event>(&bytes);
        if let Ok(sealed) = open(&bytes) {
            let _ = sealed.value::<Product>(sealed.fingerprint());
            let _ = sealed.value::<Tree>(sealed.fingerprint());
            let _ = sealed.bytes(sealed.fingerprint());
        }
    }

    #[test]
    fn any_flipped_bit_is_an_error(at in 0..sealed_tea().len(), bit in 0..8_u32) {
        let mut bytes = sealed_tea().to_vec();
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(read::<Product>(&bytes.into()).is_err());
    }

    #[test]
    fn any_truncation_is_an_error(end in 0..sealed_tea().len()) {
        prop_assert!(read::<Product>(&sealed_tea().slice(..end)).is_err());
    }

    #[test]
    fn any_addition_is_an_error(tail in prop::collection::vec(any::<u8>(), 1..9)) {
        let bytes = [&sealed_tea()[..], &tail].concat();
        prop_assert!(read::<Product>(&bytes.into()).is_err());
    }

    #[test]
    fn any_value_comes_back(
        text in ".*", numbers in prop::collection::vec(any::<i64>(), 0..3_000),
        header in prop::collection::vec(any::<u8>(), 0..50), float in any::<u32>(),
    ) {
        let value = (text, numbers, Some(float));
        type Value = (String, Vec<i64>, Option<u32>);
        let bytes = seal(of::<Value>(), &header, &value).unwrap();
        let sealed = open(&bytes).unwrap();
        prop_assert_eq!(sealed.header(), &header);
        prop_assert_eq!(sealed.value::<Value>(of::<Value>()).unwrap(), value);
    }
}
