//! The list: order, pages, numbers, empty states, page size, and the layout of every page.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    every_page_has_its_title_and_its_section_marked,
    an_empty_shop_says_so_and_offers_a_way_to_begin,
    products_stand_newest_first,
    the_list_is_split_into_pages,
    odd_page_numbers_lead_to_a_page_that_exists_or_are_refused,
    the_size_of_a_page_is_a_setting,
    each_product_has_its_facts_and_actions,
    every_page_has_landmarks_and_a_skip_link,
    static_files_are_kept_for_a_year,
    crawlers_are_told_what_to_leave_out_and_pages_describe_themselves,
}

fn an_empty_shop_says_so_and_offers_a_way_to_begin(on: Database) {
    let site = TestSite::start(on);
    let page = site.get("/");
    page.assert_status(200).assert_is_in_the_shops_dress();
    assert!(page.listed().is_empty());
    assert!(links(&page).contains(&"/products/new".to_owned()));
    assert!(page.text().to_lowercase().contains("no product"), "{}", page.text());
}

fn products_stand_newest_first(on: Database) {
    let site = TestSite::start(on);
    let mut ids: Vec<_> = ["Tea", "Coffee", "Cocoa"].map(|title| site.has_product(title)).into();
    ids.reverse();
    assert_eq!(site.get("/").listed(), ids);
    // An edit does not make a product newer.
    site.edits(ids[2], &[("title", "Green tea")]).assert_sends_to("/");
    assert_eq!(site.get("/").listed(), ids);
}

fn the_list_is_split_into_pages(on: Database) {
    let site = TestSite::start(on);
    site.has_products(60);
    let pages = ["/", "/?page=2", "/?page=3"].map(|path| site.get(path));

    assert_eq!(pages.each_ref().map(|page| page.listed().len()), [25, 25, 10]);
    let mut all: Vec<_> = pages.iter().flat_map(Page::listed).collect();
    assert!(all.is_sorted_by(|a, b| a > b), "newest first over all pages: {all:?}");
    all.dedup();
    assert_eq!(all.len(), 60);
    for page in &pages {
        page.assert_sees("60");
        assert!(page.text().contains("of 3"), "says how many pages: {}", page.text());
    }
    assert!(links(&pages[0]).iter().any(|link| link == "/?page=2"));
    assert!(links(&pages[1]).iter().any(|link| link == "/?page=3"));
    let is_first = |link: &String| link == "/" || link == "/?page=1";
    assert!(links(&pages[1]).iter().any(is_first));
    assert_eq!(site.get("/?page=1").listed(), pages[0].listed());
}

fn odd_page_numbers_lead_to_a_page_that_exists_or_are_refused(on: Database) {
    let site = TestSite::start(on);
    site.has_products(30);
    for page in ["0", "-1", "3", "999999999999", "18446744073709551616", "two", "", "1.5", "%FF"] {
        let answer = site.get(&format!("/?page={page}"));
        let is_sound = match answer.status {
            200 => !answer.listed().is_empty(),
            303 => answer.header("location").is_some_and(|path| path.starts_with('/')),
            status => [400, 404].contains(&status),
        };
        assert!(is_sound, "page={page}: {} {}", answer.status, answer.text());
        if answer.status != 303 {
            answer.assert_is_in_the_shops_dress();
        }
    }
}

fn the_size_of_a_page_is_a_setting(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "7"]);
    site.has_products(15);
    let sizes = ["/", "/?page=2", "/?page=3"].map(|path| site.get(path).listed().len());
    assert_eq!(sizes, [7, 7, 1]);
    let all_at_once = site.another_instance_with(&["--page-size", "1000"]);
    assert_eq!(all_at_once.get("/").listed().len(), 15);
}

fn each_product_has_its_facts_and_actions(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    let page = site.get("/");
    page.assert_sees(&tea.to_string()).assert_sees("Tea").assert_sees("$4.99");
    let links = links(&page);
    for path in ["", "/edit", "/delete"] {
        let link = format!("/products/{tea}{path}");
        assert!(links.contains(&link), "a link to {link}: {links:?}");
    }
    assert!(links.contains(&"/products/new".to_owned()), "New product");
    page.assert_sees("Invalidate cache").assert_sees("New product");
    page.form("/cache/invalidate");
}

fn every_page_has_landmarks_and_a_skip_link(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let product = format!("/products/{tea}");
    let edit = format!("{product}/edit");
    let delete = format!("{product}/delete");
    for path in ["/", &product, &edit, &delete, "/products/new", "/nothing"] {
        let page = site.get(path);
        for landmark in ["header", "main", "footer", "title", "h1"] {
            let number = page.tags(landmark).len();
            assert_eq!(number, 1, "{path} has one <{landmark}>");
        }
        let html = page.tags("html");
        assert_eq!(html[0].attribute("lang"), Some("en"), "{path} says its language");
        let first_link = page.tags("a")[0].attribute("href").map(str::to_owned);
        let main = page.tags("main")[0].attribute("id").map(str::to_owned);
        assert_eq!(first_link, main.map(|id| format!("#{id}")), "{path} has a skip link");
        for input in page.tags("input") {
            let is_hidden = input.attribute("type") == Some("hidden");
            assert!(is_hidden || is_labelled(&page, &input), "{path}: {input:?} has a label");
        }
        let scripts = page.tags("script");
        let mut sources = scripts.iter().map(|script| script.attribute("src").unwrap_or_default());
        assert!(
            sources.all(|source| source.starts_with("/static/")),
            "{path} has an inline script"
        );
        assert!(!page.html().contains(" style=\""), "{path} has no inline style");
        assert!(!page.html().contains(" onclick="), "{path} has no inline script");
    }
}

fn crawlers_are_told_what_to_leave_out_and_pages_describe_themselves(on: Database) {
    let site = TestSite::start(on);
    let robots = site.get("/robots.txt");
    robots.assert_status(200).assert_header("content-type", "text/plain; charset=utf-8");
    assert!(robots.text().contains("Disallow: /staff"), "{}", robots.text());
    let tea = site.has_product_at("Tea", "123456.78");
    for (path, word) in [("/", "prices"), (&*format!("/products/{tea}"), "$123,456.78: Tea")] {
        let tags = site.get(path).tags("meta");
        let described = tags.iter().find(|tag| tag.attribute("name") == Some("description"));
        let text = described.and_then(|tag| tag.attribute("content")).unwrap_or_default();
        assert!(text.contains(word), "{path}: {text}");
    }
}

fn static_files_are_kept_for_a_year(on: Database) {
    let site = TestSite::start(on);
    let page = site.get("/");
    let files: Vec<String> = page
        .tags("link")
        .iter()
        .filter_map(|link| link.attribute("href"))
        .filter(|path| path.starts_with("/static/"))
        .map(str::to_owned)
        .collect();
    assert!(!files.is_empty(), "a style sheet of our own");
    for path in files {
        let file = site.get(&path);
        file.assert_status(200);
        let control = file.header("cache-control").unwrap_or_default();
        assert!(control.contains("max-age=31536000"), "{path}: {control}");
        assert!(control.contains("immutable"), "{path}: {control}");
        file.assert_header("x-content-type-options", "nosniff");
    }
}

fn links(page: &Page) -> Vec<String> {
    let links = page.tags("a");
    links.iter().filter_map(|link| link.attribute("href").map(str::to_owned)).collect()
}

fn is_labelled(page: &Page, input: &crate::support::Tag) -> bool {
    let id = input.attribute("id");
    let labels = page.tags("label");
    let names_it = |label: &crate::support::Tag| id.is_some() && label.attribute("for") == id;
    input.attribute("aria-label").is_some() || labels.iter().any(names_it)
}

fn every_page_has_its_title_and_its_section_marked(on: Database) {
    let site = TestSite::start(on);
    let tea = format!("/products/{}", site.has_product("Tea"));
    let soup = [("name", "Soup"), ("instructions", "Boil.")];
    let recipe = site.submit("/cookbook", &soup).header("location").unwrap();
    let (edit_tea, edit_soup) = (format!("{tea}/edit"), format!("{recipe}/edit"));
    let cases = [
        ("/", "Products", "/"),
        (&*tea, "Tea", "/"),
        (&*edit_tea, "Edit product", "/"),
        ("/products/new", "New product", "/"),
        ("/cookbook", "Cookbook", "/cookbook"),
        (&*recipe, "Soup", "/cookbook"),
        (&*edit_soup, "Edit recipe", "/cookbook"),
        ("/cookbook/new", "New recipe", "/cookbook"),
        ("/events", "Tastings", "/events"),
        ("/scoreboard", "League", "/scoreboard"),
        ("/supplier", "Supplier", "/supplier"),
        ("/staff", "Staff", ""),
        ("/cache", "Cache", ""),
        ("/nothing", "Page not found", ""),
    ];
    // The second round takes header and footer from the cache.
    for (path, title, section) in cases.into_iter().chain(cases) {
        let page = site.get(path);
        let found = page.text_of(&page.tags("title")[0]);
        assert_eq!(found, format!("{title} · Larder"), "{path}");
        let links = page.tags("a");
        let marked: Vec<_> =
            links.iter().filter(|link| link.attribute("aria-current").is_some()).collect();
        let marked: Vec<_> = marked.iter().filter_map(|link| link.attribute("href")).collect();
        let expected: Vec<&str> = if section.is_empty() { Vec::new() } else { vec![section] };
        assert_eq!(marked, expected, "{path}");
    }
}
