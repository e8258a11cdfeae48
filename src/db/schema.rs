//! The tables, as both databases have them.

diesel::table! {
    /// The stamp of every tag.
    cache_versions (tag) {
        tag -> Text,
        n -> BigInt,
        r -> BigInt,
    }
}

diesel::table! {
    /// The catalogue.
    products (id) {
        id -> BigInt,
        title -> Text,
        search_text -> Nullable<Text>,
        price_cents -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    /// How many products there are for each 4,096 ids.
    product_counts (bucket) {
        bucket -> BigInt,
        n -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(products, product_counts);
