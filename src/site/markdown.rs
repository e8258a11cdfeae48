//! Renders Markdown that staff write, as safe HTML.
//!
//! - Raw HTML is shown as text.
//! - Links lead to `http`, `https` and `mailto` addresses and to this site; other links become
//!   plain text.
//! - Images become their description: pages load nothing from other sites.
//! - Headings begin below those of the page.

use std::fmt;

use askama::filters::HtmlSafe;
use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// Safe HTML, rendered by the rules of this module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered(String);

/// Only [`render`] creates it, and lets nothing harmful through.
impl HtmlSafe for Rendered {}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Renders `text` as HTML.
///
/// Source: CommonMark, without raw HTML.
pub fn render(text: &str) -> Rendered {
    let mut is_link = true;
    let events = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH);
    let events = events.filter_map(|event| {
        if let Event::Start(Tag::Link { link_type, dest_url, .. }) = &event {
            is_link = leads_somewhere(*link_type, dest_url);
        }
        // Links cannot contain links, so one flag is enough.
        let is_of_link = matches!(event, Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link));
        (is_link || !is_of_link).then(|| harmless(event))
    });
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events);
    Rendered(out)
}

/// Replaces harmful events with safe ones.
fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        // An HTML block has no paragraph of its own.
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: below(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    }
}

/// Whether browsers read the address as one of the web, or as one of this site.
fn leads_somewhere(kind: LinkType, address: &str) -> bool {
    if kind == LinkType::Email {
        return true;
    }
    let address = address.trim().to_ascii_lowercase();
    let is_web = ["http://", "https://", "mailto:"].iter().any(|start| address.starts_with(start));
    // An address without a colon before its path has no scheme. Browsers ignore control characters
    // in schemes, so addresses with any are refused.
    let scheme = address.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = !address.contains(|letter: char| letter.is_control() || letter == '\\');
    is_web || (is_plain && !scheme.contains(':') && !address.starts_with("//"))
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        let cases = [
            ("Boil *well*.", "<p>Boil <em>well</em>.</p>\n"),
            ("# Dough", "<h3>Dough</h3>\n"),
            ("1. Mix\n2. Bake", "<ol>\n<li>Mix</li>\n<li>Bake</li>\n</ol>\n"),
            ("[tea](/products/1)", "<p><a href=\"/products/1\">tea</a></p>\n"),
            ("<https://a.test/>", "<p><a href=\"https://a.test/\">https://a.test/</a></p>\n"),
            ("<a@b.test>", "<p><a href=\"mailto:a@b.test\">a@b.test</a></p>\n"),
        ];
        for (text, html) in cases {
            assert_eq!(render(text).to_string(), html, "{text}");
        }
    }

    #[test]
    fn no_input_becomes_harmful_html() {
        let texts = [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<div\nonclick=alert(1)>\n\n# x",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](java&#10;script:alert(1))",
            "[x](&#1;javascript:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "[x](vbscript:x)",
            "<javascript:alert(1)>",
            "![x](javascript:alert(1))",
            "![x](https://evil.test/pixel.png)",
            "[x](//evil.test)",
            "[x]: javascript:alert(1)\n\n[x]",
            "[x](/a \"q\\\" onmouseover=alert(1)\")",
            "```\"><script>\n</code><script>alert(1)</script>\n```",
        ];
        for text in texts {
            let html = render(text).to_string();
            let lower = html.to_lowercase();
            for harm in [
                "<script",
                "<img",
                "<div",
                "href=\"java",
                "href=\"data",
                "href=\"vb",
                "href=\"//",
                "href=\"&",
            ] {
                assert!(!lower.contains(harm), "{text:?} became {html}");
            }
            for tag in html.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap();
                let attributes = tag.split('"').step_by(2).collect::<String>().to_lowercase();
                assert!(!attributes.contains(" on"), "{text:?} became {html}");
            }
        }
    }
}
