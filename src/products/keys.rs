//! Every key and lifetime of the catalogue. What is not listed here is not cached.
//!
//! Lifetimes only bound the memory of entries that are no longer read. Stamps keep stale entries from being
//! served.

use std::time::Duration;

use super::model::{self, ProductId};
use crate::cache::page::Rules;
use crate::cache::{Key, Policy};
use crate::site::list::{self, ListQuery};
use crate::site::visitor;
use crate::sql::Table;

/// The table of products. Its triggers change the stamps of the tags `products` and `products#…`.
pub const PRODUCTS: Table =
    Table::named("products").with_derived(&["product_counts", "product_search", "product_words"]);

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Returns the page rules of the homepage, which depends on what its list is asked for.
pub fn index() -> Rules {
    visitor::with_staff(Policy::fresh_for(HOUR))
        .parameters(list::PARAMETERS)
        .normal_form(|name, value| ListQuery::normal(&model::LIST, name, value))
}

/// Returns the page rules of a product's page.
pub fn show_page() -> Rules {
    visitor::with_staff(Policy::fresh_for(HOUR)).parameters(&[])
}

/// The policy of the products on one page of the list.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// The policy of one product, or of its absence.
pub const SHOW: Policy = Policy::fresh_for(HOUR);

/// Returns the key of a page of the list. The order of the words does not matter.
pub fn list(query: &ListQuery, size: u64) -> Key {
    let words = query.words();
    let mut words: Vec<&str> = words.split(' ').collect();
    words.sort_unstable();
    // Without words, as of punctuation only, the search itself tells it from the list of all products.
    let search = Some(words.join(" ")).filter(|words| !words.is_empty());
    let mut key = Key::named("products.list")
        .part("page", query.page)
        .part("size", size)
        .part("search", search.unwrap_or_else(|| query.search.clone()));
    for (name, value) in query.pairs(&model::LIST) {
        if !["q", "page"].contains(&name) {
            key = key.part(name, value);
        }
    }
    key.build()
}

/// Returns the key of a product.
pub fn show(id: ProductId) -> Key {
    Key::named("products.show").part("id", id.get()).build()
}
