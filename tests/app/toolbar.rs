//! The debug toolbar: which clients get it, that it changes nothing, and that it counts right.

mod browser;
mod causes;
mod details;
mod keys;
mod secrets;
mod truth;

use serde_json::Value;

use crate::support::{Database, PASSWORD, Page, TestSite, on_both_databases};

on_both_databases! {
    every_page_has_one_script_tag_and_is_never_stored,
    other_responses_have_no_script_tag_but_an_id,
    a_browser_that_has_the_page_gets_it_with_the_toolbar,
    pages_are_stored_without_the_toolbar,
    other_clients_see_nothing_of_the_toolbar,
    an_edit_reports_its_tags_and_the_next_miss_names_the_edit,
    a_page_is_rebuilt_once_on_request,
    a_page_or_a_tag_is_purged,
    a_select_is_explained_and_nothing_else,
    hostile_text_is_shown_as_text,
    secrets_are_not_shown,
    hashes_and_digests_are_not_among_the_binds,
    the_history_lists_redirects_json_and_values,
}

/// The script tag that loads the toolbar.
const LINE: &str = "<script src=\"/static/toolbar.";

impl Page {
    /// Returns the id of the request, as `Server-Timing` reports it.
    #[track_caller]
    pub fn id(&self) -> String {
        let timing = self.header("server-timing");
        let timing = timing.unwrap_or_else(|| panic!("{}: no Server-Timing", self.asked));
        let id = timing.strip_prefix("request;desc=\"").and_then(|rest| rest.split('"').next());
        let id = id.unwrap_or_else(|| panic!("{}: no name in {timing}", self.asked));
        assert_eq!(id.len(), 16, "{id}");
        id.to_owned()
    }

    fn lines(&self) -> usize {
        String::from_utf8_lossy(&self.body).matches(LINE).count()
    }
}

impl TestSite {
    /// Returns the toolbar's record of a request.
    #[track_caller]
    pub fn told(&self, page: &Page) -> Value {
        let path = format!("/toolbar/requests/{}?format=json", page.id());
        let answer = self.get(&path);
        answer.assert_status(200).assert_header("cache-control", "no-store");
        serde_json::from_slice::<Value>(&answer.body).unwrap()["record"].take()
    }

    /// Requests a page as a browser opens it.
    fn opens(&self, path: &str) -> Page {
        let request = self.ask("GET", path).header("Sec-Fetch-Dest", "document");
        request.header("Accept-Encoding", "gzip, br").send()
    }

    /// Requests a page as a script fetches it.
    fn fetches(&self, path: &str) -> Page {
        self.ask("GET", path).header("Sec-Fetch-Dest", "empty").send()
    }
}

/// Returns the statements of the request, without those of the cache.
pub fn queries(record: &Value) -> Vec<&Value> {
    let sql = record["sql"].as_array().unwrap();
    sql.iter().filter(|sql| ["Query", "Write"].contains(&sql["kind"].as_str().unwrap())).collect()
}

fn every_page_has_one_script_tag_and_is_never_stored(on: Database) {
    let site = TestSite::observed(on, &[]);
    let tea = site.has_product("Tea");
    let mut pages = vec![site.opens("/"), site.opens("/"), site.opens("/nothing")];
    pages.push(site.submit(&format!("/products/{tea}"), &[("title", ""), ("price", "x")]));
    pages.push(site.visitor().submit("/products", &[("title", "Milk"), ("price", "1")]));
    assert_eq!(pages[4].flash().as_deref().map(|text| text.contains("Milk")), Some(true));
    let statuses: Vec<_> = pages.iter().map(|page| page.status).collect();
    assert_eq!(statuses, [200, 200, 404, 422, 200]);
    for page in &pages {
        assert_eq!(page.lines(), 1, "{}", page.asked);
        page.assert_header("cache-control", "no-store").assert_no_header("etag");
        page.assert_no_header("content-encoding");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"),
            "{policy}"
        );
    }
    let script = pages[0].html();
    let script = script.split(LINE).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let path = format!("/static/toolbar.{script}");
    site.get(&path).assert_status(200);
    site.get(&path.replace(".js", ".css")).assert_status(200);
    let told = site.told(&pages[1]);
    assert_eq!(told["verdict"]["outcome"], "Hit");
    let headers = told["response"]["headers"].to_string();
    assert!(headers.contains("private, no-cache") && headers.contains("etag"), "{headers}");
    assert!(!headers.contains("server-timing") && !headers.contains("connect-src"), "{headers}");
}

fn other_responses_have_no_script_tag_but_an_id(on: Database) {
    let site = TestSite::observed(on, &[]);
    let redirect = site.adds("Tea", "4");
    redirect.assert_sends_to("/");
    let json = site.get("/cache/stats");
    let style = site.get("/").html();
    let style = style.split("href=\"/static/").nth(1).and_then(|rest| rest.split('"').next());
    let style = site.get(&format!("/static/{}", style.unwrap()));
    for page in [&redirect, &site.head("/"), &json, &style, &site.fetches("/")] {
        assert_eq!(page.lines(), 0, "{}", page.asked);
        page.id();
        assert!(!page.header("content-security-policy").unwrap().contains("connect-src"));
    }
    style.assert_status(200);
    site.get(&format!("/toolbar/requests/{}", style.id())).assert_status(404);
}

fn a_browser_that_has_the_page_gets_it_with_the_toolbar(on: Database) {
    let site = TestSite::observed(on, &[]);
    let etag = site.fetches("/").header("etag").unwrap();
    let again = |destination: &str| {
        let request = site.ask("GET", "/").header("Sec-Fetch-Dest", destination);
        request.header("If-None-Match", &etag).header("Range", "bytes=0-1").send()
    };
    assert_eq!(again("document").assert_status(200).assert_cache("hit").lines(), 1);
    again("empty").assert_status(304).id();
}

fn pages_are_stored_without_the_toolbar(on: Database) {
    let with = TestSite::observed(on, &[]);
    let tea = with.has_product("Tea");
    let without = with.another_instance();
    for path in ["/".to_owned(), format!("/products/{tea}"), "/?q=tea".to_owned()] {
        with.opens(&path).assert_cache("stored");
        without.get(&path).assert_cache("stored").assert_no_header("server-timing");
        let stored = with.fetches(&path);
        let plain = without.get(&path);
        stored.assert_cache("hit");
        plain.assert_cache("hit");
        assert_eq!(stored.body, plain.body, "{path}");
        assert_eq!(stored.header("etag"), plain.header("etag"), "{path}");
        assert_eq!(stored.header("vary"), plain.header("vary"), "{path}");
        assert_eq!(stored.header("cache-control"), plain.header("cache-control"), "{path}");
    }
}

fn other_clients_see_nothing_of_the_toolbar(on: Database) {
    let site = TestSite::observed(on, &[]);
    let id = site.get("/").id();
    let off = site.another_instance();
    let public = site.another_observed(&["--bind", "0.0.0.0:0"]);
    for (site, header) in [
        (&site, ("X-Forwarded-For", "203.0.113.7")),
        (&site, ("Via", "1.1 proxy")),
        (&off, ("X", "y")),
        (&public, ("X", "y")),
    ] {
        let page = site.ask("GET", "/").header(header.0, header.1).send();
        assert_eq!(page.lines(), 0, "{header:?}");
        page.assert_no_header("server-timing");
        assert!(page.header("etag").is_some());
        let paths = ["/toolbar/requests".to_owned(), format!("/toolbar/requests/{id}")];
        for path in paths.iter().map(String::as_str).chain(["/toolbar/explain", "/toolbar/"]) {
            site.ask("GET", path).header(header.0, header.1).send().assert_status(404);
        }
    }
    off.submit("/toolbar/bypass", &[("back", "/")]).assert_status(404);
    let stranger = site.ask("POST", "/toolbar/purge").header("Origin", "http://evil.test");
    stranger.form(&[("tag", "products")]).send().assert_status(403);
}

fn an_edit_reports_its_tags_and_the_next_miss_names_the_edit(on: Database) {
    let site = TestSite::observed(on, &[]);
    let tea = site.has_product("Tea");
    let milk = site.has_product("Milk");
    for path in ["/".to_owned(), format!("/products/{tea}"), format!("/products/{milk}")] {
        site.get(&path).assert_cache("stored");
    }
    let edit = site.edits(tea, &[("title", "Green tea"), ("price", "5")]);
    edit.assert_status(303);
    let told = site.told(&edit);
    assert_eq!(told["verdict"]["outcome"], "Write");
    let moved = told["moved"].as_array().unwrap();
    let tags: Vec<_> = moved.iter().map(|moved| moved["tag"].as_str().unwrap()).collect();
    let row = format!("products#{}", tea & 255);
    assert_eq!(tags, ["products", &row]);
    // The table's tag covers lists and their pages; the row's tag covers the product and its page.
    let lists = moved[0]["emptied"].as_array().unwrap();
    assert!(lists[0].as_u64() >= Some(1) && lists[2].as_u64() >= Some(1), "{lists:?}");
    assert_eq!(moved[1]["emptied"], serde_json::json!([1, 0, 1]));
    let kinds: Vec<_> = queries(&told).iter().map(|sql| sql["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Query", "Write"]);

    let missed = site.told(site.get("/").assert_cache("stored"));
    let why = &missed["cache"][0]["outcome"]["Miss"]["Invalidated"];
    assert_eq!((&why["tag"], &why["by"]), (&Value::from("products"), &Value::from(edit.id())));
    site.database.sql("UPDATE products SET title = 'White tea' WHERE title = 'Green tea'");
    let missed = site.told(&site.get("/"));
    let why = &missed["cache"][0]["outcome"]["Miss"]["Invalidated"];
    assert_eq!((&why["tag"], &why["by"]), (&Value::from("products"), &Value::Null));
}

fn a_page_is_rebuilt_once_on_request(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.get("/?q=tea").assert_cache("stored");
    let back = site.submit("/toolbar/bypass", &[("back", "/?q=tea")]);
    back.assert_sends_to("/?q=tea").assert_header("cache-control", "no-store");
    site.get("/").assert_cache("stored");
    let anew = site.get("/?q=tea");
    assert_eq!(anew.cache().parameter("fwd"), Some("request"));
    assert_eq!(site.told(&anew)["verdict"]["outcome"], "Bypass");
    site.get("/?q=tea").assert_cache("hit");
    site.submit("/toolbar/bypass", &[("back", "https://evil.test/")]).assert_sends_to("/");
}

fn a_page_or_a_tag_is_purged(on: Database) {
    let site = TestSite::observed(on, &[]);
    let page = site.get("/");
    let key = site.told(&page)["verdict"]["raw_key"].as_str().unwrap().to_owned();
    site.submit("/toolbar/purge", &[("key", &key), ("back", "/")]).assert_sends_to("/");
    let missed = site.get("/");
    let told = site.told(missed.assert_cache("stored"));
    assert_eq!(told["cache"][0]["outcome"]["Miss"], "Deleted");
    assert_eq!(told["cache"][0]["children"][0]["outcome"], "Hit", "the list is still there");
    let softly = [("key", key.as_str()), ("how", "end"), ("back", "/")];
    site.submit("/toolbar/purge", &softly).assert_sends_to("/");
    let told = site.told(&site.get("/"));
    assert_eq!(told["cache"][0]["outcome"]["Miss"], "Expired");
    assert_eq!(told["cache"][0]["children"][0]["outcome"], "Hit", "a page's end is not its parts'");
    site.submit("/toolbar/purge", &[("tag", "products"), ("back", "/")]).assert_sends_to("/");
    let told = site.told(&site.get("/"));
    assert_eq!(told["cache"][0]["outcome"]["Miss"]["Invalidated"]["tag"], "products");
    site.submit("/toolbar/purge", &[("tag", "nothing")]).assert_status(422);
    site.submit("/toolbar/purge", &[]).assert_status(422);
}

fn a_select_is_explained_and_nothing_else(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_product("Tea");
    let page = site.get("/?q=t%22e%27a");
    let told = site.told(&page);
    let mut explained = 0;
    for (place, sql) in told["sql"].as_array().unwrap().iter().enumerate() {
        let path = format!("/toolbar/explain?id={}&n={place}", page.id());
        let plan = site.get(&path);
        plan.assert_status(200).assert_header("cache-control", "no-store");
        let sql_text = sql["sql"].as_str().unwrap();
        let is_select = ["SELECT", "WITH"].iter().any(|word| sql_text.starts_with(word));
        let is_refused = plan.text().contains("Only a whole SELECT");
        assert_eq!(is_select, !is_refused, "{sql}: {}", plan.text());
        if sql["kind"] == "Query" {
            let words = ["SCAN", "SEARCH", "Scan", "Limit", "Aggregate", "Sort", "Result"];
            assert!(words.iter().any(|word| plan.text().contains(word)), "{}", plan.text());
            let (id, n) = (page.id(), place.to_string());
            let run = site.submit("/toolbar/explain", &[("id", id.as_str()), ("n", n.as_str())]);
            let measured = if on == Database::Sqlite { "rows, counted in" } else { "actual time" };
            assert!(run.assert_status(200).text().contains(measured), "{}", run.text());
            explained += 1;
        }
    }
    assert!(explained > 0);
    assert_eq!(site.get("/?q=t%22e%27a").timing().sql_queries(), 0, "it was looked at, not read");
    site.get("/toolbar/explain?id=0000000000000000&n=0").assert_status(404);
}

fn hostile_text_is_shown_as_text(on: Database) {
    let site = TestSite::observed(on, &[]);
    let hostile = "<script>alert(1)</script>\"'&";
    let added = site.adds(hostile, "4");
    let page = site.get("/?q=%3Cscript%3Ealert(2)%3C/script%3E");
    let page = [added, page, site.get("/%3Cscript%3E")];
    for asked in &page {
        let told = site.get(&format!("/toolbar/requests/{}", asked.id()));
        let html = told.assert_status(200).html();
        assert!(!html.contains("<script"), "{}", asked.asked);
    }
    let history = site.get("/toolbar/requests").html();
    assert!(history.contains("alert(2)") && !history.contains("<script"), "{history}");
}

fn secrets_are_not_shown(on: Database) {
    let site = TestSite::observed(on, &[]);
    let page =
        site.ask("GET", "/").header("Cookie", "sid=s3cret").header("Authorization", "s3cret");
    let told = site.told(&page.send());
    assert_eq!(told["request"]["cookies"], serde_json::json!(["sid"]));
    assert!(!told.to_string().contains("s3cret"), "{told}");
    let added = site.told(&site.adds("Tea", "4"));
    assert!(added["response"]["headers"].to_string().contains("\"set-cookie\",\"…\""));
    // Fields with the name of a secret, and places that repeat their values.
    let own = ["--toolbar", "auto", "--secret-name", "loyalty"];
    let site = TestSite::start_with(on, &own);
    for name in ["X-Api-Key", "X-Auth-Token", "Client-Secret", "Loyalty-Card"] {
        let path =
            "/?q=hush-hush-1&api_key=hush-hush-2&user%5Bpassword%5D=hush-hush-3&token=hush-hush-1";
        let page = site.ask("GET", path).header(name, "hush-hush-4");
        let told = site.told(&page.header("Referer", "/a?token=hush-hush-5").send());
        assert!(!told.to_string().contains("hush"), "{name}: {told}");
    }
    let told = site.told(&site.get("/?q=tea"));
    assert!(told["sql"].to_string().contains("tea"), "{told}");
    assert!(!site.log().contains("hush"));
}

fn hashes_and_digests_are_not_among_the_binds(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &["--toolbar", "auto"]);
    let mut mina = site.visitor();
    let fields = [("name", "Mina"), ("password", PASSWORD)];
    mina.submit("/login", &fields).assert_sees("Mina");
    // A password change compares the old hash and writes a new one.
    let new = "toast and tea";
    let fields = [("old", PASSWORD), ("new", new), ("again", new)];
    mina.submit("/staff/password", &fields);
    mina.submit("/login", &[("name", "Mina"), ("password", new)]);
    let listed = mina.get("/toolbar/requests?format=json");
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    let mut writes = 0;
    for row in listed.as_array().unwrap() {
        let path = format!("/toolbar/requests/{}?format=json", row["id"].as_str().unwrap());
        // A type of Postgres, in a statement of the freshness check.
        let told = mina.get(&path).text().replace("bytea", "");
        writes += told.matches("password_hash").count();
        assert!(!told.contains("argon2") && !told.contains("tea"), "{told}");
        for table in ["accounts", "sessions"] {
            let column = if table == "accounts" { "password_hash" } else { "token_hash" };
            let kept = site.database.sql(&format!("SELECT {column} FROM {table}"));
            for secret in kept.lines().filter(|line| !line.is_empty()) {
                assert!(!told.contains(secret), "{secret} in {told}");
            }
        }
    }
    assert!(writes > 0, "the toolbar has seen the password being changed");
}

fn the_history_lists_redirects_json_and_values(on: Database) {
    let site = TestSite::observed(on, &[]);
    let added = site.adds("Tea", "4");
    let stats = site.get("/cache/stats");
    let set = site.submit("/cache/key", &[("key", "motd"), ("value", "Fresh bread")]);
    let call = &site.told(&set)["values"][0];
    assert_eq!((&call["operation"], &call["outcome"]), (&"set".into(), &"done".into()));
    assert_eq!(call["key"], "larder:values:1:motd");
    let figures = site.get("/metrics").text();
    let counted = "larder_value_calls_total{operation=\"set\",outcome=\"done\"} 1";
    assert!(figures.contains(counted), "{figures}");
    let rows: Value =
        serde_json::from_slice(&site.get("/toolbar/requests?format=json").body).unwrap();
    let rows = rows.as_array().unwrap();
    let row = |page: &Page| rows.iter().find(|row| row["id"] == page.id().as_str()).unwrap();
    assert_eq!((&row(&added)["kind"], &row(&added)["location"]), (&"Redirect".into(), &"/".into()));
    assert_eq!(row(&stats)["kind"], "Json");
    assert!(rows.iter().all(|row| !row["target"].as_str().unwrap().starts_with("/toolbar")));
    assert!(rows.len() == 3, "{rows:?}");
    for _ in 0..210 {
        site.get("/");
    }
    let rows = site.get("/toolbar/requests?format=json");
    let rows: Value = serde_json::from_slice(&rows.body).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 200);
}
