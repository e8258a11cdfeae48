//! Checks which module may import which (docs/ARCHITECTURE.md), and the other rules of the project.
//!
//! Reads the source as tokens, without comments and strings; names are resolved as `use` resolves them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/front_door.rs"]
mod front_door;
#[path = "architecture/links.rs"]
mod links;
#[path = "architecture/packages.rs"]
mod packages;
#[path = "architecture/public_api.rs"]
mod public_api;
#[path = "architecture/source.rs"]
mod source;

use circles::Graph;
use source::{Name, Source, all_sources, files, sources};

/// Folders of `src` that are no section of the site.
const FRAMEWORK: [&str; 6] = ["db", "site", "health", "cli", "server", "config"];

/// Modules that observe the others; only the builders may import them.
const OBSERVERS: [&str; 2] = ["panel", "health"];

/// Modules that put the program together; no module below may import them.
const BUILDERS: [&str; 4] = ["app", "server", "cli", "main"];

const MOST_LINES: usize = 400;

#[test]
fn the_modules_of_a_crate_form_no_circle() {
    let circles: Vec<String> =
        ["src", "crates/larder-cache/src", "crates/larder-panel/src", "crates/larder-sql/src"]
            .into_iter()
            .flat_map(|folder| {
                let circles = Graph::of(&sources(folder)).circles();
                circles.into_iter().map(move |circle| format!("in {folder}:{circle}"))
            })
            .collect();
    assert!(circles.is_empty(), "circles {}", circles.join("\n"));
}

#[test]
fn the_database_depends_on_no_other_module() {
    check(in_folder("db"), |known, _| known.ours().is_none_or(|module| module == "db"));
}

#[test]
fn the_rules_of_http_know_headers_and_clocks_only() {
    let in_http = |source: &Source| is_in_the_cache(source, "http/");
    check(in_http, |known, source| {
        let is_door = source.name.ends_with("http/types.rs");
        let is_framework = known.parts[0].starts_with("actix");
        known.ours().is_none_or(|module| module == "http") && (is_door || !is_framework)
    });
}

#[test]
fn the_stamps_of_a_database_know_no_pages_and_its_adapter_no_cache() {
    let frameworks = ["actix_web", "actix_http", "askama"];
    check(in_folder("larder-sql"), |known, _| !frameworks.contains(&known.parts[0].as_str()));
    let is_adapter = |source: &Source| source.name.starts_with("crates/larder-sql/src/db/");
    check(is_adapter, |known, _| {
        known.parts[0] != "larder_cache" && known.ours().is_none_or(|module| module == "db")
    });
}

#[test]
fn what_all_pages_share_knows_no_section() {
    let sections = sections();
    check(in_folder("site"), |known, _| {
        known.ours().is_none_or(|module| !sections.contains(module) && is_below(module))
    });
}

#[test]
fn a_section_knows_no_other_section() {
    let sections = sections();
    assert!(sections.contains("products"), "{sections:?}");
    let in_section = |source: &Source| sections.contains(source.folder());
    check(in_section, |known, source| {
        known.ours().is_none_or(|module| {
            module == source.folder() || (!sections.contains(module) && is_below(module))
        })
    });
}

#[test]
fn observers_know_no_section_and_only_builders_know_them() {
    let sections = sections();
    check(
        |source| OBSERVERS.contains(&source.folder()),
        |known, _| known.ours().is_none_or(|module| !sections.contains(module)),
    );
    let others = |source: &Source| {
        source.folder() != "larder-panel"
            && !OBSERVERS.contains(&source.folder())
            && !BUILDERS.contains(&source.folder())
    };
    check(others, |known, source| {
        source.folder() == "lib" || known.ours().is_none_or(|m| !OBSERVERS.contains(&m))
    });
}

#[test]
fn only_the_cache_itself_and_the_panel_listen() {
    for source in all_sources() {
        let listens = source.tokens.windows(2).any(|pair| pair == ["Listener", "for"]);
        let may = ["larder-cache", "larder-panel"].contains(&source.folder());
        assert!(may || !listens, "{} listens to the cache", source.name);
    }
}

#[test]
fn redis_is_named_where_the_store_is_and_opened_only() {
    // The contract tests of the stores read Redis directly to check what was stored.
    let may = ["store/redis", "store/mod.rs", "store/contract/"];
    for name in ["redis", "deadpool_redis"] {
        only_in(name, |source| may.iter().any(|place| is_in_the_cache(source, place)));
    }
}

/// If another module read the connection or the proxies' headers, any client could deceive it.
#[test]
fn only_one_module_of_the_shop_decides_who_the_client_is() {
    let readers =
        ["connection_info", "peer_addr", "realip_remote_addr", "ConnectionInfo", "PeerAddr"];
    for source in
        sources("src").iter().filter(|source| !source.name.starts_with("src/site/client/"))
    {
        // The server passes on the peer's address.
        let may = |name: &str| name == "peer_addr" && source.name == "src/server/stream.rs";
        let read =
            readers.iter().find(|name| source.tokens.iter().any(|t| t == **name) && !may(name));
        assert!(read.is_none(), "{} reads {read:?}; use site::client::Client", source.name);
        let text = fs::read_to_string(&source.name).unwrap().to_lowercase();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for header in ["\"x-forwarded", "\"x-real-ip", "\"forwarded\""] {
            assert!(!code.contains(header), "{} names {header}", source.name);
        }
    }
}

#[test]
fn bincode_is_named_in_one_module_only() {
    only_in("bincode", |source| is_in_the_cache(source, "codec"));
}

#[test]
fn sql_stays_in_its_crate_the_database_and_the_queries() {
    let may = |source: &Source| {
        ["db", "larder-sql"].contains(&source.folder())
            || ["queries", "model"].iter().any(|part| source.module.contains(&(*part).to_owned()))
    };
    for name in ["diesel", "diesel_migrations", "libsqlite3_sys", "pq_sys"] {
        only_in(name, may);
    }
}

#[test]
fn each_layer_of_a_section_keeps_to_its_own() {
    let sections = sections();
    let layer = |name: &'static str| {
        let sections = sections.clone();
        move |source: &Source| {
            sections.contains(source.folder()) && source.module.get(1).is_some_and(|m| m == name)
        }
    };
    let outside = |known: &Name, names: &[&str]| !names.contains(&known.parts[0].as_str());
    check(layer("service"), |known, _| outside(known, &["actix_web", "askama"]));
    check(layer("model"), |known, _| outside(known, &["actix_web"]));
    check(layer("queries"), |known, _| {
        outside(known, &["actix_web", "askama"]) && known.ours() != Some("cache")
    });
}

#[test]
fn no_file_is_named_util_or_the_like() {
    let drawers = ["util", "utils", "common", "helper", "helpers", "misc", "shared"];
    for folder in ["src", "tests", "templates"] {
        for path in files(Path::new(folder)) {
            for part in path.iter() {
                let stem = Path::new(part).file_stem().unwrap().to_string_lossy().into_owned();
                assert!(!drawers.contains(&&*stem), "{}: say what is in it", path.display());
            }
        }
    }
}

#[test]
fn files_are_short_enough_to_hold_one_thing() {
    for source in ["src", "tests", "crates"].into_iter().flat_map(sources) {
        assert!(source.lines <= MOST_LINES, "{} has {} lines", source.name, source.lines);
    }
}

#[test]
fn tests_neither_sleep_nor_are_switched_off() {
    for source in ["src", "tests", "crates"].into_iter().flat_map(sources) {
        let tests = source.tests();
        let sleeps = tests.windows(2).any(|pair| pair == ["sleep", "("]);
        // Under a paused clock, sleeping takes no time.
        let is_paused = tests.iter().any(|token| token == "start_paused");
        let stops_the_thread = tests.windows(3).any(|three| three == ["thread", "::", "sleep"]);
        assert!(!stops_the_thread && (!sleeps || is_paused), "{} sleeps", source.name);
        for pair in tests.windows(2) {
            let is_off = pair[0] == "[" && ["ignore", "should_panic"].contains(&&*pair[1]);
            assert!(!is_off, "{}: #[{}]", source.name, pair[1]);
        }
    }
}

/// Sentences name their subject: the caller, the client, another process.
#[test]
fn no_sentence_has_an_agent_without_a_name() {
    // In two parts, so that this file holds none of them.
    let agents = ["some", "no", "any"].map(|word| format!("{word}body"));
    let agents: Vec<String> = agents.into_iter().chain(["who".to_owned() + "ever"]).collect();
    // An account of Unix is called so.
    let account = format!("user(\"{}\")", agents[1]);
    let mut found = Vec::new();
    let folders = ["src", "crates", "tests", "templates", "docs", "benches", "examples", "scripts"];
    let paths =
        folders.into_iter().chain(["migrations"]).flat_map(|folder| files(Path::new(folder)));
    let documents =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Cargo.toml", "deny.toml"];
    for path in paths.chain(documents.map(Into::into)) {
        // Pictures are no text.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            let line = line.replace(&account, "").to_lowercase();
            let mut words = line.split(|letter: char| !letter.is_alphabetic());
            if words.any(|word| agents.iter().any(|agent| agent == word.trim_end_matches('s'))) {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn templates_leave_the_escaping_to_types() {
    let folders = ["templates", "crates/larder-panel/templates"];
    for path in folders.into_iter().flat_map(|folder| files(Path::new(folder))) {
        let text = fs::read_to_string(&path).unwrap();
        let bare: String = text.split_whitespace().collect();
        assert!(!bare.contains("|safe"), "{}: |safe", path.display());
        assert!(!bare.contains("style=\"") && !bare.contains("<style"), "{}", path.display());
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let list = |database: &str| -> Vec<String> {
        let folder = fs::read_dir(format!("migrations/{database}")).unwrap();
        let mut names: Vec<_> =
            folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(list("sqlite"), list("postgres"));
    for (database, name) in ["sqlite", "postgres"]
        .iter()
        .flat_map(|database| list(database).into_iter().map(move |n| (database, n)))
    {
        for file in ["up.sql", "down.sql"] {
            let path = format!("migrations/{database}/{name}/{file}");
            assert!(Path::new(&path).is_file(), "{path} is missing");
        }
    }
}

/// Checks that the tests above find names in a file full of special cases.
#[test]
fn names_are_found_where_the_compiler_finds_them() {
    let text = r##"
        //! use crate::comment::X;
        use std::{fmt, io::{self, Read as _}};
        use super::{tag::Tag, *};
        pub use self::inner::Deep;
        /* crate::block */
        fn f<'a>(s: &'a str) -> char { let _ = "crate::string"; let _ = r#"crate::"raw""#; '"' }
        mod inner {
            use super::super::view;
            fn g() { crate::app::run(); diesel::insert_into(super::key::T) }
        }
        fn h() { super::store::memory::new() }
    "##;
    let source = Source::of("src/cache/key.rs".to_owned(), text);
    let names: Vec<_> = source.names().iter().map(|name| name.parts.join("::")).collect();
    let expected = [
        "std::fmt",
        "std::io::self",
        "std::io::Read",
        "crate::cache::tag::Tag",
        "crate::cache::*",
        "crate::cache::key::inner::Deep",
        "crate::cache::view",
        "crate::app::run",
        "diesel::insert_into",
        "crate::cache::key::key::T",
        "crate::cache::store::memory::new",
    ];
    assert_eq!(names, expected);
}

fn sections() -> BTreeSet<String> {
    let folders = sources("src").into_iter().filter(|source| source.name.matches('/').count() > 1);
    let names = folders.map(|source| source.folder().to_owned());
    names.filter(|name| !FRAMEWORK.contains(&name.as_str())).collect()
}

/// Decides whether sections and `site` may import this module.
fn is_below(module: &str) -> bool {
    !OBSERVERS.contains(&module) && !BUILDERS.contains(&module)
}

/// Reports whether it lies at this place of the crate `larder-cache`.
fn is_in_the_cache(source: &Source, place: &str) -> bool {
    source.name.strip_prefix("crates/larder-cache/src/").is_some_and(|rest| rest.starts_with(place))
}

fn in_folder(folder: &'static str) -> impl Fn(&Source) -> bool {
    move |source| source.folder() == folder
}

/// Fails with the whole list of names in these files that break the rule.
#[track_caller]
fn check(these: impl Fn(&Source) -> bool, rule: impl Fn(&Name, &Source) -> bool) {
    let mut broken = BTreeSet::new();
    for source in all_sources().iter().filter(|source| these(source)) {
        for name in source.names().iter().filter(|name| !rule(name, source)) {
            broken.insert(format!("{} must not know {}", source.name, name.parts.join("::")));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Fails if a file names a crate that it may not name.
#[track_caller]
fn only_in(crate_name: &str, may: impl Fn(&Source) -> bool) {
    check(|source| !may(source), |known, _| known.parts[0] != crate_name);
}
