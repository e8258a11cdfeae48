//! The front door of a crate: the items that other crates can name.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, sources, tree};

/// What is shown to people, for command lines, dashboards and toolbars; and what only tests use.
const OPTIONAL: [&str; 2] = ["inspect", "testing"];

/// Returns the full names of the items that can be named from outside the crate in this folder.
///
/// Modules, methods and variants do not count. An item that can be named in several ways counts once. Modules
/// that an application has to ask for by a feature do not count.
pub fn public_items(folder: &str) -> BTreeSet<String> {
    let sources = sources(folder);
    let modules = sources.iter().map(|source| (module_of(source), source)).collect();
    let mut items = BTreeSet::new();
    visit(&modules, "crate", &mut items);
    items
}

pub fn module_of(source: &Source) -> String {
    let parts = source.module.iter().filter(|part| *part != "lib").map(String::as_str);
    std::iter::once("crate").chain(parts).collect::<Vec<_>>().join("::")
}

/// Adds the public items of a public module and of the public modules in it.
fn visit(modules: &BTreeMap<String, &Source>, module: &str, items: &mut BTreeSet<String>) {
    let tokens = &modules[module].tokens;
    for at in public_at_the_top(tokens) {
        let words = ["async", "unsafe"];
        let at = at + usize::from(words.contains(&tokens[at].as_str()));
        let name = &tokens[at + 1];
        match tokens[at].as_str() {
            "mod" if OPTIONAL.contains(&name.as_str()) => {}
            "mod" => visit(modules, &format!("{module}::{name}"), items),
            "use" => {
                let mut names = Vec::new();
                tree(tokens, at + 1, &[], &mut names);
                items.extend(names.iter().map(|name| absolute(module, name)));
            }
            // `const fn` is a function; `const NAME` a constant.
            "const" if name == "fn" => drop(items.insert(format!("{module}::{}", tokens[at + 2]))),
            _ => drop(items.insert(format!("{module}::{name}"))),
        }
    }
}

/// Returns the places after each `pub` outside of braces, without those that only tests compile.
fn public_at_the_top(tokens: &[String]) -> Vec<usize> {
    let of_tests = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut found, mut depth) = (Vec::new(), 0_i32);
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "pub" if depth == 0 && tokens.get(at + 1).is_some_and(|next| next != "(") => {
                // The fields of a tuple struct stand outside of braces, too.
                let is_field = at > 0 && ["(", ","].contains(&tokens[at - 1].as_str());
                if !is_field && !tokens[..at].ends_with(&of_tests.map(str::to_owned)) {
                    found.push(at + 1);
                }
            }
            _ => {}
        }
    }
    found
}

/// Resolves a re-exported name, which `use` reads relative to its module.
fn absolute(module: &str, name: &[String]) -> String {
    let supers = name.iter().take_while(|part| *part == "super").count();
    let rest = name[supers..].iter().filter(|part| *part != "self").cloned();
    let mut parts: Vec<String> = module.split("::").map(str::to_owned).collect();
    match name[0].as_str() {
        "crate" => return name.join("::"),
        _ => parts.truncate(parts.len() - supers),
    }
    parts.extend(rest);
    parts.join("::")
}

#[test]
fn the_front_door_of_the_cache_is_small() {
    const MOST: usize = 90;
    let mut items = public_items("crates/larder-cache/src");
    // Only the test of schedules has it.
    items.remove("crate::entry::Validity");
    // An application asks for it by a feature of its own.
    items.retain(|item| !item.starts_with("crate::front::"));
    // The count would be meaningless if it missed what every user needs.
    for name in ["cache::Cache", "builder::Builder", "key::Key", "page::middleware::cached"] {
        assert!(items.contains(&format!("crate::{name}")), "{name} in {items:#?}");
    }
    assert!(!items.contains("crate::http::fuzz"), "only tests compile it");
    assert!(items.len() <= MOST, "{} items: {items:#?}", items.len());
}

/// The documentation tests compile and run these examples.
#[test]
fn the_most_used_items_have_an_example() {
    const ITEMS: [(&str, &str); 24] = [
        ("builder.rs", "pub struct Builder"),
        ("cache.rs", "pub struct Cache "),
        ("derive/mod.rs", "pub fn get_or_set<"),
        ("error.rs", "pub enum Error"),
        ("event.rs", "pub trait Listener"),
        ("fragment/declaration.rs", "pub fn new("),
        ("in_process.rs", "pub struct InProcess"),
        ("inspect/mod.rs", "pub struct Inspection"),
        ("key.rs", "pub struct Key "),
        ("level.rs", "pub struct Levels"),
        ("meter.rs", "pub async fn by<"),
        ("page/middleware.rs", "pub fn cached("),
        ("page/status.rs", "pub enum CacheStatus"),
        ("policy.rs", "pub struct Policy"),
        ("secret.rs", "pub struct Secret("),
        ("stamps.rs", "pub trait StampSource"),
        ("store/memory/mod.rs", "pub struct MemoryStore"),
        ("store/redis/mod.rs", "pub fn redis("),
        ("tag.rs", "pub struct Stamp "),
        ("tag.rs", "pub struct Tag("),
        ("tracking.rs", "pub fn record("),
        ("values/mod.rs", "pub struct Settings"),
        ("values/mod.rs", "pub struct Values"),
        ("values/timeout.rs", "pub enum Timeout"),
    ];
    for (file, item) in ITEMS {
        let text = std::fs::read_to_string(format!("crates/larder-cache/src/{file}")).unwrap();
        let before = &text[..text.find(item).unwrap_or_else(|| panic!("{item} in {file}"))];
        let above = before.lines().rev().map(str::trim);
        let above = above.skip_while(|line| line.is_empty() || line.starts_with("#["));
        let mut comment = above.take_while(|line| line.starts_with("///"));
        assert!(comment.any(|line| line == "/// ```"), "{item} in {file} has no example");
    }
}

#[test]
fn the_front_door_of_the_panel_is_small() {
    let items = public_items("crates/larder-panel/src");
    for name in ["panel::Panel", "sql::record", "request_id::RequestId"] {
        assert!(items.contains(&format!("crate::{name}")), "{name} in {items:#?}");
    }
    assert!(items.len() <= 25, "{} items: {items:#?}", items.len());
}

/// The crates are for any application: the shop is one of them.
#[test]
fn the_crates_for_any_site_have_no_word_of_the_shop() {
    // The panel's addresses and metrics have its own name. What it takes for no secret are any words.
    let words = ["larder", "product", "products", "supplier", "cookbook", "scoreboard", "grocer"];
    let cache = crate::source::files(std::path::Path::new("crates/larder-cache/src"));
    let panel = crate::source::files(std::path::Path::new("crates/larder-panel"));
    for (words, path) in cache
        .into_iter()
        .map(|path| (&words[..], path))
        .chain(panel.into_iter().map(|path| (&words[2..], path)))
    {
        // What is encoded in these tests is of types like the shop's.
        if path.starts_with("crates/larder-cache/src/codec/tests") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            // The crate's own name, and a switch of the tests that `scripts/test` sets.
            let line = ["larder_cache", "larder-cache", "LARDER_TESTS"]
                .iter()
                .fold(line.to_owned(), |line, own| line.replace(own, ""))
                .to_lowercase();
            let mut found = line.split(|letter: char| !letter.is_alphabetic());
            let word = found.find(|word| words.contains(word));
            assert!(word.is_none(), "{}:{}: {word:?}", path.display(), number + 1);
        }
    }
}
