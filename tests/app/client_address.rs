//! The client's address: that of the connection, or the one that a trusted proxy reports.

use serde_json::Value;

use crate::support::{Database, Page, TestSite, account, on_both_databases};

on_both_databases! {
    attempts_are_counted_for_the_client_that_the_proxy_names,
    headers_of_an_untrusted_peer_are_ignored,
    a_client_cannot_choose_how_it_is_counted,
    the_scheme_is_taken_from_trusted_proxies_only,
    a_write_with_any_header_of_a_proxy_is_not_local,
    the_log_and_the_toolbar_name_the_client,
}

/// Signs in with a wrong password; returns the status.
fn tries(site: &TestSite, headers: &[(&str, &str)]) -> u16 {
    tries_as(site, "mina", headers)
}

fn tries_as(site: &TestSite, name: &str, headers: &[(&str, &str)]) -> u16 {
    let wrong = [("name", name), ("password", "wrong pass")];
    let request = site.ask("POST", "/login").form(&wrong);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().status
}

/// Asserts that these headers count as one client, with ten attempts, and `other` as another one.
#[track_caller]
fn count_as_one(site: &TestSite, same: &[Vec<(&str, String)>], other: &[(&str, &str)]) {
    let tried = same.iter().cycle().take(11).map(|headers| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        tries(site, &headers)
    });
    let statuses: Vec<u16> = tried.collect();
    assert_eq!(statuses, [vec![422; 10], vec![429]].concat(), "{same:?}");
    assert_eq!(tries(site, other), 422, "{other:?}");
}

fn attempts_are_counted_for_the_client_that_the_proxy_names(on: Database) {
    let first = TestSite::with_staff(on, &["Mina"], &[]);
    let lines = |name, values: &[&str]| -> Vec<(&str, String)> {
        values.iter().map(|value| (name, (*value).to_owned())).collect()
    };
    let name = "X-Forwarded-For";
    let same = [
        lines(name, &["192.0.2.7"]),
        lines(name, &["1.1.1.1, 192.0.2.7"]),
        lines(name, &["1.1.1.1", "192.0.2.7"]),
        lines(name, &["192.0.2.7:4711"]),
        lines(name, &["2.2.2.2", "192.0.2.7:4712, 127.0.0.1"]),
        lines(name, &["::ffff:192.0.2.7"]),
    ];
    count_as_one(&first, &same, &[(name, "192.0.2.8")]);
    // All addresses of an IPv6 /64 are one client.
    let same = ["[2001:db8:1:2::1]:80", "2001:db8:1:2:aa::2", "\"[2001:db8:1:2::3]\""];
    let same = same.map(|value| lines(name, &[value]));
    count_as_one(&first, &same, &[(name, "2001:db8:1:3::1")]);

    let flags = ["--access", "staff", "--client-address", "forwarded"];
    let by_forwarded = first.another_instance_with(&flags);
    let same = [
        lines("Forwarded", &["for=192.0.2.7"]),
        lines("Forwarded", &["for=1.1.1.1", "For=\"192.0.2.7:80\";proto=https"]),
        lines("Forwarded", &["for=\"[2001:db8::1]\", for=192.0.2.7;by=\"a, b\", for=127.0.0.1"]),
    ];
    count_as_one(&by_forwarded, &same, &[("Forwarded", "for=\"[2001:db8::1]\"")]);

    let flags = ["--access", "staff", "--client-address", "x-real-ip"];
    let by_real_ip = first.another_instance_with(&flags);
    let same =
        [lines("X-Real-IP", &["192.0.2.7"]), lines("X-Real-IP", &["1.1.1.1", "192.0.2.7:80"])];
    count_as_one(&by_real_ip, &same, &[("X-Real-IP", "192.0.2.8")]);
}

fn headers_of_an_untrusted_peer_are_ignored(on: Database) {
    let first = TestSite::with_staff(on, &["Mina"], &["--trusted-proxies", "10.0.0.0/8,fd00::/8"]);
    let flags = ["--access", "staff", "--client-address", "peer"];
    for site in [&first, &first.another_instance_with(&flags)] {
        for number in 0..10 {
            let address = format!("192.0.2.{number}");
            let forwarded = format!("for={address}");
            let headers = [
                ("X-Forwarded-For", &*address),
                ("Forwarded", &*forwarded),
                ("X-Real-IP", &*address),
            ];
            assert_eq!(tries(site, &headers), 422);
        }
        assert_eq!(tries(site, &[("X-Forwarded-For", "192.0.2.99")]), 429);
        assert_eq!(tries(site, &[]), 429);
    }
}

fn a_write_with_any_header_of_a_proxy_is_not_local(on: Database) {
    let site = TestSite::start(on);
    let adds = |name: &str| {
        let product = [("title", "Tea"), ("price", "1")];
        site.ask("POST", "/products").header(name, "https").form(&product).send()
    };
    for name in
        ["X-Forward-For", "Forwarded-Host", "X-Client-Proto", "X-Request-Start", "Script-Name"]
    {
        adds(name).assert_status(403);
    }
    adds("X-Requested-With").assert_sends_to("/");
}

fn a_client_cannot_choose_how_it_is_counted(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let many = ["192.0.2.1, ".repeat(300), "junk".to_owned()].concat();
    let odd = [
        "",
        "unknown",
        "_hidden",
        "junk",
        "192.0.2.1,",
        "192.0.2.256",
        "[2001:db8::1",
        "\"",
        "é",
        &many,
        // Once more, now only with the headers that this proxy does not set.
        "",
    ];
    let statuses: Vec<u16> = odd
        .iter()
        .enumerate()
        .map(|(number, value)| {
            let other = format!("192.0.2.{number}");
            let forwarded = format!("for={other}");
            tries(
                &site,
                &[("X-Forwarded-For", value), ("X-Real-IP", &other), ("Forwarded", &forwarded)],
            )
        })
        .collect();
    assert_eq!(statuses, [vec![422; 10], vec![429]].concat());
    assert_eq!(tries(&site, &[]), 429, "they count as the proxy itself");
    assert_eq!(tries(&site, &[("X-Forwarded-For", "192.0.2.1")]), 422);
}

fn the_scheme_is_taken_from_trusted_proxies_only(on: Database) {
    let trusting = TestSite::with_staff(on, &["Mina"], &["--host", "shop.example"]);
    let others = [
        ["--trusted-proxies", "10.0.0.1"],
        ["--client-address", "forwarded"],
        ["--client-address", "peer"],
    ];
    let signs_in = |site: &TestSite, header: (&str, &str)| -> Page {
        let fields = [("name", "Mina"), ("password", crate::support::PASSWORD)];
        let request = site.ask("POST", "/login").form(&fields).header("Host", "shop.example");
        request.header(header.0, header.1).header("Origin", "https://shop.example").send()
    };
    let is_secure = |page: &Page| page.lines_of("set-cookie").any(|line| line.contains("; Secure"));
    let through = ("X-Forwarded-Proto", "https");
    let answer = signs_in(&trusting, through);
    assert!(is_secure(answer.assert_sends_to("/staff")));
    for odd in ["nothttps", "http", "https, http", ""] {
        signs_in(&trusting, ("X-Forwarded-Proto", odd)).assert_status(403);
    }
    for flags in others {
        let flags = [&["--host", "shop.example", "--access", "staff"], &flags[..]].concat();
        let site = trusting.another_instance_with(&flags);
        signs_in(&site, through).assert_status(403);
        let is_by_forwarded = flags.contains(&"forwarded");
        let answer = signs_in(&site, ("Forwarded", "for=192.0.2.7;proto=https"));
        assert_eq!(answer.status == 303 && is_secure(&answer), is_by_forwarded, "{flags:?}");
    }
}

fn the_log_and_the_toolbar_name_the_client(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &["--log", "json", "--toolbar", "on"]);
    let token = account(&site.database, &["token", "Mina"], "");
    let cookie = {
        let fields = [("name", "Mina"), ("password", crate::support::PASSWORD)];
        let line = site.submit("/login", &fields).header("set-cookie").unwrap();
        line.split(';').next().unwrap().to_owned()
    };
    let page = site.ask("GET", "/staff").header("Cookie", &cookie);
    page.header("X-Forwarded-For", "1.1.1.1, 192.0.2.7:80").send().assert_status(200);
    let requests =
        site.ask("GET", "/toolbar/requests?format=json").header("Cookie", &cookie).send();
    let requests: Value = serde_json::from_str(&requests.html()).unwrap();
    let id = requests[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/toolbar/requests/{id}?format=json");
    let record = site.ask("GET", &path).header("Cookie", &cookie).send();
    let record: Value = serde_json::from_str(&record.html()).unwrap();
    let request = &record["record"]["request"];
    assert_eq!(request["client"], "192.0.2.7", "{request}");
    assert!(request["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{request}");
    site.wait_for_log(r#""client":"192.0.2.7""#);
    site.wait_for_log(r#""client":"127.0.0.1""#);
    assert!(!site.log().contains("1.1.1.1") && !site.log().contains(token.trim()));
}
