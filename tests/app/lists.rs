//! Lists: sorted by each column, filtered by price and by the day of the last change, in every section.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    products_are_sorted_by_each_column,
    products_are_filtered_by_price,
    a_sorted_list_is_fresh_after_an_edit,
    filters_that_cannot_be_read_are_refused;
    by_hand:
    every_section_has_its_list_for_staff,
    recipes_and_tastings_are_searched_and_sorted,
    products_are_filtered_by_their_last_change,
}

fn products_are_sorted_by_each_column(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "2"]);
    let tea = site.has_product_at("tea", "5.00");
    let oats = site.has_product_at("Älpler oats", "1.00");
    let rice = site.has_product_at("Rice", "3.00");
    site.edits(tea, &[("price", "5.01")]).assert_sends_to("/");
    for (sort, first, rest) in [
        ("", [rice, oats], tea),
        ("number", [tea, oats], rice),
        ("title", [oats, rice], tea),
        ("-title", [tea, rice], oats),
        ("price", [oats, rice], tea),
        ("-price", [tea, rice], oats),
        ("created", [tea, oats], rice),
        ("-updated", [tea, rice], oats),
    ] {
        let page = site.get(&format!("/?sort={sort}"));
        assert_eq!(page.listed(), first, "{sort}");
        page.assert_sees("3 products · page 1 of 2");
        assert_eq!(site.get(&format!("/?sort={sort}&page=2")).listed(), [rest], "{sort}");
    }
    // A heading sorts by its column, and again in the other direction; the search and the filters stay.
    let page = site.get("/?q=t&sort=price&min=1");
    let sorted = page.tags("th").into_iter().find(|head| head.attribute("aria-sort").is_some());
    assert_eq!(sorted.unwrap().attribute("aria-sort"), Some("ascending"));
    assert!(links(&page).contains(&"/?q=t&sort=-price&min=1.00".to_owned()), "{:?}", links(&page));
    assert!(links(&page).contains(&"/?q=t&sort=title&min=1.00".to_owned()), "{:?}", links(&page));
}

fn products_are_filtered_by_price(on: Database) {
    let site = TestSite::start(on);
    let [cheap, fair, dear] = [("Tea", "1.00"), ("Tea cup", "2.50"), ("Pot", "9.99")]
        .map(|(title, price)| site.has_product_at(title, price));
    for (query, found) in [
        ("min=2.5", &[dear, fair][..]),
        ("max=2.50", &[fair, cheap]),
        ("min=2&max=3", &[fair]),
        ("min=3&max=2", &[]),
        ("q=tea&max=2", &[cheap]),
        ("q=tea&sort=price", &[cheap, fair]),
    ] {
        let page = site.get(&format!("/?{query}"));
        assert_eq!(page.assert_status(200).listed(), found, "{query}");
    }
    site.get("/?min=2.5").assert_sees("2 products match");
    site.get("/?min=100").assert_sees("No product matches these filters");
}

fn products_are_filtered_by_their_last_change(on: Database) {
    let site = TestSite::start(on);
    let old = site.has_product("Old");
    let new = site.has_product("New");
    site.database
        .sql(&format!("UPDATE products SET updated_at = '2020-05-01 00:00:00' WHERE id = {old}"));
    assert_eq!(site.get("/?since=2020-05-01").listed(), [new, old]);
    assert_eq!(site.get("/?since=2020-05-02").listed(), [new]);
    assert!(site.get("/?since=9999-12-31").listed().is_empty());
    // A change in SQL moves it into the filtered list at once.
    site.database
        .sql(&format!("UPDATE products SET updated_at = '2020-05-02 08:00:00' WHERE id = {old}"));
    assert_eq!(site.get("/?since=2020-05-02").listed(), [new, old]);
}

fn a_sorted_list_is_fresh_after_an_edit(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "1.00");
    let pot = site.has_product_at("Pot", "2.00");
    assert_eq!(site.get("/?sort=price").listed(), [tea, pot]);
    site.get("/?sort=price").assert_cache("hit");
    site.edits(tea, &[("price", "3.00")]).assert_sends_to("/");
    assert_eq!(site.get("/?sort=price").listed(), [pot, tea]);
}

fn filters_that_cannot_be_read_are_refused(on: Database) {
    let site = TestSite::start(on);
    for query in ["min=cheap", "max=-1", "since=today", "since=2026-02-30", "since=0000-01-01"] {
        let page = site.get(&format!("/?{query}"));
        page.assert_status(422).assert_is_in_the_shops_dress().assert_sees("2026-11-27");
    }
}

fn every_section_has_its_list_for_staff(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "2"]);
    site.database.sql(
        "INSERT INTO events (id, name, starts_at, is_date, location, description) VALUES \
         (1, 'Green teas', '2020-12-24 17:00:00', false, 'Here', '')",
    );
    for name in ["Ann", "Bo", "Cleo"] {
        site.database.sql(&format!(
            "INSERT INTO guests (event_id, name, email) VALUES (1, '{name}', 'a@b.example')"
        ));
        site.database.sql(&format!("INSERT INTO members (name, favourite) VALUES ('{name}', '')"));
        site.database.sql(&format!("INSERT INTO foods (name) VALUES ('{name}')"));
    }
    for list in ["guests", "members", "foods"] {
        let path = format!("/staff/{list}");
        let page = site.get(&format!("{path}?sort=name"));
        page.assert_status(200).assert_header("cache-control", "no-store");
        page.assert_sees("Ann")
            .assert_sees("Bo")
            .assert_sees_not("Cleo")
            .assert_sees("page 1 of 2");
        site.get(&format!("{path}?sort=-name")).assert_sees("Cleo").assert_sees_not("Ann");
        site.get(&format!("{path}?q=CLEO")).assert_sees("Cleo").assert_sees_not("Ann");
        site.get(&format!("{path}?q=clo")).assert_sees("Did you mean").assert_sees("Cleo");
        site.get(&format!("{path}?page=9")).assert_status(404);
    }
    // Also those that are past.
    site.get("/staff/tastings").assert_sees("Green teas");
    site.get("/staff/nothing").assert_status(404);
    let staff = TestSite::with_staff(on, &["Mina"], &[]);
    staff.get("/staff/guests").assert_status(303);
}

fn recipes_and_tastings_are_searched_and_sorted(on: Database) {
    let site = TestSite::start(on);
    for (name, food) in [("Soup", "Leeks"), ("Bread", "Flour")] {
        let fields = [("name", name), ("instructions", "Cook."), ("food_0", food)];
        site.submit("/cookbook", &fields).assert_status(303);
    }
    let order = |page: &Page| {
        let text = page.text();
        text.find("Soup").zip(text.find("Bread")).map(|(soup, bread)| soup < bread)
    };
    assert_eq!(order(&site.get("/cookbook")), Some(false));
    assert_eq!(order(&site.get("/cookbook?sort=-name")), Some(true));
    site.get("/cookbook?q=leek").assert_sees("Soup").assert_sees_not("Bread");
    site.get("/cookbook?q=leek").assert_cache("hit");
    site.get("/cookbook?q=+LEEK").assert_cache("hit");
    for (name, starts) in [("Teas", "2036-12-24 17:00:00"), ("Cheeses", "2037-12-24 17:00:00")] {
        site.database.sql(&format!(
            "INSERT INTO events (name, starts_at, is_date, location, description) VALUES \
             ('{name}', '{starts}', false, 'Here', '')"
        ));
    }
    site.get("/events").assert_sees("2 tastings to come");
    site.get("/events?q=cheese").assert_sees("Cheeses").assert_sees_not("Teas");
}

fn links(page: &Page) -> Vec<String> {
    let links = page.tags("a");
    links.iter().filter_map(|link| link.attribute("href").map(str::to_owned)).collect()
}
