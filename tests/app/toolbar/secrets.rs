//! Secrets that a request repeats in other forms than that in which they have a name.

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    a_secret_is_hidden_in_every_form,
    a_long_secret_is_hidden_where_texts_are_cut,
    a_request_with_very_many_secrets_is_not_shown,
}

fn a_secret_is_hidden_in_every_form(on: Database) {
    let site = TestSite::observed(on, &[]);
    let cases = [
        ("/?q=WALNUT%2FALMOND%3D&token=WALNUT%2FALMOND%3D", "", ""),
        ("/?q=walnut+almond&token=WALNUT,ALMOND;x", "", ""),
        ("/?q=token=WALNUT-ALMOND", "", ""),
        ("/?q=password:WALNUT+ALMOND", "", ""),
        ("/?q=%22token%22:%22WALNUT+ALMOND%22", "", ""),
        ("/?p%2561ssword=WALNUT&q=WALNUT", "", ""),
        ("/?token%3DWALNUT", "", ""),
        ("/?q=WALNUT+ALMOND", "Cookie", "a=WALNUT%20ALMOND"),
        ("/?q=WALNUT+ALMOND", "Authorization", "Scheme id=3, proof=\"WALNUT/ALMOND\""),
        ("/", "Cookie", "WALNUT"),
        ("/", "X-Data", r#"{"password":{"a":"WALNUT","b":["ALMOND"]}}"#),
        ("/", "X-Data", r#"{"secrets":[["WALNUT"],"ALMOND"]}"#),
        ("/", "Referer", "http://h/a?password=hunter,WALNUT;ALMOND'WALNUT)ALMOND&b=1"),
        ("/", "X-Data", "postgres://u:a/WALNUT?ALMOND@h/db"),
        ("/", "X-Data", r"host=h password=a\ WALNUT"),
        ("/?q=WALNUT", "X-Verification-Code", "WALNUT"),
        ("/?q=WALNUT", "X-Access-Code", "WALNUT"),
        ("/a/token=WALNUT,ALMOND?q=walnut", "", ""),
        // The same secret in another spelling.
        ("/?token=%57AL%2BNUT&q=WAL+NUT", "", ""),
        ("/?token=WAL%2BNUT&q=wal%2Cnut", "", ""),
        ("/?q=WAL+NUT", "Cookie", "a=WAL%2BNUT"),
        ("/?q=%22WAL%22%5Cnut", "X-Api-Key", "wal-nut"),
        // Other signs between name and value.
        ("/", "X-Data", "token\t: WALNUT"),
        ("/", "X-Data", "token   :  WALNUT"),
        ("/", "X-Data", r#"token="a""WALNUT""#),
        ("/", "X-Data", r"postgres:\/\/u:WALNUT@h"),
        ("/", "X-Data", r#"[{"name":"password","value":"WALNUT"}]"#),
        ("/", "X-Data", r#"[{"value":"WALNUT","name":"password"}]"#),
        ("/", "X-Data", "<password>WALNUT</password>"),
        ("/reset-password/WALNUT", "", ""),
        ("/a", "Referer", "http://h/magic/WALNUT/ALMOND?q=1"),
        ("/?invite=WALNUT&magic=WALNUT&unlock=WALNUT&access=WALNUT&access_key=WALNUT", "", ""),
    ];
    for (path, name, value) in cases {
        let request = site.ask("GET", path);
        let request = if name.is_empty() { request } else { request.header(name, value) };
        let told = site.told(&request.send()).to_string().to_lowercase();
        let letters: String = told.chars().filter(char::is_ascii_alphanumeric).collect();
        let is_told = letters.contains("walnut") || letters.contains("almond");
        assert!(!is_told, "{path} {value}: {told}");
    }
    let told = site.told(&site.get("/?q=walnut")).to_string();
    assert!(told.matches("walnut").count() > 3, "what is no secret is shown: {told}");
}

fn a_long_secret_is_hidden_where_texts_are_cut(on: Database) {
    let site = TestSite::observed(on, &[]);
    let secret = "walnut".repeat(300);
    let front = "x".repeat(900);
    let request = site.ask("GET", "/?q=tea").header("X-Data", &format!("{front}{secret}"));
    let told = site.told(&request.header("X-Api-Key", &secret).send()).to_string();
    assert!(told.contains(&front) && !told.contains("walnut"), "{told}");
}

fn a_request_with_very_many_secrets_is_not_shown(on: Database) {
    let site = TestSite::observed(on, &[]);
    let many: String = (0..4_000).map(|n| format!("a{n}=walnut{n};")).collect();
    let page = site.ask("GET", "/?q=walnut3999").header("Cookie", &many).send();
    let told = site.told(page.assert_status(200)).to_string();
    assert!(!told.contains("walnut"), "{told}");
}
