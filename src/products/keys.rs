//! Every key and lifetime of the catalogue. What is not here is not cached.
//!
//! Lifetimes bound the memory of what nobody asks for; that nothing old is served is the stamps'
//! business.

use std::time::Duration;

use super::model::{Listing, ProductId};
use crate::cache::key::Key;
use crate::cache::page::Rules;
use crate::cache::policy::Policy;
use crate::site::visitor;
use crate::versions::Table;

/// The table, whose triggers move the tags `products` and `products#…`.
pub const PRODUCTS: Table = Table::named("products").with_derived(&["product_counts"]);

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The homepage, as a page: it depends on these parameters and no others.
pub fn index() -> Rules {
    visitor::everybodys(Policy::fresh_for(HOUR)).parameters(&["page", "q"])
}

/// A product's page.
pub fn show_page() -> Rules {
    visitor::everybodys(Policy::fresh_for(HOUR)).parameters(&[])
}

/// The products on a page of the list.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// A product, or that there is none.
pub const SHOW: Policy = Policy::fresh_for(HOUR);

/// The key of a page of the list.
pub fn list(listing: &Listing) -> Key {
    Key::named("products.list")
        .part("page", listing.page)
        .part("size", listing.size)
        .part("search", &listing.search)
        .build()
}

/// The key of a product.
pub fn show(id: ProductId) -> Key {
    Key::named("products.show").part("id", id.get()).build()
}
