//! Which changes fingerprints see, and that they stay the same between builds.

use crate::codec::fingerprint::schema_of;
use std::{net::IpAddr, num::NonZeroU32};

use super::*;

#[test]
fn swapped_fields_of_one_type_are_another_schema() {
    mod before {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub(crate) struct Price {
            pub net: i64,
            pub gross: i64,
        }
    }
    mod after {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub(crate) struct Price {
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
        #[expect(dead_code)]
        pub(crate) enum Event {
            Opened,
            Sold { cents: u32, by: Option<super::super::Place> },
        }
    }
    mod after {
        #[derive(serde::Deserialize)]
        #[expect(dead_code)]
        pub(crate) enum Event {
            Opened,
            Sold { cents: u64, by: Option<super::super::Place> },
        }
    }
    assert_ne!(of::<before::Event>(), of::<after::Event>());
}

#[test]
fn fussy_types_are_surveyed_to_their_end() {
    let shape = schema_of::<(NonZeroU32, IpAddr, std::time::Duration, char, u8)>().unwrap();
    assert!(shape.lines().all(|line| line.ends_with("char,u8,)")), "{shape}");
}

#[test]
fn what_bincode_cannot_read_back_is_refused() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        _A(#[expect(dead_code)] i64),
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

/// A failure means that every cached value of that type becomes a miss: is that intended?
#[test]
fn fingerprints_are_as_they_were() {
    let mut lines = String::new();
    let mut add = |fingerprint: Result<Fingerprint, CodecError>,
                   shape: Result<String, CodecError>| {
        let (fingerprint, shape) = (fingerprint.unwrap(), shape.unwrap());
        lines += &format!("{fingerprint}\n{shape}\n");
    };
    add(Fingerprint::of::<i64>(), schema_of::<i64>());
    add(Fingerprint::of::<Vec<Option<String>>>(), schema_of::<Vec<Option<String>>>());
    add(Fingerprint::of::<Product>(), schema_of::<Product>());
    add(Fingerprint::of::<Event>(), schema_of::<Event>());
    add(Fingerprint::of::<Formula>(), schema_of::<Formula>());
    assert_eq!(lines, include_str!("shapes.txt"), "{lines}");
}
