//! Search over titles: in any language, in any case, whichever program wrote the title.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    case_does_not_matter_in_any_language,
    every_character_of_a_query_means_itself,
    results_are_split_into_pages_that_keep_the_query,
    nothing_found_says_so_and_keeps_what_was_typed,
    an_odd_query_does_no_harm,
    a_result_is_fresh_after_an_edit;
    by_hand:
    a_title_edited_in_sql_is_found_under_its_new_name,
    a_product_inserted_in_sql_is_found,
}

fn case_does_not_matter_in_any_language(on: Database) {
    let site = TestSite::start(on);
    let cases = [
        ("Green Tea", "gREEN tEA"),
        ("Äpfel aus ÖSTERREICH", "äPFEL AUS öster"),
        ("ÉCLAIR au café", "éclair AU CAFÉ"),
        ("Чай Чёрный", "чАЙ чЁРНЫЙ"),
        ("Ελληνικός καφές", "ΕΛΛΗΝΙΚΌΣ"),
        ("Łosoś wędzony", "łOSOŚ WĘDZONY"),
        ("Şeker İncir", "şEKER"),
        ("お茶の葉", "茶の"),
        ("شاي أخضر", "أخضر"),
        ("Mate 🧉 set", "🧉"),
        ("Kräuter-Straße", "KRÄUTER-STRASSE"),
        ("Γλυκός λουκουμάς", "ΛΟΥΚΟΥΜΆΣ"),
    ];
    for (title, _) in cases {
        site.has_product(title);
    }
    for (title, query) in cases {
        let page = finds(&site, query);
        page.assert_status(200).assert_sees(title);
        assert_eq!(page.listed().len(), 1, "only {title} is found by {query}");
        finds(&site, &format!("  {query} ")).assert_sees(title);
    }
}

fn every_character_of_a_query_means_itself(on: Database) {
    let site = TestSite::start(on);
    for title in ["50% off", "snake_case", "back\\slash", "O'Brien's \"best\"", "a*b?[c]", "plain"]
    {
        site.has_product(title);
    }
    let cases = [
        ("%", 1),
        ("_", 1),
        ("\\", 1),
        ("'", 1),
        ("\"", 1),
        ("*", 1),
        ("?", 1),
        ("[c]", 1),
        ("%%", 0),
        ("s%k", 0),
        ("pl_in", 0),
        ("50% OFF", 1),
        ("' OR 1=1 --", 0),
        ("a", 4),
    ];
    for (query, found) in cases {
        let page = finds(&site, query);
        page.assert_status(200);
        assert_eq!(page.listed().len(), found, "“{query}”: {}", page.text());
    }
}

fn results_are_split_into_pages_that_keep_the_query(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "5"]);
    for number in 1..=12 {
        site.adds(&format!("Crème {number} & co"), "1").assert_sends_to("/");
        site.adds(&format!("Bread {number}"), "1").assert_sends_to("/");
    }
    let first = finds(&site, "CRÈME");
    assert_eq!(first.listed().len(), 5);
    first.assert_sees("12").assert_sees("of 3");
    let next = first.tags("a").iter().find_map(|link| {
        let path = link.attribute("href")?;
        path.contains("page=2").then(|| path.to_owned())
    });
    let second = site.get(&next.expect("a link to the second page"));
    second.assert_status(200).assert_sees("Crème").assert_sees_not("Bread");
    assert_eq!(second.listed().len(), 5);
    assert!(second.listed().iter().all(|id| !first.listed().contains(id)));
    let typed = second.tags("input").into_iter().find(|input| input.attribute("name") == Some("q"));
    assert_eq!(typed.expect("the search field").attribute("value"), Some("CRÈME"));
}

fn nothing_found_says_so_and_keeps_what_was_typed(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let page = finds(&site, "caviar <b>\"&");
    page.assert_status(200);
    assert!(page.listed().is_empty());
    let fields = page.tags("input");
    let typed = fields.iter().find(|input| input.attribute("name") == Some("q"));
    assert_eq!(typed.expect("the search field").attribute("value"), Some("caviar <b>\"&"));
    let home = |tag: &crate::support::Tag| tag.attribute("href") == Some("/");
    assert!(page.tags("a").iter().any(home), "a way back to all products");
    // An empty query lists all products.
    assert_eq!(site.get("/?q=").listed().len(), 1);
    assert_eq!(site.get("/?q=%20%20").listed().len(), 1);
}

fn an_odd_query_does_no_harm(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let long = format!("/?q={}", "a".repeat(5_000));
    for path in
        ["/?q=%FF", "/?q=%00", "/?q=tea&q=coffee", "/?q=%ED%A0%80", "/?q", "/?", "/?&&=&", &long]
    {
        let answer = site.get(path);
        assert!([200, 400, 414, 422].contains(&answer.status), "{path}: {}", answer.status);
        answer.assert_is_in_the_shops_dress();
    }
    finds(&site, "tea").assert_sees("Tea");
}

fn a_result_is_fresh_after_an_edit(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    finds(&site, "tea").assert_cache("stored");
    finds(&site, "tea").assert_cache("hit");
    site.edits(tea, &[("title", "Čaj")]).assert_sends_to("/");
    assert!(finds(&site, "tea").listed().is_empty());
    assert_eq!(finds(&site, "čAJ").listed(), [tea]);
}

fn a_title_edited_in_sql_is_found_under_its_new_name(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    assert_eq!(finds(&site, "tea").listed(), [tea]);
    let update = format!("UPDATE products SET title = 'ČERNÝ Чай' WHERE id = {tea}");
    site.database.sql(&update);

    assert!(finds(&site, "tea").listed().is_empty(), "the old name is gone");
    for query in ["ČERNÝ", "černý", "чай", "ЧАЙ"] {
        assert_eq!(finds(&site, query).listed(), [tea], "{query}");
    }
}

fn a_product_inserted_in_sql_is_found(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    finds(&site, "äpfel").assert_status(200);
    site.database.sql("INSERT INTO products (title, price_cents) VALUES ('ÄPFEL', 199)");
    assert_eq!(finds(&site, "äpfel").listed().len(), 1);
    assert_eq!(site.get("/").listed().len(), 2);
}

#[track_caller]
fn finds(site: &TestSite, query: &str) -> Page {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    site.get(&format!("/?q={query}"))
}
