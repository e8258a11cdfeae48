//! The routes of the attack list in `docs/HTTP-CACHE.md`, which trust their input.

use std::fmt::Write;

use super::reply::{Asked, Reply};

/// Answers as the route of this path does.
pub fn answer(asked: &Asked) -> Reply {
    let path = asked.path.as_str();
    match path {
        "/redir" => {
            let login = format!("{}://{}/login", asked.scheme, asked.host);
            Reply::fresh("").status(302).with("Location", login)
        }
        "/priv" => Reply::ok(me(asked)).with("Cache-Control", "private, max-age=60"),
        "/err" => status(asked),
        "/agent" => {
            Reply::fresh(asked.header("user-agent").unwrap_or_default()).with("Vary", "User-Agent")
        }
        "/strict" => strict(asked),
        "/coded" => coded(asked),
        "/session" => Reply::fresh("hello").with("Set-Cookie", "sid=mine; Path=/"),
        "/sse" => Reply::stream(1 << 30, false).but("Content-Type", "text/event-stream"),
        "/big" => Reply::stream(1 << 20, true),
        "/cut" => Reply::cut(),
        "/short" => Reply::fresh("short").with("Content-Length", "100"),
        _ if asked.route.as_deref() == Some("/me-maxage") => Reply::fresh(me(asked)),
        _ if path.starts_with("/me-maxage") => Reply::fresh(me(asked)),
        _ if path.starts_with("/me") => Reply::ok(me(asked)),
        _ if asked.method == "HEAD" => Reply::fresh("").status(500).with("X-Head", "yes"),
        _ => Reply::fresh(echo(asked)),
    }
}

fn me(asked: &Asked) -> String {
    format!("user={} at {}", asked.user.as_deref().unwrap_or("none"), asked.target)
}

/// Prints every part of a request that a handler may print.
fn echo(asked: &Asked) -> String {
    let mut text = format!("{} {} {}\n", asked.scheme, asked.host, asked.target);
    for (name, value) in &asked.headers {
        let name = name.as_str();
        if name.starts_with("x-") || ["cookie", "user-agent", "origin"].contains(&name) {
            let value = String::from_utf8_lossy(value.as_bytes());
            writeln!(text, "{name}: {value}").unwrap();
        }
    }
    text + &asked.body
}

fn status(asked: &Asked) -> Reply {
    let status = asked.query.trim_start_matches("s=").parse().unwrap();
    Reply::fresh(format!("{} {status} {}", asked.method, asked.nth)).status(status)
}

/// Refuses requests with unusual headers.
fn strict(asked: &Asked) -> Reply {
    let is = |name: &str, value: &str| asked.header(name).as_deref() == Some(value);
    let is_long = asked.headers.iter().any(|(_, value)| value.len() > 10_000);
    match () {
        () if is("accept", "application/xml") => Reply::fresh("evil").status(406),
        () if is("expect", "foo") => Reply::fresh("evil").status(417),
        () if is_long => Reply::fresh("evil").status(400),
        () => Reply::fresh("good"),
    }
}

/// Encodes its body itself, and sends no `Vary`.
fn coded(asked: &Asked) -> Reply {
    if asked.header("accept-encoding").is_some_and(|codings| codings.contains("br")) {
        Reply::fresh("evil").with("Content-Encoding", "br")
    } else {
        Reply::fresh("good")
    }
}
