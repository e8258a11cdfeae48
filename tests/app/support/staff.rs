//! What staff do, through the shop's own forms.

use super::address::address_of_its_own;
use super::html::Form;
use super::page::Page;
use super::site::TestSite;

impl TestSite {
    /// Adds a product and returns its id.
    #[track_caller]
    pub fn has_product(&self, title: &str) -> u64 {
        self.has_product_at(title, "4.99")
    }

    #[track_caller]
    pub fn has_product_at(&self, title: &str, price: &str) -> u64 {
        self.adds(title, price).assert_sends_to("/");
        // The newest product is first. The odd query keeps this request out of the cache entry of
        // `/`, which may be what the test is about.
        let newest = self.get(&address_of_its_own(1)).listed().first().copied();
        newest.expect("the product is listed")
    }

    pub fn has_products(&self, number: usize) {
        for product in 1..=number {
            self.adds(&format!("Product {product}"), "1.00").assert_sends_to("/");
        }
    }

    #[track_caller]
    pub fn adds(&self, title: &str, price: &str) -> Page {
        self.submit("/products", &[("title", title), ("price", price)])
    }

    /// Opens the edit form, replaces these fields, and sends it.
    #[track_caller]
    pub fn edits(&self, id: u64, changes: &[(&str, &str)]) -> Page {
        let mut form = self.edit_form(id);
        for (name, value) in changes {
            form.fill(name, value);
        }
        self.sends(&form)
    }

    #[track_caller]
    pub fn edit_form(&self, id: u64) -> Form {
        self.get(&format!("/products/{id}/edit"))
            .assert_status(200)
            .form(&format!("/products/{id}"))
    }

    #[track_caller]
    pub fn delete_form(&self, id: u64) -> Form {
        let action = format!("/products/{id}/delete");
        self.get(&action).assert_status(200).form(&action)
    }

    #[track_caller]
    pub fn deletes(&self, id: u64) -> Page {
        self.sends(&self.delete_form(id))
    }

    #[track_caller]
    pub fn sends(&self, form: &Form) -> Page {
        assert_eq!(form.method, "post", "{} changes something", form.action);
        let fields: Vec<_> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        self.submit(&form.action, &fields)
    }

    /// Returns the one edit link that begins with `front` in the staff index of this search.
    #[track_caller]
    pub fn staff_link(&self, search: &str, front: &str) -> String {
        let tags = self.get(&format!("/staff?q={search}")).assert_status(200).tags("a");
        let links = tags.iter().filter_map(|link| link.attribute("href"));
        let edits = |path: &&str| path.starts_with(front) && path.ends_with("/edit");
        let links: Vec<_> = links.filter(edits).collect();
        let [link] = links[..] else { panic!("one link to {front} for {search}: {links:?}") };
        link.to_owned()
    }

    /// Presses *Invalidate cache* for one tag.
    #[track_caller]
    pub fn invalidates(&self, tag: &str) -> Page {
        self.submit("/cache/invalidate", &[("tag", tag), ("back", "/")])
    }
}
