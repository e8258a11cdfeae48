//! The tables, as both databases have them.

diesel::table! {
    /// The forms of the last day that added something.
    sent_forms (digest) {
        digest -> Text,
        made_id -> BigInt,
        sent_at -> Timestamp,
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
    /// The number of products in each range of 4,096 ids.
    product_counts (bucket) {
        bucket -> BigInt,
        n -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(products, product_counts);

diesel::table! {
    /// Accounts that may sign in.
    accounts (id) {
        id -> BigInt,
        name -> Text,
        folded_name -> Text,
        password_hash -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    /// Sessions of the accounts that are signed in.
    sessions (id) {
        id -> BigInt,
        account_id -> BigInt,
        token_hash -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    /// API tokens: programs that act for an account.
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

diesel::table! {
    /// The cookbook.
    recipes (id) {
        id -> BigInt,
        name -> Text,
        description -> Text,
        instructions -> Text,
    }
}

diesel::table! {
    /// The ingredients that recipes can use.
    foods (id) {
        id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    /// How much of a food a recipe takes.
    ingredients (id) {
        id -> BigInt,
        recipe_id -> BigInt,
        food_id -> BigInt,
        amount_thousandths -> Nullable<BigInt>,
        unit -> Text,
        description -> Text,
    }
}

diesel::joinable!(ingredients -> recipes (recipe_id));
diesel::joinable!(ingredients -> foods (food_id));
diesel::allow_tables_to_appear_in_same_query!(recipes, foods, ingredients);

diesel::table! {
    /// The members of the tasting league.
    members (id) {
        id -> BigInt,
        name -> Text,
        favourite -> Text,
    }
}

diesel::table! {
    /// The members' scores, week by week.
    scores (id) {
        id -> BigInt,
        member_id -> BigInt,
        season -> BigInt,
        week -> BigInt,
        score -> BigInt,
    }
}

diesel::joinable!(scores -> members (member_id));
diesel::allow_tables_to_appear_in_same_query!(members, scores);

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
    /// The guests of a tasting.
    guests (id) {
        id -> BigInt,
        event_id -> BigInt,
        name -> Text,
        email -> Text,
    }
}

diesel::joinable!(guests -> events (event_id));
diesel::allow_tables_to_appear_in_same_query!(events, guests);
