//! *Invalidate cache*: which pages each tag invalidates, and where the button leads.

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    the_tag_everything_invalidates_every_page_in_every_instance,
    the_tag_of_a_table_invalidates_the_pages_that_show_it,
    the_tag_of_a_row_invalidates_the_pages_that_show_it,
    without_a_tag_everything_is_invalidated,
    the_button_confirms_what_was_invalidated,
    an_unknown_tag_is_refused,
    the_button_leads_back_to_a_path_of_this_site_only,
    the_button_on_the_page_works_as_it_stands,
    the_catalogue_is_not_changed,
}

fn the_tag_everything_invalidates_every_page_in_every_instance(on: Database) {
    let (here, there, tea) = warm(on);
    here.invalidates("everything").assert_sends_to("/");
    for site in [&here, &there] {
        for path in ["/", &format!("/products/{tea}")] {
            let page = site.get(path);
            let timing = page.assert_cache("stored").assert_sees("Tea").timing();
            assert!(timing.sql_queries() > 0, "the query is asked anew: {timing:?}");
            site.get(path).assert_cache("hit");
        }
    }
    there.invalidates("everything").assert_sends_to("/");
    here.get("/").assert_cache("stored").timing().assert_says("fragment", "header miss");
}

fn the_tag_of_a_table_invalidates_the_pages_that_show_it(on: Database) {
    let (here, there, _) = warm(on);
    there.invalidates("products").assert_sends_to("/");
    for site in [&here, &there] {
        let timing = site.get("/").assert_cache("stored").timing();
        timing.assert_says("fragment", "header hit");
        site.get("/").assert_cache("hit");
    }
}

fn the_tag_of_a_row_invalidates_the_pages_that_show_it(on: Database) {
    let (here, there, tea) = warm(on);
    let coffee = here.has_product("Coffee");
    let (tea, coffee) = (format!("/products/{tea}"), format!("/products/{coffee}"));
    for site in [&here, &there] {
        site.get(&tea);
        site.get(&coffee);
    }
    let tag = format!("products#{}", tea.rsplit('/').next().unwrap());
    here.invalidates(&tag).assert_sends_to("/");
    for site in [&here, &there] {
        site.get(&tea).assert_cache("stored");
        site.get(&coffee).assert_cache("hit");
    }
}

fn without_a_tag_everything_is_invalidated(on: Database) {
    let (here, there, _) = warm(on);
    for fields in [&[("back", "/")][..], &[("tag", ""), ("back", "/")]] {
        here.submit("/cache/invalidate", fields).assert_sends_to("/");
        there.get("/").assert_cache("stored").timing().assert_says("fragment", "header miss");
    }
}

fn the_button_confirms_what_was_invalidated(on: Database) {
    let (here, _, tea) = warm(on);
    let row = format!("products#{}", tea & 255);
    for tag in ["everything", "products", &row] {
        let mut visitor = here.visitor();
        let page = visitor.submit("/cache/invalidate", &[("tag", tag), ("back", "/")]);
        let flash = page.flash().expect("a confirmation");
        let word = if tag == "everything" { "Cache" } else { tag };
        assert!(flash.contains(word), "{tag}: {flash}");
    }
}

fn an_unknown_tag_is_refused(on: Database) {
    let (here, _, _) = warm(on);
    let long = "products#".repeat(100);
    let tags = [
        "*",
        "!",
        "products!",
        "Products",
        "product",
        "products#",
        "products#256",
        "products#-1",
        "products#1.0",
        "products#01",
        "products# 1",
        "products#99999999999999999999",
        "customers",
        "customers#1",
        "' OR 1=1 --",
        "<script>",
        "products\0",
        &long,
    ];
    for tag in tags {
        let answer = here.invalidates(tag);
        answer.assert_status(422).assert_is_in_the_shops_dress().assert_no_header("set-cookie");
        assert!(!answer.html().contains("<script>"));
    }
    here.get("/").assert_cache("hit");
}

fn the_button_leads_back_to_a_path_of_this_site_only(on: Database) {
    let (here, _, tea) = warm(on);
    let product = format!("/products/{tea}");
    let good = ["/", "/?page=2&q=tea", &product, "/?q=%C3%A9&x=//y"];
    let bad = [
        "",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "products/1",
        "evil.example",
        "/\r\nSet-Cookie: a=b",
        "/%0d%0aSet-Cookie:%20a=b\r\n",
        "http:/evil.example",
        "/\u{0}",
    ];
    let cases = good.iter().map(|path| (*path, *path)).chain(bad.iter().map(|path| (*path, "/")));
    for (back, leads_to) in cases {
        let fields = [("tag", "products"), ("back", back)];
        let answer = here.submit("/cache/invalidate", &fields);
        answer.assert_status(303);
        assert_eq!(answer.header("location").as_deref(), Some(leads_to), "back={back:?}");
        assert_eq!(answer.lines_of("set-cookie").count(), 1, "back={back:?}");
    }
    let without = here.submit("/cache/invalidate", &[("tag", "products")]);
    without.assert_sends_to("/");
}

fn the_button_on_the_page_works_as_it_stands(on: Database) {
    let (here, there, tea) = warm(on);
    for path in ["/", "/?q=tea"] {
        let button = here.get(path).form("/cache/invalidate");
        let back = button.field("back").expect("where to go afterwards").to_owned();
        // It says how much would go before it goes.
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&button.fields).finish();
        let question = here.get(&format!("{}?{query}", button.action));
        question
            .assert_status(200)
            .assert_sees("entries")
            .assert_sees("Nothing has been invalidated yet");
        here.get(path).assert_cache("hit");
        here.sends(&question.form("/cache/invalidate")).assert_sends_to(&back);
        here.get(&back).assert_status(200);
        there.get(path).assert_cache("stored");
    }
    here.get(&format!("/products/{tea}")).assert_sees("Tea");
}

fn the_catalogue_is_not_changed(on: Database) {
    let (here, _, _) = warm(on);
    let before = here.get("/").html();
    for tag in ["everything", "products", "products#1"] {
        here.invalidates(tag).assert_sends_to("/");
        assert_eq!(here.get("/").html(), before, "{tag}");
    }
}

/// Returns two instances on one database, whose pages of one product are cached.
fn warm(on: Database) -> (TestSite, TestSite, u64) {
    let here = TestSite::observed(on, &[]);
    let tea = here.has_product("Tea");
    let there = here.another_observed(&[]);
    for site in [&here, &there] {
        for path in ["/", "/?q=tea", &format!("/products/{tea}")] {
            site.get(path);
            site.get(path).assert_cache("hit");
        }
    }
    (here, there, tea)
}
