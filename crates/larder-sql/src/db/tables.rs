//! The tables of this crate, as both databases have them.

diesel::table! {
    /// The stamp of every tag.
    cache_versions (tag) {
        tag -> Text,
        n -> BigInt,
        r -> BigInt,
    }
}

diesel::table! {
    /// The secret with which instances seal the values that they share: one row.
    cache_secret (id) {
        id -> BigInt,
        secret -> Binary,
    }
}
