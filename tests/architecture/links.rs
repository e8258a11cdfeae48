//! The links between documents lead somewhere: the files exist, and so do the headings that anchors name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::source::files;

/// What a document links to, and the anchors of its headings.
#[derive(Default)]
struct Document {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Document {
    fn of(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => document.add(&heading.take().unwrap_or_default()),
                Event::Text(text) | Event::Code(text) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&text));
                }
                _ => {}
            }
        }
        document
    }

    /// Adds the anchor of a heading, as GitHub makes it; a repeated heading gets a number.
    fn add(&mut self, heading: &str) {
        let letters = heading.to_lowercase().replace(' ', "-");
        let is_part = |letter: &char| letter.is_alphanumeric() || "-_".contains(*letter);
        let anchor: String = letters.chars().filter(is_part).collect();
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let mut names = std::iter::once(anchor.clone()).chain(numbered);
        let free = names.find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// Returns the links of a document in this folder that lead nowhere.
fn dead_links(folder: &Path, text: &str) -> Vec<String> {
    let document = Document::of(text);
    let is_alive = |link: &String| {
        if link.contains("://") {
            return true;
        }
        let (file, anchor) = link.split_once('#').map_or((&**link, None), |(f, a)| (f, Some(a)));
        let path = folder.join(file);
        let Some(anchor) = anchor else { return path.exists() };
        match file {
            "" => document.anchors.contains(anchor),
            _ => fs::read_to_string(path)
                .is_ok_and(|text| Document::of(&text).anchors.contains(anchor)),
        }
    };
    document.links.iter().filter(|link| !is_alive(link)).cloned().collect()
}

/// Returns the path and the text of each document.
fn documents() -> Vec<(String, String)> {
    let root = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path());
    let root = root.filter_map(|path| Some(path.strip_prefix("./").ok()?.to_owned()));
    let deeper = ["docs", "crates", "examples"].into_iter().flat_map(|at| files(Path::new(at)));
    let mut found = Vec::new();
    for path in root.chain(deeper).filter(|path| path.extension().is_some_and(|end| end == "md")) {
        found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
    }
    found
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for (name, text) in documents() {
        let folder = Path::new(&name).parent().unwrap();
        let links = dead_links(folder, &text);
        dead.extend(links.into_iter().map(|link| format!("{name}: {link}")));
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_chapter_and_every_decision_is_listed() {
    for (folder, list) in [("docs/guide/", "SUMMARY.md"), ("docs/decisions/", "README.md")] {
        let listed = Document::of(&fs::read_to_string(format!("{folder}{list}")).unwrap()).links;
        for (name, _) in documents() {
            let page = name.strip_prefix(folder).filter(|name| *name != list);
            let is_listed = page.is_none_or(|page| listed.iter().any(|link| link == page));
            assert!(is_listed, "{name} is not in {folder}{list}");
        }
    }
}

/// A block that no test compiles is soon wrong. Those of the crates are in their own documentation.
#[test]
fn the_rust_blocks_of_every_document_are_compiled() {
    let compiled = fs::read_to_string("src/documents.rs").unwrap();
    for (name, text) in documents() {
        let is_compiled = name.starts_with("crates/") || compiled.contains(&format!("\"{name}\""));
        assert!(is_compiled || !text.contains("```rust"), "name {name} in src/documents.rs");
        // rustdoc would take a block without a language for Rust.
        let mut fences = text.lines().map(str::trim_start).filter(|line| line.starts_with("```"));
        let is_plain = fences.clone().step_by(2).any(|fence| fence == "```");
        assert!(!is_compiled || !is_plain, "{name} has a block without a language");
        assert_eq!(fences.by_ref().count() % 2, 0, "{name} has a block without an end");
    }
}

#[test]
fn links_are_found_and_anchors_are_spelled_as_github_spells_them() {
    let text = "# One\n## The `a_b` of C, D\n## One\n[a](#one) [b](#the-a_b-of-c-d) [c](#one-1)\n\
                [d](#two) [e](../no-such-file.md) ![f](https://example.org/x.png) `[g](#none)`\n\
                [h](README.md) [i](README.md#no-such-heading)\n```text\n[j](#none)\n```\n";
    let expected = ["#two", "../no-such-file.md", "README.md#no-such-heading"];
    assert_eq!(dead_links(Path::new(""), text), expected);
}
