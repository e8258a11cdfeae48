//! Every key and lifetime of the catalogue. What is not listed here is not cached.
//!
//! Lifetimes only bound the memory of entries that are no longer read. Stamps keep stale entries from being
//! served.

use std::time::Duration;

use super::model::{Listing, ProductId};
use crate::cache::page::Rules;
use crate::cache::{Key, Policy};
use crate::site::visitor;
use crate::versions::Table;

/// The table of products. Its triggers change the stamps of the tags `products` and `products#…`.
pub const PRODUCTS: Table = Table::named("products").with_derived(&["product_counts"]);

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Returns the page rules of the homepage, which depends on these query parameters only.
pub fn index() -> Rules {
    visitor::everybodys(Policy::fresh_for(HOUR)).parameters(&["page", "q"])
}

/// Returns the page rules of a product's page.
pub fn show_page() -> Rules {
    visitor::everybodys(Policy::fresh_for(HOUR)).parameters(&[])
}

/// The policy of the products on one page of the list.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// The policy of one product, or of its absence.
pub const SHOW: Policy = Policy::fresh_for(HOUR);

/// Returns the key of a page of the list.
pub fn list(listing: &Listing) -> Key {
    Key::named("products.list")
        .part("page", listing.page)
        .part("size", listing.size)
        .part("search", &listing.search)
        .build()
}

/// Returns the key of a product.
pub fn show(id: ProductId) -> Key {
    Key::named("products.show").part("id", id.get()).build()
}
