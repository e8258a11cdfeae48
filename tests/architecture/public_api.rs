//! The public interface of each crate as a file, which shows every change of it in the history.
//!
//! - The files are `tests/architecture/*.api`. After a change that is meant, `LARDER_WRITE_API=1 cargo test --test
//!   architecture public_interface` writes them again.
//! - They hold what can be named from outside: items, methods, variants, public fields. What is for people (`inspect`)
//!   is left out, and so are implementations of traits.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use crate::front_door::{module_of, public_items};
use crate::source::sources;

#[test]
fn the_public_interface_of_each_crate_is_the_recorded_one() {
    for name in ["larder-cache", "larder-panel", "larder-sql"] {
        let (list, file) = (list(name), format!("tests/architecture/{name}.api"));
        if std::env::var_os("LARDER_WRITE_API").is_some() {
            fs::write(&file, &list).unwrap();
        }
        let recorded = fs::read_to_string(&file).unwrap_or_default();
        let differ = |of: &str, other: &str, sign: char| -> String {
            let lines = of.lines().filter(|line| !other.lines().any(|known| known == *line));
            lines.map(|line| format!("{sign} {line}\n")).collect()
        };
        let (gone, new) = (differ(&recorded, &list, '-'), differ(&list, &recorded, '+'));
        assert!(recorded == list, "{file} is not the interface of {name}:\n{gone}{new}");
    }
}

/// Lists the public interface of a crate, by the files that declare it.
fn list(name: &str) -> String {
    let folder = format!("crates/{name}/src");
    let items = public_items(&folder);
    let types: BTreeSet<&str> = items.iter().filter_map(|item| item.rsplit("::").next()).collect();
    let mut text = String::new();
    for source in sources(&folder) {
        let outside_tests = &source.tokens[..source.tokens.len() - source.tests().len()];
        let module = module_of(&source);
        let is_public = |declared: &Declared| match &declared.owner {
            Some(owner) => types.contains(owner.as_str()),
            None if source.module == ["lib"] => ["mod", "use"].contains(&declared.kind.as_str()),
            None => items.contains(&format!("{module}::{}", declared.name)),
        };
        let lines: BTreeSet<String> = declared(outside_tests)
            .into_iter()
            .filter(is_public)
            .map(|declared| match declared.owner {
                Some(owner) => format!("{owner}: {}", declared.text),
                None => declared.text,
            })
            .collect();
        if !lines.is_empty() {
            let file = source.name.trim_start_matches(&folder).trim_start_matches('/');
            let _ = writeln!(text, "\n{file}");
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    text.trim_start().to_owned()
}

/// Something that is declared as public.
struct Declared {
    /// The type whose method or field it is.
    owner: Option<String>,
    /// `fn`, `struct`, …; the name of a field.
    kind: String,
    name: String,
    text: String,
}

/// Finds what is declared as public, at the top of a file and in the types and implementations there.
fn declared(tokens: &[String]) -> Vec<Declared> {
    let mut found = Vec::new();
    // The depth of braces at which each type or implementation began.
    let mut owners: Vec<(usize, Option<String>)> = Vec::new();
    let (mut depth, mut at) = (0, 0);
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                owners.pop_if(|(began, _)| *began == depth);
            }
            // Elsewhere the word stands in a signature.
            "impl" if depth == 0 && (at == 0 || ["}", ";", "]"].contains(&&*tokens[at - 1])) => {
                let end = end_of(tokens, at + 1, &["{"]);
                owners.push((depth, type_of(&tokens[at + 1..end])));
                at = end;
                continue;
            }
            "pub" if tokens[at + 1] != "(" && depth == owners.len() => {
                let owner = owners.last().and_then(|(_, name)| name.clone());
                let (declared, end) = declaration(tokens, at + 1, owner);
                let has_members = ["struct", "mod"].contains(&&*declared.kind);
                if has_members && tokens.get(end).is_some_and(|token| token == "{") {
                    owners.push((depth, Some(declared.name.clone())));
                }
                found.push(declared);
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads the declaration that begins here, and returns where it ends.
fn declaration(tokens: &[String], at: usize, owner: Option<String>) -> (Declared, usize) {
    let is_word = |at: usize, words: &[&str]| words.contains(&tokens[at].as_str());
    let mut kind = at;
    while is_word(kind, &["async", "unsafe"])
        || (tokens[kind] == "const" && tokens[kind + 1] == "fn")
    {
        kind += 1;
    }
    let end = match tokens[kind].as_str() {
        "use" => end_of(tokens, kind, &[";"]),
        "const" | "static" | "type" => end_of(tokens, kind, &["=", ";"]),
        "enum" | "trait" => closing(tokens, end_of(tokens, kind, &["{"])) + 1,
        "fn" | "mod" | "struct" => end_of(tokens, kind, &["{", ";"]),
        _ => end_of(tokens, kind, &[",", "}", ")"]),
    };
    let mut words: Vec<&str> = tokens[at..end].iter().map(String::as_str).collect();
    if tokens[kind] == "struct" && !words.contains(&"pub") {
        // The fields of a tuple are private.
        words.truncate(words.iter().position(|word| *word == "(").unwrap_or(words.len()));
    }
    let text = spelled(&without_bodies(&words));
    (Declared { owner, kind: tokens[kind].clone(), name: tokens[kind + 1].clone(), text }, end)
}

/// Returns the name of the type that an implementation is for; `None` for that of a trait.
fn type_of(header: &[String]) -> Option<String> {
    let start = if header[0] == "<" { end_of(header, 1, &[">"]) + 1 } else { 0 };
    let path = end_of(header, start, &["<", "where"]);
    let is_of_a_trait = header[start..].iter().any(|word| word == "for");
    header[start..path].last().filter(|_| !is_of_a_trait).cloned()
}

/// Returns where one of these signs stands outside of brackets, from here on.
fn end_of(tokens: &[String], from: usize, signs: &[&str]) -> usize {
    let mut depth = 0;
    for at in from..tokens.len() {
        let (token, before) = (tokens[at].as_str(), tokens[at.max(1) - 1].as_str());
        if depth == 0 && signs.contains(&token) {
            return at;
        }
        match token {
            "(" | "[" | "{" | "<" => depth += 1,
            ">" if ["-", "="].contains(&before) => {}
            ")" | "]" | "}" | ">" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Returns where the brace that is opened here is closed. Within bodies `<` may be a comparison.
fn closing(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    let is_closed = |token: &String| {
        depth += i32::from(token == "{") - i32::from(token == "}");
        depth == 0
    };
    open + tokens[open..].iter().position(is_closed).expect("braces are closed")
}

/// Removes attributes, and the bodies of methods that a trait provides.
fn without_bodies<'t>(words: &[&'t str]) -> Vec<&'t str> {
    let owned: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut kept = Vec::new();
    let (mut at, mut is_in_a_trait) = (0, false);
    while at < words.len() {
        is_in_a_trait |= words[at] == "trait";
        match words[at] {
            "#" => at = end_of(&owned, at + 2, &["]"]),
            "{" if is_in_a_trait && kept.contains(&"{") => {
                at = closing(&owned, at);
                kept.push(";");
            }
            word => kept.push(word),
        }
        at += 1;
    }
    kept
}

/// Joins words as people write them.
fn spelled(words: &[&str]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        let before = if at == 0 { "" } else { words[at - 1] };
        let is_close = ["", "(", "[", "<", "&", "'", "::", "!", "."].contains(&before)
            || ["(", ")", "]", ">", ",", ":", ";", "::", ".", "?"].contains(word)
            || (["<", "["].contains(word) && before.starts_with(char::is_alphabetic));
        let is_result = text.ends_with("->");
        if !is_close || is_result || before == ">" && word.starts_with(char::is_alphabetic) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
