use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// What the shop caches looks like this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Product {
    id: i64,
    title: String,
    price_cents: u32,
    tags: Vec<String>,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Opened,
    Sold(u32, f64),
    Moved { to: Place, by: Option<String> },
    Closed(Reason),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Place {
    Shelf(u8),
    Cellar,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reason(String);

/// Contains itself in every way there is.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tree {
    next: Option<Box<Tree>>,
    children: Vec<Tree>,
    by_name: BTreeMap<String, Tree>,
    formula: Formula,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Formula {
    Add(Box<Formula>, Box<Formula>),
    Not(Box<Formula>),
    Number(i32),
}

fn tea() -> Product {
    Product {
        id: 7,
        title: "Tea".to_owned(),
        price_cents: 499,
        tags: vec!["hot".to_owned(), "green".to_owned()],
        note: None,
    }
}

fn of<T: DeserializeOwned + 'static>() -> Fingerprint {
    Fingerprint::of::<T>().unwrap()
}

fn sealed_tea() -> Bytes {
    seal(of::<Product>(), b"header", &tea()).unwrap()
}

fn read<T: DeserializeOwned + 'static>(bytes: &Bytes) -> Result<T, CodecError> {
    open(bytes)?.value(of::<T>())
}

/// An envelope that is whole, by a program that is not us.
fn forge(fingerprint: Fingerprint, payload: &[u8]) -> Bytes {
    let mut draft = Draft::new(b"").unwrap();
    draft.payload().extend_from_slice(payload);
    draft.close(fingerprint).unwrap()
}

#[test]
fn what_goes_in_comes_out_with_its_header() {
    let bytes = sealed_tea();
    let sealed = open(&bytes).unwrap();
    assert_eq!(sealed.header(), "header");
    assert_eq!(sealed.fingerprint(), of::<Product>());
    assert_eq!(sealed.value(of::<Product>()), Ok(tea()));
}

#[test]
fn large_values_are_compressed_and_small_ones_are_not() {
    let many = vec![tea(); 1_000];
    let bytes = seal(of::<Vec<Product>>(), b"header", &many).unwrap();
    let sealed = open(&bytes).unwrap();
    let (plain, kept) = sealed.payload_bytes();
    assert!(kept * 10 < plain, "{plain} bytes to {kept}");
    assert_eq!(sealed.header(), "header");
    assert_eq!(sealed.value(of::<Vec<Product>>()), Ok(many));
    let (plain, kept) = open(&sealed_tea()).unwrap().payload_bytes();
    assert_eq!(plain, kept);
}

#[test]
fn what_does_not_get_smaller_is_not_compressed() {
    let noise = |x: &u64| Some(x.wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(17) ^ 0x9e37);
    let numbers: Vec<u64> = std::iter::successors(Some(1), noise).take(5_000).collect();
    let body: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let bytes = seal_bytes(of::<()>(), b"", &body).unwrap();
    let sealed = open(&bytes).unwrap();
    assert_eq!(sealed.payload_bytes(), (40_000, 40_000));
    assert_eq!(sealed.bytes(of::<()>()).unwrap(), body);
}

#[test]
fn a_body_is_a_slice_of_what_was_opened() {
    let bytes = seal_bytes(of::<()>(), b"", b"<html>").unwrap();
    let body = open(&bytes).unwrap().bytes(of::<()>()).unwrap();
    assert_eq!(body, "<html>");
    assert!(bytes.as_ptr_range().contains(&body.as_ptr()));
}

#[test]
fn each_way_to_be_wrong_has_its_name() {
    use CodecError as E;
    let good = sealed_tea();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        read::<Product>(&bytes.into()).unwrap_err()
    };
    assert_eq!(with(0, b'X'), E::Magic);
    assert_eq!(with(3, 9), E::Format { found: 9, expected: 1 });
    assert_eq!(with(4, !good[4]), E::Checksum);
    assert_eq!(with(30, !good[30]), E::Checksum);
    let short = |end: usize| read::<Product>(&good.slice(..end)).unwrap_err();
    assert_eq!(short(0), E::Truncated { found: 0, expected: 24 });
    assert_eq!(short(23), E::Truncated { found: 23, expected: 24 });
    assert_eq!(short(good.len() - 1), E::Checksum);
    assert!(matches!(read::<String>(&good), Err(E::Schema { .. })));
    let foreign = forge(of::<bool>(), &[7]);
    assert!(matches!(read::<bool>(&foreign), Err(E::Payload(_))));
    let spare = forge(of::<bool>(), &[1, 1]);
    assert_eq!(read::<bool>(&spare), Err(E::Payload("1 bytes left over".to_owned())));
}

#[test]
fn swapped_fields_of_one_type_are_another_schema() {
    mod before {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub struct Price {
            pub net: i64,
            pub gross: i64,
        }
    }
    mod after {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub struct Price {
            pub gross: i64,
            pub net: i64,
        }
    }
    let price = before::Price { net: 1, gross: 2 };
    let bytes = seal(of::<before::Price>(), b"", &price).unwrap();
    let error = read::<after::Price>(&bytes).unwrap_err();
    assert!(matches!(error, CodecError::Schema { .. }), "{error}");
}

#[test]
fn every_variant_counts() {
    mod before {
        #[derive(serde::Deserialize)]
        pub enum Event {
            Opened,
            Sold { cents: u32, by: Option<super::Place> },
        }
    }
    mod after {
        #[derive(serde::Deserialize)]
        pub enum Event {
            Opened,
            Sold { cents: u64, by: Option<super::Place> },
        }
    }
    assert_ne!(of::<before::Event>(), of::<after::Event>());
    let _ = (before::Event::Opened, after::Event::Opened);
    let _ = |cents, by| before::Event::Sold { cents, by };
    let _ = |cents, by| after::Event::Sold { cents, by };
}

#[test]
fn a_revision_is_another_fingerprint() {
    let plain = of::<Product>();
    assert_eq!(plain.revision(0), plain);
    assert_ne!(plain.revision(1), plain);
    assert_ne!(plain.revision(1), plain.revision(2));
}

#[test]
fn fussy_types_are_surveyed_to_their_end() {
    let shape = shape::<(NonZeroU32, IpAddr, std::time::Duration, char, u8)>().unwrap();
    assert!(shape.lines().all(|line| line.ends_with("char,u8,)")), "{shape}");
}

#[test]
fn what_bincode_cannot_read_back_is_refused() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        _A(i64),
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        _A { _a: i64 },
    }
    #[derive(Deserialize)]
    struct Outer {
        #[serde(flatten)]
        _inner: BTreeMap<String, i64>,
    }
    #[derive(Deserialize)]
    enum Nothing {}
    let refused = [
        Fingerprint::of::<Untagged>(),
        Fingerprint::of::<Tagged>(),
        Fingerprint::of::<Outer>(),
        Fingerprint::of::<Vec<Nothing>>(),
    ];
    for result in refused {
        assert!(matches!(result, Err(CodecError::Unreadable { .. })), "{result:?}");
    }
}

/// A change here makes every cached value of that type a miss: intended?
#[test]
fn fingerprints_are_as_they_were() {
    let shapes = [
        shape::<i64>(),
        shape::<Vec<Option<String>>>(),
        shape::<Product>(),
        shape::<Event>(),
        shape::<Tree>(),
    ];
    let golden = include_str!("shapes.txt");
    let shapes: Vec<String> = shapes.into_iter().map(Result::unwrap).collect();
    assert_eq!(shapes.join("\n"), golden);
    assert_eq!(of::<i64>().to_string(), "GOLD1");
    assert_eq!(of::<Product>().to_string(), "GOLD2");
    assert_eq!(of::<Event>().to_string(), "GOLD3");
}

#[test]
fn a_tree_comes_back() {
    let leaf = || Tree {
        next: None,
        children: Vec::new(),
        by_name: BTreeMap::new(),
        formula: Formula::Number(1),
    };
    let tree = Tree {
        next: Some(Box::new(leaf())),
        children: vec![leaf(), leaf()],
        by_name: BTreeMap::from([("a".to_owned(), leaf())]),
        formula: Formula::Not(Box::new(Formula::Number(2))),
    };
    let bytes = seal(of::<Tree>(), b"", &tree).unwrap();
    assert_eq!(read(&bytes), Ok(tree));
}

#[test]
fn a_hostile_length_is_an_error_and_not_an_allocation() {
    let length = [253, 255, 255, 255, 255, 255, 255, 255, 127];
    for error in [
        read::<String>(&forge(of::<String>(), &length)).unwrap_err(),
        read::<Vec<u8>>(&forge(of::<Vec<u8>>(), &length)).unwrap_err(),
        read::<Vec<Product>>(&forge(of::<Vec<Product>>(), &length)).unwrap_err(),
    ] {
        assert!(matches!(error, CodecError::Payload(_)), "{error}");
    }
}

#[test]
fn nothing_above_the_limit_is_sealed() {
    let large = vec![0_u8; LIMIT + 1];
    let error = seal_bytes(of::<()>(), b"", &large).unwrap_err();
    assert!(matches!(error, CodecError::TooLarge { .. }), "{error}");
    let error = seal(of::<()>(), &large, &()).unwrap_err();
    assert!(matches!(error, CodecError::TooLarge { .. }), "{error}");
}

/// Bytes that are no envelope, that begin like one, and that are one around garbage.
fn any_bytes() -> impl Strategy<Value = Bytes> {
    let garbage = || prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        garbage().prop_map(Bytes::from),
        garbage().prop_map(|tail| [b"LDR\x01", &tail[..]].concat().into()),
        garbage().prop_map(|payload| forge(of::<Product>(), &payload)),
        garbage().prop_map(|payload| forge(of::<Event>(), &payload)),
        (garbage(), 0..16_usize).prop_map(|(tail, flips)| correct_checksum(tail, flips)),
    ]
}

/// Garbage behind a front that is right: lengths and flags that lie.
fn correct_checksum(mut bytes: Vec<u8>, zeros: usize) -> Bytes {
    bytes.resize(bytes.len().max(24), 0);
    bytes[16..16 + zeros.min(8)].fill(0);
    bytes[..4].copy_from_slice(b"LDR\x01");
    let checksum = crc32fast::hash(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    bytes.into()
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
