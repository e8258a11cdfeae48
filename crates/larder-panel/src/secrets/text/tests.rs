//! What is hidden in texts, and what the reading costs.

use proptest::prelude::*;

use super::super::letters::READ;
use super::*;

#[test]
fn what_follows_the_name_of_a_secret_is_hidden_in_any_text() {
    let cases = [
        ("/?token=abc&q=tea", "/?token=…&q=tea"),
        ("a token=abc, b", "a token=…, b"),
        (r#"{"password": "a\"b", "n": 1}"#, r#"{"password": "…", "n": 1}"#),
        ("Authorization: Bearer abc.def x", "Authorization: …"),
        ("Authorization: Negotiate  abc\nx", "Authorization: …\nx"),
        ("Cookie: a=b; sess=abc", "Cookie: …"),
        ("next=%2Fa%3Ftoken%3Dabc%26b%3D1", "next=%2Fa%3Ftoken%3D…%26b%3D1"),
        ("(token_hash = 'abc'::text)", "(token_hash = '…'::text)"),
        ("postgres://mina:p@ss@host/db", "postgres://…@host/db"),
        (r#"page:path="/":query="q=1&api_key=abc""#, r#"page:path="/":query="q=1&api_key=…""#),
        ("é token=ü", "é token=…"),
        ("http://h/?%74oken=abc", "http://h/?%74oken=…"),
        (r#"{"password" : ["abc", "d"], "n": 1}"#, r#"{"password" : […], "n": 1}"#),
        (r#"accounts.session:digest="abc""#, r#"accounts.session:digest="…""#),
        (r#"cache.key="larder:values:1:motd""#, r#"cache.key="larder:values:1:motd""#),
        ("/?token=abc%26def&q=tea", "/?token=…&q=tea"),
        ("/?token=abc%20def+g&q=tea", "/?token=…&q=tea"),
        ("next=a%253Ftoken%253Dabc%2526b%253D1%26c=1", "next=a%253Ftoken%253D…%2526b%253D1%26c=1"),
        ("to=postgres%3A%2F%2Fmina%3Ap%40ss%40host%2Fdb", "to=postgres%3A%2F%2F…%40host%2Fdb"),
        ("to=postgres%3a//mina:pass@host/db", "to=postgres%3a//…@host/db"),
        ("http://h/a@b:c", "http://h/a@b:c"),
        ("100%: 5", "100%: 5"),
        ("nothing = here: at all", "nothing = here: at all"),
        ("token=", "token="),
        ("", ""),
        // Values with signs of their own.
        ("/a?password=hunter,abc;d'e)f&q=tea", "/a?password=…&q=tea"),
        (r#"/token=abc"def"#, "/token=…"),
        (r#"/token="abc"def g"#, r#"/token="… g"#),
        (r"password=a\ abc host=h", "password=… host=h"),
        ("(token=abc), b", "(token=…), b"),
        ("Key (token)=(abc d) exists", "Key (token)=(…) exists"),
        ("token: abc def\nx", "token: …\nx"),
        ("q=%22token%22:%22abc+d%22&b=1", "q=%22token%22:%22…%22&b=1"),
        ("q=token=abc", "q=token=…"),
        (r#"{"password":{"a":"abc","b":["d"]},"n":1}"#, r#"{"password":{…},"n":1}"#),
        (r#"{"secrets":[["abc"],"d]"],"n":1}"#, r#"{"secrets":[…],"n":1}"#),
        (r#"{"m":"token=abc","n":1}"#, r#"{"m":"token=…","n":1}"#),
        (r#"{\"token\":\"abc"#, r#"{\"token\":\"…"#),
        // Addresses with passwords that hold signs of addresses.
        ("postgres://u:a/abc@h/db", "postgres://…@h/db"),
        ("http://u:a?b#c@h:1/ x@y", "http://…@h:1/ x@y"),
        ("postgres%253A%252F%252Fu%253Aa%252Fabc%2540h", "postgres%253A%252F%252F…%2540h"),
        ("https://h/?mail=a@b", "https://h/?mail=a@b"),
        ("tok%25%36%35n=abc", "tok%25%36%35n=…"),
        // Other spellings of names, signs and quotes.
        ("token\t: abc def", "token\t: …"),
        ("token  :\tabc def\nx", "token  :\t…\nx"),
        ("{\"token\":\n  \"abc\"}", "{\"token\":\n  \"…\"}"),
        (r#"token="a""abc d" e"#, r#"token="…" e"#),
        (r#"token="a"'abc d' e"#, r#"token="…' e"#),
        (r"postgres:\/\/u:abc@h\/db", r"postgres:\/\/…@h\/db"),
        (r#"{"m":"token\u003dabc\u0026b"}"#, r#"{"m":"token\u003d…\u0026b"}"#),
        // Fields with a name and a value.
        (r#"[{"name":"password","value":"abc"}]"#, r#"[{"name":"password","value":"…"}]"#),
        (r#"{"value":"abc","n":1,"name":"password"}"#, r#"{"value":"…","n":1,"name":"password"}"#),
        (r#"{"key": "password", "value": {"a":"abc"}}"#, r#"{"key": "…", "value": {…}}"#),
        (
            r#"<input value="abc" type="hidden" name="csrf">"#,
            r#"<input value="…" type="hidden" name="csrf">"#,
        ),
        (r#"<meta name=csrf-token content=abc>"#, r#"<meta name=csrf-token content=…>"#),
        ("name=token&value=abc&b=1", "name=token&value=…&b=1"),
        (r#"{"name":"tea","value":"green"}"#, r#"{"name":"tea","value":"green"}"#),
        (r#"{"value":"a token=abc","name":"key"}"#, r#"{"value":"…","name":"key"}"#),
        // Elements.
        ("<password>abc d</password> e", "<password>…</password> e"),
        (r#"<a:token x="1">abc<b>d</b></a:token>"#, r#"<a:token x="1">…</b></a:token>"#),
        ("%3Ctoken%3Eabc%3C/token%3E", "%3Ctoken%3E…%3C/token%3E"),
        ("<token/>tea <key@h> tea <b>tea</b>", "<token/>tea <key@h> tea <b>tea</b>"),
        // Paths.
        ("GET /reset-password/abc/d?q=tea HTTP/1.1", "GET /reset-password/…?q=tea HTTP/1.1"),
        ("a%2Fmagic%2Fabc%3Fq=tea", "a%2Fmagic%2F…%3Fq=tea"),
        ("https://h/access//abc#tea", "https://h/access//…#tea"),
        ("/reset-password/ and /teas/7/edit", "/reset-password/ and /teas/7/edit"),
        ("https://auth.example/tea the token /tea", "https://auth.example/tea the token /tea"),
        // What is encoded too often.
        ("q=tea%2525253D1", "q=tea%2525253D1"),
        ("q=tea&token%25252525253Dabc", "q=tea&token…"),
        ("token=abc%25252525253D", "token=……"),
    ];
    for (text, expected) in cases {
        assert_eq!(hide(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "([=:&%@/\\\\\"'(){}\\[\\] \\né…]|%3D|%2525|key|a|://){0,40}") {
        let places = places(&text);
        prop_assert!(places.is_sorted_by(|one, next| one.start < one.end && one.end <= next.start));
        prop_assert!(places.iter().all(|place| !text[place.clone()].is_empty()));
        prop_assert!(hide(&text).matches('…').count() >= places.len());
    }
}

#[test]
fn the_work_is_linear_in_the_length_of_a_text() {
    // Each of these took time by the square of its length once, some of them recursed.
    let parts = [
        "%3D",
        "%25",
        "=",
        ":",
        "://",
        ":%2F%2F",
        "k=v&",
        "k=",
        "token=",
        "token%3Dx%26",
        "key:",
        "(",
        "[\"",
        "{",
        "token=[",
        "token=\"",
        "\"",
        "\\",
        "\\\"",
        "key=\"\"",
        "key:key=\"\"",
        "a:1@://",
        "token ",
        "'",
        ",",
        "%",
        "token=,",
        "pass",
        "\u{e9}",
        "token=&",
        "<key>",
        "<key ",
        "</",
        "<",
        "/key/",
        "/key/?",
        "key/ ",
        "\\/",
        "\\u003d",
        "key:\n",
        "key=\"a\"",
        "\"\"",
        "value:",
        "value=\"",
        "\"name\":\"key\",\"value\":[",
        "name=key&value=",
    ];
    for part in parts {
        for text in [part.repeat(5_000), format!("a:{}@b", part.repeat(5_000))] {
            READ.set(0);
            let hidden = hide(&text);
            assert!(READ.get() <= 8 * text.len(), "{part}: {} of {}", READ.get(), text.len());
            assert!(hidden.len() <= 2 * text.len(), "{part}");
        }
    }
}
