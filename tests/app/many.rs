//! Many products at once: a preview, then all of it in one transaction or nothing.

use crate::support::{Bell, Database, OpenShell, Page, TestSite, on_both_databases, until};

on_both_databases! {
    prices_are_changed_by_percent_after_a_preview,
    many_are_deleted_after_a_preview,
    a_conflict_names_the_rows_and_changes_nothing,
    a_selection_returns_to_its_list,
    what_cannot_be_done_is_refused_with_a_sentence,
}

fn prices_are_changed_by_percent_after_a_preview(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    let pot = site.has_product_at("Pot", "10.00");
    let rest = site.has_product_at("Rest", "1.00");
    let list = site.get("/");
    let boxes = list.tags("input").into_iter().filter(|input| {
        input.attribute("type") == Some("checkbox") && input.attribute("form") == Some("many")
    });
    assert_eq!(boxes.count(), 3);
    let preview = selects(&site, &[tea, pot], "percent", "10");
    preview.assert_status(200).assert_sees("$4.99 $5.49").assert_sees("$10.00 $11.00");
    site.get("/").assert_sees("$4.99").assert_sees_not("$5.49");
    confirms(&site, &preview).assert_sends_to("/");
    site.get("/").assert_sees("$5.49").assert_sees("$11.00").assert_sees("$1.00");
    site.get(&format!("/products/{tea}")).assert_sees("$5.49");
    let preview = selects(&site, &[rest], "price", "7.5");
    confirms(&site, &preview).assert_sends_to("/");
    site.get("/").assert_sees("$7.50").assert_sees_not("$1.00");
}

fn many_are_deleted_after_a_preview(on: Database) {
    let site = TestSite::start(on);
    let ids = ["Tea", "Pot", "Cup"].map(|title| site.has_product(title));
    let preview = selects(&site, &ids[..2], "delete", "");
    preview.assert_status(200).assert_sees("Delete 2 products");
    assert_eq!(site.get("/").listed().len(), 3);
    confirms(&site, &preview).assert_sends_to("/");
    assert_eq!(site.get("/").listed(), [ids[2]]);
}

fn a_conflict_names_the_rows_and_changes_nothing(on: Database) {
    let site = TestSite::start(on);
    let [tea, pot, cup] = ["Tea", "Pot", "Cup"].map(|title| site.has_product_at(title, "1.00"));
    let preview = selects(&site, &[tea, pot, cup], "price", "2");
    site.edits(pot, &[("title", "Teapot")]).assert_sends_to("/");
    site.deletes(cup);
    let conflict = confirms(&site, &preview);
    conflict.assert_status(409).assert_sees("nothing was changed");
    conflict
        .assert_sees("Teapot has changed")
        .assert_sees(&format!("Product {cup} has been deleted"));
    conflict.assert_sees_not("Tea has changed");
    site.get("/").assert_sees("$1.00").assert_sees_not("$2.00");
    // The page is a preview of the products as they are now.
    confirms(&site, &conflict).assert_sends_to("/");
    site.get("/").assert_sees("Teapot $2.00").assert_sees_not("$1.00");
}

fn a_selection_returns_to_its_list(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "1.00");
    let id = format!("id_{tea}");
    let from = format!("{}/?q=tea&sort=price", site.address());
    let selects = |amount| {
        let fields = [(&*id, "on"), ("do", "percent"), ("amount", amount)];
        site.ask("POST", "/products/selected").header("Referer", &from).form(&fields).send()
    };
    let action = "/products/selected?back=%2F%3Fq%3Dtea%26sort%3Dprice";
    let wrong = selects("much");
    wrong.assert_status(422);
    let focused = wrong.tags("input").into_iter().find(|tag| tag.attribute("autofocus").is_some());
    assert_eq!(focused.unwrap().attribute("name"), Some("amount"), "the focus is on what is wrong");
    let mut again = wrong.form(action);
    again.fill("amount", "10");
    let preview = site.sends(&again);
    preview.assert_status(200).assert_sees("$1.10");
    confirms(&site, &preview).assert_sends_to("/?q=tea&sort=price");
    // The preview of another page, or of another site, is none to return to.
    for referer in
        ["https://evil.example/?page=2", &format!("{}/products/selected", site.address())]
    {
        let fields = [(&*id, "on"), ("do", "delete")];
        let ask = site.ask("POST", "/products/selected").header("Referer", referer);
        ask.form(&fields).send().form("/products/selected");
    }
    let none = site.submit("/products/selected", &[("do", "delete")]);
    none.assert_status(422).assert_sees("Select at least one product first.");
}

fn what_cannot_be_done_is_refused_with_a_sentence(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "1.00");
    for (what, amount) in [("percent", "much"), ("percent", "-101"), ("price", "-1"), ("", "1")] {
        let page = selects(&site, &[tea], what, amount);
        page.assert_status(422).assert_is_in_the_shops_dress().assert_sees("Tea");
    }
    site.submit("/products/selected", &[("do", "delete"), ("confirmed", "yes")]).assert_status(422);
    // Without what the preview had shown, nothing is done.
    let id = format!("id_{tea}");
    let blind = [("do", "delete"), ("confirmed", "yes"), (&*id, "on")];
    site.submit("/products/selected", &blind).assert_status(409);
    assert_eq!(site.get("/").listed(), [tea]);
    let staff = TestSite::with_staff(on, &["Mina"], &[]);
    assert!([303, 403].contains(&staff.submit("/products/selected", &blind).status));
}

/// Each of the locks is released in time, but not all of them together.
#[test]
fn a_transaction_that_waits_for_several_locks_has_one_deadline() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start_with(Database::Postgres, &["--lock-timeout", "3"]);
    let products: Vec<u64> = ["Tea", "Milk", "Rice"].map(|title| site.has_product(title)).into();
    let preview = selects(&site, &products, "delete", "");
    let holders: Vec<OpenShell> = products
        .iter()
        .map(|id| {
            let mut holder = site.database.open_shell();
            holder.does(&format!("BEGIN; SELECT id FROM products WHERE id = {id} FOR UPDATE"));
            holder
        })
        .collect();
    let bell = Bell::default();
    std::thread::scope(|scope| {
        let write = scope.spawn(|| confirms(&site, &preview));
        for mut holder in holders {
            // Less than the limit of one lock.
            bell.rings_within(std::time::Duration::from_secs(2));
            holder.does("ROLLBACK");
        }
        write.join().unwrap().assert_status(503).assert_header("retry-after", "5");
    });
    assert_eq!(site.database.sql("SELECT count(*) FROM products"), "3");
}

/// A writer that waits for a row lets the writers of other rows pass.
#[test]
fn many_products_are_changed_beside_other_writers() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start_with(Database::Postgres, &["--lock-timeout", "60"]);
    let (tea, milk) = (site.has_product("Tea"), site.has_product("Milk"));
    let preview = selects(&site, &[tea], "delete", "");
    let mut holder = site.database.open_shell();
    holder.does(&format!("BEGIN; SELECT id FROM products WHERE id = {tea} FOR UPDATE"));
    std::thread::scope(|scope| {
        let write = scope.spawn(|| confirms(&site, &preview));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND application_name = 'larder' AND wait_event_type = 'Lock'";
        until("it waits", || site.database.sql(waiting) == "1");
        site.edits(milk, &[("price", "2")]).assert_sends_to("/");
        site.adds("Rice", "1").assert_sends_to("/");
        holder.does("ROLLBACK");
        write.join().unwrap().assert_status(303);
    });
    site.get("/").assert_sees("2 products").assert_sees_not("Tea");
}

/// Ticks these products in the list, chooses what to do, and presses *Preview*.
#[track_caller]
fn selects(site: &TestSite, ids: &[u64], what: &str, amount: &str) -> Page {
    let names: Vec<String> = ids.iter().map(|id| format!("id_{id}")).collect();
    let mut fields: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "on")).collect();
    fields.extend([("do", what), ("amount", amount)]);
    site.submit("/products/selected", &fields)
}

/// Presses the button of a preview.
#[track_caller]
fn confirms(site: &TestSite, preview: &Page) -> Page {
    let forms = crate::support::forms(&preview.html());
    let confirmed = forms.iter().find(|form| form.field("confirmed") == Some("yes"));
    site.sends(confirmed.expect("a button that does it"))
}
