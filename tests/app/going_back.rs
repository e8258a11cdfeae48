//! What a browser shows when one goes back, and where the focus is in a form.

use crate::events::{Program, event, guest};
use crate::support::{Browser, Database, Screen, TestSite, until};

#[test]
fn going_back_after_an_edit_shows_the_new_price_and_no_old_confirmation() {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start(Database::Sqlite);
    let tea = site.has_product_at("Tea", "4.99");
    browser.goes_to(&site.address());
    browser.follows(&format!("a[href='/products/{tea}/edit']"));
    browser.types("#price", "6");
    browser.follows("form.card button");
    assert_eq!(browser.path(), format!("/#products-{tea}"));
    assert!(browser.text().contains("Saved “Tea”."), "{}", browser.text());
    browser.follows(&format!("a[href='/products/{tea}']"));
    browser.goes_back();
    until("the list is loaded again", || !browser.has("p.flash") && browser.has("table"));
    assert!(browser.text().contains("$6.00"), "{}", browser.text());
    browser.goes_back();
    assert_eq!(browser.path(), format!("/products/{tea}/edit"));
    assert_eq!(browser.asks("document.querySelector('#price').value"), "6", "it was typed");
    browser.goes_back();
    until("the old list is loaded again", || browser.text().contains("$6.00"));
    assert!(!browser.text().contains("$4.99"), "{}", browser.text());
}

#[test]
fn going_back_to_a_tasting_shows_its_guests_and_loses_nothing_that_was_typed() {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start(Database::Sqlite);
    site.sends_json("POST", "/api/events", &event("Teas", "9999-12-24"));
    site.sends_json("POST", "/api/guests", &guest(1, "Mina"));
    browser.goes_to(&format!("{}/events/1", site.address()));
    browser.follows("a[href='/events']");
    site.sends_json("POST", "/api/guests", &guest(1, "Omar"));
    browser.goes_back();
    until("the new guest is there", || browser.text().contains("Omar"));
    until("the page is seen", || browser.asks("document.documentElement.hidden") == false);
    browser.types("#email", "lena@example.org");
    browser.follows("a[href='/events']");
    browser.goes_back();
    until("the page is back", || browser.has("#email"));
    assert_eq!(browser.asks("document.documentElement.hidden"), false);
    assert_eq!(browser.asks("document.querySelector('#email').value"), "lena@example.org");
}

#[test]
fn forms_begin_in_their_first_field_or_in_the_first_wrong_one() {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start(Database::Sqlite);
    // The browser sets it with the first picture of the page, which may come after all else.
    let begins_in = |id: &str| {
        until(id, || browser.asks("document.activeElement.id") == id);
    };
    for (path, first) in [
        ("/products/new", "title"),
        ("/cookbook/new", "name"),
        ("/events/new", "name"),
        ("/events/guests/new", "event"),
    ] {
        browser.goes_to(&format!("{}{path}", site.address()));
        begins_in(first);
    }
    browser.goes_to(&format!("{}/products/new", site.address()));
    browser.types("#title", "Tea");
    browser.types("#price", "a lot");
    browser.follows("form.card button");
    begins_in("price");
    browser.goes_to(&format!("{}/cookbook/new", site.address()));
    browser.types("#name", "Soup");
    browser.types("#instructions", "Cook.");
    browser.types("#food_1", "Leeks");
    browser.types("#amount_1", "a lot");
    browser.follows("form.card button");
    begins_in("amount_1");
}
