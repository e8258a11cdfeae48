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
    /// Who may sign in.
    accounts (id) {
        id -> BigInt,
        name -> Text,
        folded_name -> Text,
        password_hash -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    /// Who has signed in.
    sessions (id) {
        id -> BigInt,
        account_id -> BigInt,
        token_hash -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    /// Programs that act for somebody.
    tokens (id) {
        id -> BigInt,
        account_id -> BigInt,
        token_hash -> Text,
        created_at -> Timestamp,
    }
}

diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(tokens -> accounts (account_id));
diesel::allow_tables_to_appear_in_same_query!(accounts, sessions, tokens);
