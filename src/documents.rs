//! The Rust blocks of the documents: `cargo test --doc` compiles and runs them.
//!
//! They are in the shop, which is not published: a crate's package has no documents but its own.

macro_rules! documents {
    ($($name:ident: $path:literal,)*) => {
        $(#[doc = include_str!(concat!("../", $path))] mod $name {})*
    };
}

documents! {
    readme: "README.md",
    failing_sources: "docs/guide/failing-sources.md",
    freshness: "docs/guide/freshness.md",
    from_django: "docs/guide/from-django.md",
    from_others: "docs/guide/from-others.md",
    getting_started: "docs/guide/getting-started.md",
    how_it_works: "docs/guide/how-it-works.md",
    http: "docs/guide/http.md",
    lifetimes: "docs/guide/lifetimes.md",
    limits: "docs/guide/limits.md",
    operating: "docs/guide/operating.md",
    redis: "docs/guide/redis.md",
    security: "docs/guide/security.md",
    sessions: "docs/guide/sessions.md",
    testing: "docs/guide/testing.md",
    three_levels: "docs/guide/three-levels.md",
    toolbar: "docs/guide/toolbar.md",
    variants: "docs/guide/variants.md",
}
