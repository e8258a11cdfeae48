//! What may be typed into the product form, as tables.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    a_title_may_be_anything_of_1_to_200_characters,
    other_titles_are_refused,
    a_price_may_be_written_in_these_ways,
    other_prices_are_refused,
    a_refused_form_changes_nothing_and_keeps_what_was_typed,
    a_form_without_its_fields_is_refused,
}

fn a_title_may_be_anything_of_1_to_200_characters(on: Database) {
    let site = TestSite::start(on);
    let long = "x".repeat(200);
    let long_emoji = "🍵".repeat(200);
    let cases = [
        ("one character", "T", "T"),
        ("trimmed", "  Tea \t\r\n", "Tea"),
        ("trimmed of wide spaces", "\u{3000}お茶\u{a0}", "お茶"),
        ("two hundred", &long, &long),
        ("two hundred of four bytes each", &long_emoji, &long_emoji),
        ("two hundred after trimming", &format!("  {long}  "), &long),
        ("accents", "Crème brûlée", "Crème brûlée"),
        ("from right to left", "شاي أخضر", "شاي أخضر"),
        ("a family of emoji", "👨‍👩‍👧‍👦 pack", "👨‍👩‍👧‍👦 pack"),
        ("quotes and percent", "50% \"off\" o'clock _\\", "50% \"off\" o'clock _\\"),
        ("looks like SQL", "'; DROP TABLE products; --", "'; DROP TABLE products; --"),
        ("space inside", "Tea for two", "Tea for two"),
    ];
    for (name, typed, kept) in cases {
        let id = site.has_product(typed);
        let form = site.edit_form(id);
        assert_eq!(form.field("title"), Some(kept), "{name}");
        site.get(&format!("/products/{id}")).assert_status(200);
    }
}

fn other_titles_are_refused(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let too_long = "x".repeat(201);
    let too_long_emoji = "🍵".repeat(201);
    let titles = [
        "",
        " ",
        " \t\r\n\u{3000}\u{a0} ",
        &too_long,
        &too_long_emoji,
        // No database stores NUL unchanged: Postgres refuses it, the sqlite3 shell cuts the text
        // there.
        "Tea\0",
    ];
    for title in titles {
        let answer = site.adds(title, "4.99");
        answer.assert_status(422);
        assert_explains(&answer, "title");
        assert_is_fine(&answer, "price");
        let edit = site.edits(tea, &[("title", title)]);
        edit.assert_status(422);
        assert_explains(&edit, "title");
    }
    assert_eq!(site.get("/").listed(), [tea]);
}

fn a_price_may_be_written_in_these_ways(on: Database) {
    let site = TestSite::start(on);
    let cases = [
        ("4", "4.00", "$4.00"),
        ("4.9", "4.90", "$4.90"),
        ("4.99", "4.99", "$4.99"),
        ("$4.99", "4.99", "$4.99"),
        (" $4.99 ", "4.99", "$4.99"),
        ("0", "0.00", "$0.00"),
        ("0.01", "0.01", "$0.01"),
        ("007", "7.00", "$7.00"),
        ("1234.5", "1234.50", "$1,234.50"),
        ("9999999.99", "9999999.99", "$9,999,999.99"),
    ];
    for (typed, in_form, shown) in cases {
        let id = site.has_product_at(&format!("Tea at {typed}"), typed);
        assert_eq!(site.edit_form(id).field("price"), Some(in_form), "{typed}");
        let page = site.get(&format!("/products/{id}")).text();
        // Whether thousands are grouped is the designer's choice.
        let plain = shown.replace(',', "");
        assert!(page.contains(shown) || page.contains(&plain), "{typed} is {shown}: {page}");
    }
}

fn other_prices_are_refused(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let prices = [
        "",
        " ",
        "$",
        ".",
        "-1",
        "-0.01",
        "+4",
        "1.234",
        "4.999",
        "4,99",
        "1,000",
        "4.9.9",
        "1e3",
        "1 000",
        "0x10",
        "NaN",
        "inf",
        "free",
        "€4",
        "4$",
        "$$4",
        "$-4",
        "٤",
        "４",
        "10000000",
        "9999999.999",
        "99999999999999999999",
        "4.99 USD",
        "1/2",
        "4\n4",
        "4.99\u{0}",
    ];
    for price in prices {
        let answer = site.adds("Coffee", price);
        answer.assert_status(422);
        assert_explains(&answer, "price");
        assert_is_fine(&answer, "title");
        assert_typed(&answer, "price", price);
        site.edits(tea, &[("price", price)]).assert_status(422);
    }
    assert_eq!(site.get("/").listed(), [tea]);
}

fn a_refused_form_changes_nothing_and_keeps_what_was_typed(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    site.get("/").assert_status(200);

    let answer = site.edits(tea, &[("title", " "), ("price", "a <b> lot")]);
    answer.assert_status(422).assert_is_in_the_shops_dress().assert_cache("passed");
    assert_explains(&answer, "title");
    assert_explains(&answer, "price");
    assert_typed(&answer, "price", "a <b> lot");
    let again = answer.form(&format!("/products/{tea}"));
    assert_eq!(again.field("was_title"), Some("Tea"), "the form can be sent again");
    assert_eq!(again.field("was_price"), Some("4.99"), "the form can be sent again");

    site.get("/").assert_cache("hit").assert_sees("Tea").assert_sees("$4.99");
    let mut again = again;
    again.fill("title", "Green tea");
    again.fill("price", "6");
    site.sends(&again).assert_sends_to("/");
    site.get("/").assert_sees("Green tea").assert_sees("$6.00");
}

fn a_form_without_its_fields_is_refused(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let cases: [&[(&str, &str)]; 3] = [&[], &[("title", "Tea")], &[("price", "4")]];
    for fields in cases {
        for path in ["/products".to_owned(), format!("/products/{tea}")] {
            let answer = site.submit(&path, fields);
            assert!(
                [400, 422].contains(&answer.status),
                "{} {fields:?}: {}",
                answer.asked,
                answer.status
            );
            answer.assert_is_in_the_shops_dress();
        }
    }
    assert_eq!(site.get("/").listed(), [tea]);
}

/// Asserts that the field is marked as wrong and refers to a sentence that says why.
#[track_caller]
fn assert_explains(page: &Page, field: &str) {
    let input = input(page, field);
    assert_eq!(input.attribute("aria-invalid"), Some("true"), "{field} is marked");
    let ids = input.attribute("aria-describedby").expect("points to its sentence");
    let sentence = ids.split(' ').find_map(|id| {
        let tags = crate::support::tags(&page.html());
        let tag = tags.into_iter().find(|tag| tag.attribute("id") == Some(id))?;
        let is_error = tag.attribute("class") == Some("error");
        Some(page.text_of(&tag)).filter(|text| is_error && text.ends_with('.'))
    });
    assert!(sentence.is_some(), "{field} has a sentence beside it: {}", page.text());
}

#[track_caller]
fn assert_is_fine(page: &Page, field: &str) {
    let marked = input(page, field).attribute("aria-invalid").map(str::to_owned);
    assert_ne!(marked.as_deref(), Some("true"), "{field} is not marked");
}

/// Asserts that the field still has the typed text.
///
/// Line ends and NUL are left out, because a browser cannot show them in a field.
#[track_caller]
fn assert_typed(page: &Page, field: &str, typed: &str) {
    if typed.chars().any(char::is_control) {
        return;
    }
    let value = input(page, field).attribute("value").map(str::to_owned);
    assert_eq!(value.as_deref().map(str::trim), Some(typed.trim()), "{field}");
}

#[track_caller]
fn input(page: &Page, field: &str) -> crate::support::Tag {
    let mut inputs = page.tags("input").into_iter();
    let found = inputs.find(|input| input.attribute("name") == Some(field));
    found.unwrap_or_else(|| panic!("no field {field}: {}", page.excerpt()))
}
