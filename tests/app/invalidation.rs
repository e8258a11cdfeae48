//! Every way to change the catalogue shows at the next request, in every instance.

use crate::support::{Database, TestSite, address_of_its_own, on_both_databases, until};

on_both_databases! {
    an_addition_shows_in_every_instance,
    an_edit_shows_in_every_instance,
    a_deletion_shows_in_every_instance,
    an_edit_leaves_the_pages_of_other_products_alone,
    seeding_shows_in_every_instance;
    by_hand:
    an_update_by_hand_shows_at_once,
    a_bulk_update_shows_at_once,
    a_delete_of_all_shows_at_once,
    an_insert_by_hand_shows_at_once,
    an_upsert_by_hand_shows_at_once,
    a_replaced_row_is_counted_once,
    a_change_of_an_id_shows_under_both_ids,
    a_write_that_is_rolled_back_invalidates_nothing,
    a_statement_that_touches_no_row_invalidates_nothing,
    a_write_to_another_table_invalidates_nothing,
    a_hundred_writes_by_hand_show_one_after_the_other,
}

/// Two instances with warm pages on one database.
struct Shops {
    here: TestSite,
    there: TestSite,
    tea: u64,
    coffee: u64,
}

impl Shops {
    fn open(on: Database) -> Self {
        let here = TestSite::start(on);
        let tea = here.has_product_at("Tea", "4.99");
        let coffee = here.has_product_at("Coffee", "6.50");
        let there = here.another_instance();
        let shops = Self { here, there, tea, coffee };
        shops.warm();
        shops
    }

    fn paths(&self) -> [String; 4] {
        let (tea, coffee) = (self.tea, self.coffee);
        ["/".into(), "/?min=0".into(), format!("/products/{tea}"), format!("/products/{coffee}")]
    }

    fn warm(&self) {
        for site in [&self.here, &self.there] {
            for path in self.paths() {
                site.get(&path);
                site.get(&path);
            }
        }
    }

    /// Asserts that every instance rebuilds the page once and then serves it from the cache.
    #[track_caller]
    fn assert_shows_everywhere(&self, path: &str, text: &str) {
        for site in [&self.here, &self.there] {
            site.get(path).assert_status(200).assert_cache("stored").assert_sees(text);
            site.get(path).assert_cache("hit").assert_sees(text);
        }
    }

    #[track_caller]
    fn assert_is_gone_everywhere(&self, path: &str, text: &str) {
        for site in [&self.here, &self.there] {
            site.get(path).assert_status(200).assert_sees_not(text);
        }
    }

    #[track_caller]
    fn assert_still_kept(&self) {
        for site in [&self.here, &self.there] {
            for path in self.paths() {
                site.get(&path).assert_cache("hit");
            }
        }
    }

    fn product(&self) -> String {
        format!("/products/{}", self.tea)
    }
}

fn an_addition_shows_in_every_instance(on: Database) {
    let shops = Shops::open(on);
    shops.there.adds("Cocoa", "3").assert_sends_to("/");
    shops.assert_shows_everywhere("/", "Cocoa");
    shops.here.adds("Juice", "3").assert_sends_to("/");
    shops.assert_shows_everywhere("/", "Juice");
}

fn an_edit_shows_in_every_instance(on: Database) {
    let shops = Shops::open(on);
    let product = shops.product();
    for (editor, title) in [(&shops.here, "Green tea"), (&shops.there, "Black tea")] {
        editor.edits(shops.tea, &[("title", title)]).assert_sends_to("/");
        shops.assert_shows_everywhere("/", title);
        shops.assert_shows_everywhere(&product, title);
    }
}

fn a_deletion_shows_in_every_instance(on: Database) {
    let shops = Shops::open(on);
    shops.there.deletes(shops.tea).assert_sends_to("/");
    shops.assert_is_gone_everywhere("/", "Tea");
    for site in [&shops.here, &shops.there] {
        site.get(&shops.product()).assert_status(404);
    }
}

fn an_edit_leaves_the_pages_of_other_products_alone(on: Database) {
    let shops = Shops::open(on);
    let coffee = format!("/products/{}", shops.coffee);
    shops.here.edits(shops.tea, &[("title", "Green tea")]).assert_sends_to("/");
    for site in [&shops.here, &shops.there] {
        site.get(&coffee).assert_cache("hit").assert_sees("Coffee");
    }
}

fn seeding_shows_in_every_instance(on: Database) {
    let shops = Shops::open(on);
    let url = shops.here.database.url();
    let seed = crate::support::larder(&["seed", "--products", "40", "--database", &url]);
    let ended = crate::support::Program::start(seed).ends();
    assert!(ended.status.success(), "{ended:?}");
    for site in [&shops.here, &shops.there] {
        let page = site.get("/");
        page.assert_cache("stored").assert_sees("42 products");
        assert_eq!(page.listed().len(), 25);
        assert!(!page.listed().contains(&shops.coffee), "the new ones stand first");
    }
}

fn an_update_by_hand_shows_at_once(on: Database) {
    let shops = Shops::open(on);
    let update = format!("UPDATE products SET title = 'x' WHERE id = {}", shops.tea);
    shops.here.database.sql(&update);
    shops.assert_shows_everywhere("/", "x");
    shops.assert_shows_everywhere(&shops.product(), "x");
    shops.assert_is_gone_everywhere("/", "Tea");
}

fn a_bulk_update_shows_at_once(on: Database) {
    let shops = Shops::open(on);
    shops.here.database.sql("UPDATE products SET price_cents = 777");
    for path in shops.paths() {
        shops.assert_shows_everywhere(&path, "$7.77");
        shops.assert_is_gone_everywhere(&path, "$4.99");
        shops.assert_is_gone_everywhere(&path, "$6.50");
    }
}

fn a_delete_of_all_shows_at_once(on: Database) {
    let shops = Shops::open(on);
    shops.here.database.sql("DELETE FROM products");
    for site in [&shops.here, &shops.there] {
        assert!(site.get("/").assert_cache("stored").listed().is_empty());
        assert!(site.get("/?min=0").listed().is_empty());
        site.get(&shops.product()).assert_status(404);
    }
    // The shop still works.
    shops.here.adds("Cocoa", "3").assert_sends_to("/");
    shops.assert_shows_everywhere("/", "Cocoa");
}

fn an_insert_by_hand_shows_at_once(on: Database) {
    let shops = Shops::open(on);
    let insert = "INSERT INTO products (title, price_cents) VALUES ('Juice', 1), ('Milk', 99)";
    shops.here.database.sql(insert);
    shops.assert_shows_everywhere("/", "Juice $0.01");
    shops.assert_shows_everywhere(&address_of_its_own(1), "Milk $0.99");
    shops.here.get("/?sort=title").assert_sees("4 products");
    // A job in the background writes the search texts of both, which makes the list new once more.
    let missing = "SELECT count(*) FROM products WHERE search_text IS NULL";
    until("the search texts are filled in", || shops.here.database.sql(missing).trim() == "0");
    shops.assert_shows_everywhere("/?sort=title", "4 products");
}

fn an_upsert_by_hand_shows_at_once(on: Database) {
    let shops = Shops::open(on);
    let upsert = format!(
        "INSERT INTO products (id, title, price_cents) VALUES ({}, 'Upserted', 1) \
         ON CONFLICT (id) DO UPDATE SET title = excluded.title",
        shops.tea
    );
    shops.here.database.sql(&upsert);
    shops.assert_shows_everywhere("/", "Upserted");
    shops.assert_shows_everywhere(&shops.product(), "Upserted");
    assert_eq!(shops.here.get("/").listed(), [shops.coffee, shops.tea]);
}

fn a_replaced_row_is_counted_once(on: Database) {
    let shops = Shops::open(on);
    let tea = shops.tea;
    // SQLite runs no delete trigger for a row that REPLACE removes, unless the writer asks for it.
    shops.here.database.sql_of_each(
        &format!("REPLACE INTO products (id, title, price_cents) VALUES ({tea}, 'Mate', 1)"),
        &format!(
            "BEGIN; DELETE FROM products WHERE id = {tea}; \
             INSERT INTO products (id, title, price_cents) VALUES ({tea}, 'Mate', 1); COMMIT"
        ),
    );
    shops.assert_shows_everywhere("/", "Mate");
    shops.assert_shows_everywhere(&shops.product(), "Mate");
    shops.assert_shows_everywhere(&address_of_its_own(1), "2 products");
    shops.assert_is_gone_everywhere("/", "3 products");
}

fn a_change_of_an_id_shows_under_both_ids(on: Database) {
    let shops = Shops::open(on);
    shops.here.get("/products/1000").assert_status(404);
    let update = format!("UPDATE products SET id = 1000 WHERE id = {}", shops.tea);
    shops.here.database.sql(&update);
    for site in [&shops.here, &shops.there] {
        site.get(&shops.product()).assert_status(404);
        site.get("/products/1000").assert_status(200).assert_sees("Tea");
        assert_eq!(site.get("/").listed(), [1000, shops.coffee]);
    }
}

fn a_write_that_is_rolled_back_invalidates_nothing(on: Database) {
    let shops = Shops::open(on);
    shops.here.database.sql("BEGIN; UPDATE products SET title = 'never'; ROLLBACK;");
    shops.assert_still_kept();
    let savepoint = format!(
        "BEGIN; SAVEPOINT a; UPDATE products SET title = 'never'; ROLLBACK TO a; \
         UPDATE products SET title = 'now' WHERE id = {}; COMMIT;",
        shops.tea
    );
    shops.here.database.sql(&savepoint);
    shops.assert_shows_everywhere("/", "now");
    shops.assert_is_gone_everywhere("/", "never");
}

fn a_statement_that_touches_no_row_invalidates_nothing(on: Database) {
    let shops = Shops::open(on);
    shops.here.database.sql("UPDATE products SET title = 'never' WHERE id = -1");
    shops.here.database.sql("DELETE FROM products WHERE id = -1");
    shops.assert_still_kept();
}

fn a_write_to_another_table_invalidates_nothing(on: Database) {
    let shops = Shops::open(on);
    shops.here.database.sql("CREATE TABLE notes (text text)");
    // A change of the schema invalidates everything, so the pages are warmed again.
    shops.warm();
    shops.here.database.sql("INSERT INTO notes VALUES ('SQLite sees that the file changed')");
    shops.assert_still_kept();
}

fn a_hundred_writes_by_hand_show_one_after_the_other(on: Database) {
    let shops = Shops::open(on);
    let product = shops.product();
    for round in 1..=100 {
        let title = format!("Round {round}.");
        let update = format!("UPDATE products SET title = '{title}' WHERE id = {}", shops.tea);
        shops.here.database.sql(&update);
        for site in [&shops.here, &shops.there] {
            site.get("/").assert_sees(&title);
            site.get(&product).assert_sees(&title);
        }
    }
}
