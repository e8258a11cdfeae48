//! Source files as tokens, without comments and strings, and the names that they use.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust source file.
pub struct Source {
    /// `src/products/keys.rs`, `crates/larder-cache/src/key.rs`.
    pub name: String,
    /// `["products", "keys"]`: the path in its crate.
    pub module: Vec<String>,
    pub tokens: Vec<String>,
    pub lines: usize,
}

/// A name that a file uses, from the root of its crate.
#[derive(Debug)]
pub struct Name {
    pub parts: Vec<String>,
    /// Whether the file re-exports it: `pub use`.
    pub is_exported: bool,
}

impl Name {
    /// Resolves a name: `super::x` in `cache::key` is `crate::cache::x`.
    fn from_root(parts: Vec<String>, module: &[String], is_exported: bool) -> Self {
        let supers = parts.iter().take_while(|part| *part == "super").count();
        if supers == 0 && parts[0] != "self" {
            return Self { parts, is_exported };
        }
        let rest = parts.into_iter().skip_while(|part| part == "super" || part == "self");
        let above = module[..module.len().saturating_sub(supers)].iter().cloned();
        let parts = std::iter::once("crate".to_owned()).chain(above).chain(rest).collect();
        Self { parts, is_exported }
    }

    /// Returns the top-level module that contains it; `None` for a name of another crate.
    pub fn ours(&self) -> Option<&str> {
        (self.parts[0] == "crate").then(|| self.parts.get(1).map_or("lib", String::as_str))
    }
}

impl Source {
    fn read(path: &Path) -> Self {
        Self::of(path.to_string_lossy().into_owned(), &fs::read_to_string(path).unwrap())
    }

    pub fn of(name: String, text: &str) -> Self {
        let inside = name.split_once("src/").map_or(&*name, |(_, inside)| inside);
        let inside = inside.trim_end_matches(".rs");
        let module = inside.trim_end_matches("/mod").split('/').map(str::to_owned).collect();
        Self { name, module, tokens: tokens(text), lines: text.lines().count() }
    }

    /// Returns the folder, or the file if it lies in `src` itself; for a file in `crates`, the crate.
    pub fn folder(&self) -> &str {
        let in_crates = self.name.strip_prefix("crates/");
        in_crates.and_then(|rest| rest.split('/').next()).unwrap_or(&self.module[0])
    }

    /// Returns the tokens of its tests: from the first `#[cfg(test)]` on, or all of a file of tests.
    pub fn tests(&self) -> &[String] {
        let is_of_tests = self.name.starts_with("tests/")
            || self.name.contains("/tests/")
            || self.module.iter().any(|part| ["tests", "contract"].contains(&part.as_str()));
        let begin = match is_of_tests {
            true => Some(0),
            false => self.tokens.windows(3).position(|three| three == ["cfg", "(", "test"]),
        };
        &self.tokens[begin.unwrap_or(self.tokens.len())..]
    }

    /// Returns every name with more than one part, and every imported name.
    pub fn names(&self) -> Vec<Name> {
        self.names_of(&self.tokens)
    }

    /// Returns the names outside its tests.
    pub fn names_outside_tests(&self) -> Vec<Name> {
        self.names_of(&self.tokens[..self.tokens.len() - self.tests().len()])
    }

    fn names_of(&self, tokens: &[String]) -> Vec<Name> {
        let mut names = Vec::new();
        let mut module = self.module.clone();
        // The brace depth at which each inline module began.
        let mut begun = Vec::new();
        let (mut depth, mut at) = (0, 0);
        while let Some(token) = tokens.get(at) {
            let is_path = tokens.get(at + 1).is_some_and(|next| next == "::");
            if token == "use" || (is_path && is_word(token)) {
                let mut found = Vec::new();
                let is_exported = token == "use" && is_public(&tokens[..at]);
                at = tree(tokens, at + usize::from(token == "use"), &[], &mut found);
                let absolute = |parts| Name::from_root(parts, &module, is_exported);
                names.extend(found.into_iter().map(absolute));
                continue;
            }
            match token.as_str() {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if begun.last() == Some(&depth) {
                        begun.pop();
                        module.pop();
                    }
                }
                "mod" if tokens.get(at + 2).is_some_and(|next| next == "{") => {
                    module.push(tokens[at + 1].clone());
                    begun.push(depth);
                }
                _ => {}
            }
            at += 1;
        }
        names
    }
}

/// Parses `a::b` or `a::{b, c::d}`, and returns the position after it.
pub fn tree(
    tokens: &[String],
    mut at: usize,
    before: &[String],
    names: &mut Vec<Vec<String>>,
) -> usize {
    let mut parts = before.to_vec();
    while let Some(token) = tokens.get(at) {
        if token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                at = tree(tokens, at, &parts, names);
                at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
            }
            return at + 1;
        }
        if !is_word(token) && token != "::" {
            break;
        }
        if is_word(token) {
            parts.push(token.clone());
        }
        at += 1;
        let goes_on = tokens.get(at).is_some_and(|next| next == "::") || token == "::";
        if !goes_on {
            break;
        }
    }
    while tokens.get(at).is_some_and(|token| token == "as") {
        at += 2;
    }
    if !parts.is_empty() {
        names.push(parts);
    }
    at
}

/// Reports whether `pub`, `pub(crate)` or `pub(super)` ends these tokens.
fn is_public(before: &[String]) -> bool {
    let last = before.last().map(String::as_str);
    last == Some("pub")
        || (last == Some(")") && before.iter().rev().nth(3).is_some_and(|token| token == "pub"))
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') || token == "*"
}

/// Splits into words and signs; `::` is one sign; comments, strings and characters are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = string(rest) {
            length
        } else if word(c) {
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// Returns the length of the string or character literal that begins the text.
fn string(text: &str) -> Option<usize> {
    let body = text.trim_start_matches('b');
    let prefix = text.len() - body.len();
    if let Some(raw) = body.strip_prefix('r') {
        let quoted = raw.trim_start_matches('#');
        let hashes = raw.len() - quoted.len();
        let inside = quoted.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let begin = text.len() - inside.len();
        return Some(inside.find(&end).map_or(text.len(), |at| begin + at + end.len()));
    }
    let quote = body.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut characters = body.char_indices().skip(1);
    let mut seen = 0;
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            c if c == quote => return Some(prefix + at + 1),
            // A lifetime: no closing quote after one character.
            _ if quote == '\'' && seen > 0 => return None,
            _ => {}
        }
        seen += 1;
    }
    None
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// Returns the sources of the shop and the crates, without their folders of tests.
pub fn all_sources() -> Vec<Source> {
    let crates = sources("crates").into_iter().filter(|source| source.name.contains("/src/"));
    sources("src").into_iter().chain(crates).collect()
}

/// Returns every Rust file below a folder.
pub fn sources(folder: &str) -> Vec<Source> {
    let mut paths = files(Path::new(folder));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.iter().map(|path| Source::read(path)).collect()
}
