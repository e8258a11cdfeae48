//! Tests of sealing and opening.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::envelope::HEADER_LIMIT;
use super::*;
use crate::secret::Secret;

mod chance;
mod places;
mod shapes;

static GUARD: LazyLock<Guard> = LazyLock::new(|| Guard::Shared(Secret::random()));

fn slot() -> Slot<'static> {
    Slot::new(&GUARD, "blog:tea")
}

fn seal<T: Serialize + ?Sized>(
    fingerprint: Fingerprint,
    header: &[u8],
    value: &T,
) -> Result<Bytes, CodecError> {
    super::seal(slot(), fingerprint, header, value)
}

fn open(bytes: &Bytes) -> Result<Sealed, CodecError> {
    super::open(slot(), bytes)
}

/// Gives the bytes a correct tag, as any program with the secret could.
fn sealed_again(bytes: Vec<u8>) -> Bytes {
    envelope::with_tag(slot(), bytes).unwrap()
}

/// A type like those that the shop caches.
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

/// Seals a payload of any bytes with a correct tag, as another program could.
fn forge(fingerprint: Fingerprint, payload: &[u8]) -> Bytes {
    let mut draft = Draft::new(b"").unwrap();
    draft.payload().extend_from_slice(payload);
    draft.close(slot(), fingerprint).unwrap()
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
    let bytes = forge(of::<()>(), &body);
    let sealed = open(&bytes).unwrap();
    assert_eq!(sealed.payload_bytes(), (40_000, 40_000));
    assert_eq!(sealed.bytes(of::<()>()).unwrap(), body);
}

#[test]
fn a_body_is_a_slice_of_what_was_opened() {
    let bytes = forge(of::<()>(), b"<html>");
    let body = open(&bytes).unwrap().bytes(of::<()>()).unwrap();
    assert_eq!(body, "<html>");
    assert!(bytes.as_ptr_range().contains(&body.as_ptr()));
}

/// Returns the error of a sealed tea whose byte at `at` was changed.
fn with(at: usize, change: fn(u8) -> u8) -> CodecError {
    let mut bytes = sealed_tea().to_vec();
    bytes[at] = change(bytes[at]);
    read::<Product>(&bytes.into()).unwrap_err()
}

#[test]
fn each_way_to_be_damaged_has_its_name() {
    use CodecError as E;
    let (found, expected) = (1, 2);
    assert_eq!(with(0, |_| b'X'), E::Magic);
    assert_eq!(with(3, |_| 1), E::Format { found, expected });
    for place in [4, 35, 36, 44, 45, 48, 52, 60] {
        assert_eq!(with(place, |byte| !byte), E::Forged, "{place}");
    }
}

#[test]
fn each_way_to_be_short_has_its_name() {
    let tea = sealed_tea();
    let short = |end: usize| read::<Product>(&tea.slice(..end)).unwrap_err();
    for found in [0, 2, 4, 51] {
        let expected = 52;
        assert_eq!(short(found), CodecError::Truncated { found, expected });
    }
    assert_eq!(short(tea.len() - 1), CodecError::Forged);
}

#[test]
fn a_whole_envelope_may_still_hold_something_else() {
    let is_schema = |error| matches!(error, CodecError::Schema { .. });
    assert!(is_schema(read::<String>(&sealed_tea()).unwrap_err()));
    let foreign = read::<bool>(&forge(of::<bool>(), &[7])).unwrap_err();
    assert!(matches!(foreign, CodecError::Payload(_)), "{foreign}");
    let spare = read::<bool>(&forge(of::<bool>(), &[1, 1])).unwrap_err();
    assert_eq!(spare.to_string(), "payload: 1 bytes left over");
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
fn a_compressed_payload_of_another_length_is_an_error() {
    let many = vec![tea(); 1_000];
    let good = seal(of::<Vec<Product>>(), b"", &many).unwrap();
    let plain = open(&good).unwrap().payload_bytes().0 as u32;
    for lie in [0, 1, plain - 1, plain + 1, u32::MAX] {
        let mut bytes = good.to_vec();
        bytes[48..52].copy_from_slice(&lie.to_le_bytes());
        let body = open(&sealed_again(bytes)).and_then(|sealed| sealed.bytes(sealed.fingerprint()));
        assert!(body.is_err(), "{lie}");
    }
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
    let mut draft = Draft::new(b"").unwrap();
    draft.payload().extend_from_slice(&large);
    let error = draft.close(slot(), of::<()>()).unwrap_err();
    assert!(matches!(error, CodecError::TooLarge { .. }), "{error}");
    seal(of::<()>(), &large[..HEADER_LIMIT], &()).unwrap();
    let error = seal(of::<()>(), &large[..=HEADER_LIMIT], &()).unwrap_err();
    assert!(matches!(error, CodecError::TooLarge { .. }), "{error}");
}

#[test]
fn more_than_is_ever_sealed_is_refused_unread() {
    let large = [b"LDR\x02", &vec![0; LIMIT + HEADER_LIMIT + 100][..]].concat();
    let error = open(&large.into()).unwrap_err();
    assert!(matches!(error, CodecError::TooLarge { .. }), "{error}");
}

#[test]
fn what_serialises_as_none_is_nothing() {
    #[derive(Serialize, Deserialize)]
    struct Found(Option<u32>);
    #[derive(Serialize, Deserialize)]
    struct Row {
        id: Option<u32>,
    }
    assert!(is_nothing(&None::<String>));
    assert!(is_nothing(&Found(None)));
    assert!(is_nothing(&std::sync::Arc::new(None::<u8>)));
    assert!(!is_nothing(&Some(())));
    assert!(!is_nothing(&Some(None::<u8>)));
    assert!(!is_nothing(&Found(Some(0))));
    assert!(!is_nothing(&Row { id: None }) && !is_nothing(&(None::<u8>,)));
    assert!(!is_nothing(&()) && !is_nothing(&String::new()) && !is_nothing(&Vec::<u8>::new()));
    assert!(!is_nothing(&false) && !is_nothing(&0_u8));
}
