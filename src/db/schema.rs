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

diesel::table! {
    /// The tastings.
    events (id) {
        id -> BigInt,
        name -> Text,
        starts_at -> Timestamp,
        is_date -> Bool,
        location -> Text,
        description -> Text,
    }
}

diesel::table! {
    /// Who comes to a tasting.
    guests (id) {
        id -> BigInt,
        event_id -> BigInt,
        name -> Text,
        email -> Text,
    }
}

diesel::joinable!(guests -> events (event_id));
diesel::allow_tables_to_appear_in_same_query!(events, guests);
