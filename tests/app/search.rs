//! Search over titles: by words in any order, language and case, whichever program wrote the title.

use crate::support::{Database, OpenShell, Page, TestSite, on_both_databases, until};

on_both_databases! {
    case_and_accents_do_not_matter_in_any_language,
    words_are_found_in_any_order_by_their_beginnings,
    a_number_finds_its_product_and_the_titles_that_hold_it,
    punctuation_separates_words_and_has_no_other_meaning,
    where_nothing_is_found_the_nearest_titles_are_offered,
    results_are_split_into_pages_that_keep_the_query,
    nothing_found_says_so_and_keeps_what_was_typed,
    an_odd_query_does_no_harm,
    a_result_is_fresh_after_an_edit;
    by_hand:
    a_title_edited_in_sql_is_found_under_its_new_name,
    a_product_inserted_in_sql_is_found,
    the_index_follows_every_write_in_sql,
    titles_are_searchable_before_the_shop_opens,
    a_search_neither_writes_nor_waits_for_a_writer,
    lists_are_the_same_before_and_after_the_search_text_is_filled_in,
    similar_words_are_found_without_trigrams
}

fn case_and_accents_do_not_matter_in_any_language(on: Database) {
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
        ("Gruyère réserve", "gruyere"),
        ("Jalapeno", "jalapeño"),
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

fn words_are_found_in_any_order_by_their_beginnings(on: Database) {
    let site = TestSite::start(on);
    let green = site.has_product("Organic Green Tea, 20 bags");
    let black = site.has_product("Black tea");
    let pot = site.has_product("Teapot");
    let all = [pot, black, green];
    let cases: [(&str, &[u64]); 8] = [
        ("organic tea", &[green]),
        ("tea green", &[green]),
        ("  tea   ORG  ", &[green]),
        ("tea", &all),
        ("te bl", &[black]),
        ("tea tea", &all),
        ("reen", &[]),
        ("tea coffee", &[]),
    ];
    for (query, found) in cases {
        assert_eq!(finds(&site, query).listed(), found, "{query}");
    }
}

fn a_number_finds_its_product_and_the_titles_that_hold_it(on: Database) {
    let site = TestSite::start(on);
    let flour = site.has_product("Flour, 1000 g");
    site.database.sql("INSERT INTO products (id, title, price_cents) VALUES (1000, 'Tea', 1)");
    site.database.sql("INSERT INTO products (id, title, price_cents) VALUES (10001, 'Rice', 1)");
    assert_eq!(finds(&site, "1000").listed(), [1000, flour]);
    assert_eq!(finds(&site, "10001").listed(), [10001]);
    assert!(finds(&site, "100").listed().is_empty());
}

fn where_nothing_is_found_the_nearest_titles_are_offered(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Dark Chocolate");
    let gruyere = site.has_product("Gruyère");
    site.has_product("Tea");
    for (query, title) in [("choclate", "Dark Chocolate"), ("gruyre", "Gruyère"), ("tae", "Tea")] {
        let page = finds(&site, query);
        assert!(page.listed().is_empty(), "{query}");
        page.assert_sees("Did you mean").assert_sees(title);
    }
    finds(&site, "zzzz").assert_sees_not("Did you mean");
    // Once it is deleted, its words are known, but it is not offered.
    site.deletes(gruyere);
    finds(&site, "gruyre").assert_sees_not("Gruyère");
}

fn punctuation_separates_words_and_has_no_other_meaning(on: Database) {
    let site = TestSite::start(on);
    for title in ["50% off", "snake_case", "back\\slash", "O'Brien's \"best\"", "a*b?[c]", "plain"]
    {
        site.has_product(title);
    }
    let cases = [
        ("%", 0),
        ("*", 0),
        ("'\"", 0),
        ("b?[c]", 1),
        ("s%k", 0),
        ("pl_in", 0),
        ("pla*", 1),
        ("case-snake", 1),
        ("o'brien's", 1),
        ("50% OFF", 1),
        ("NOT plain", 0),
        ("plain OR off", 0),
        ("' OR 1=1 --", 0),
        ("a", 1),
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
    // In the form in which all spellings of the search are one page.
    assert_eq!(typed.expect("the search field").attribute("value"), Some("crème"));
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

fn the_index_follows_every_write_in_sql(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let rename = |title: &str| {
        site.database.sql(&format!("UPDATE products SET title = '{title}' WHERE id = {tea}"));
    };
    rename("Cocoa");
    assert_eq!(finds(&site, "cocoa").listed(), [tea]);
    rename("Mate");
    assert!(finds(&site, "cocoa").listed().is_empty());
    site.database.sql(&format!("UPDATE products SET id = 77 WHERE id = {tea}"));
    assert_eq!(finds(&site, "mate").listed(), [77]);
    if on == Database::Sqlite {
        // The shell does not fire the trigger of the row that it replaces.
        site.database.sql("REPLACE INTO products (id, title, price_cents) VALUES (77, 'Oats', 1)");
        assert_eq!(finds(&site, "oats").listed(), [77]);
        assert!(finds(&site, "mate").listed().is_empty());
    }
    site.database.sql("DELETE FROM products");
    for word in ["mate", "oats", "tea"] {
        assert!(finds(&site, word).listed().is_empty(), "{word}");
    }
}

fn titles_are_searchable_before_the_shop_opens(on: Database) {
    let site = TestSite::start(on);
    site.database.sql("INSERT INTO products (title, price_cents) VALUES ('Čaj', 1)");
    let missing = || site.database.sql("SELECT count(*) FROM products WHERE search_text IS NULL");
    assert_eq!(missing().trim(), "1");
    site.another_instance();
    assert_eq!(missing().trim(), "0");
    finds(&site, "caj").assert_sees("Čaj");
}

/// Leaves a transaction open that has written every product.
fn forget(site: &TestSite) -> OpenShell {
    let mut forgotten = site.database.open_shell();
    forgotten.does("BEGIN; UPDATE products SET price_cents = price_cents + 1");
    forgotten
}

/// Searches again and again until a job has filled in all search texts.
fn fills_in(site: &TestSite) {
    let mut search = 0;
    until("the search texts are filled in", || {
        search += 1;
        finds(site, &format!("x{search}")).assert_status(200);
        site.database.sql("SELECT count(*) FROM products WHERE search_text IS NULL").trim() == "0"
    });
}

fn a_search_neither_writes_nor_waits_for_a_writer(on: Database) {
    let site = TestSite::start_with(on, &["--lock-timeout", "1"]);
    let tea = site.has_product("Tea");
    site.database.sql("INSERT INTO products (id, title, price_cents) VALUES (77, 'Čaj', 1)");
    let mut forgotten = forget(&site);
    for _ in 0..2 {
        assert_eq!(finds(&site, "caj").assert_status(200).listed(), [77]);
        assert_eq!(site.get("/?sort=title").assert_status(200).listed(), [77, tea]);
        // Long enough for the job in the background to give up.
        site.edits(tea, &[("title", "Green tea")]).assert_status(503);
    }
    forgotten.does("ROLLBACK");
    fills_in(&site);
    assert_eq!(finds(&site, "caj").listed(), [77]);
}

fn lists_are_the_same_before_and_after_the_search_text_is_filled_in(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "3", "--lock-timeout", "1"]);
    for number in 0..7 {
        site.adds(&format!("Tea {number}"), &format!("{}", 9 - number)).assert_sends_to("/");
        site.database.sql(&format!(
            "INSERT INTO products (title, price_cents) VALUES ('tEá {number}', {}), ('Milk', 900)",
            100 * number
        ));
    }
    let lists = || {
        let queries = [
            "q=tea",
            "q=tea&sort=title",
            "sort=title",
            "sort=-title",
            "q=te&sort=price",
            "q=tea&sort=-created",
            "q=tea&sort=updated&min=3",
            "sort=-title&max=4&since=2026-01-01",
            "q=tea+3",
            "q=3",
        ];
        queries.map(|query| {
            let mut rows = Vec::new();
            let first = site.get(&format!("/?{query}"));
            first.assert_status(200);
            for page in 1..=7 {
                rows.push(site.get(&format!("/?{query}&page={page}")).listed());
            }
            (query, first.text(), rows)
        })
    };
    let mut forgotten = forget(&site);
    let before = lists();
    let missing = "SELECT count(*) FROM products WHERE search_text IS NULL";
    assert_eq!(site.database.sql(missing).trim(), "14");
    forgotten.does("ROLLBACK");
    fills_in(&site);
    for (before, after) in before.into_iter().zip(lists()) {
        assert_eq!(before.2, after.2, "{}", before.0);
        assert_eq!(before.1, after.1, "{}", before.0);
    }
}

fn similar_words_are_found_without_trigrams(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Chocolate");
    site.database.sql_of_each("SELECT 1", "DROP EXTENSION pg_trgm CASCADE");
    finds(&site, "choclate").assert_sees("Did you mean").assert_sees("Chocolate");
}

#[track_caller]
fn finds(site: &TestSite, query: &str) -> Page {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    site.get(&format!("/?q={query}"))
}
