//! A small HTML parser: enough to read the shop's pages as a person or a browser would.

/// A start tag with its attributes, whose values are decoded.
#[derive(Debug, Clone)]
pub struct Tag {
    pub name: String,
    attributes: Vec<(String, String)>,
    /// Where the content after the tag begins.
    end: usize,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A form, with the fields that the browser would send if its first button were pressed now.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub method: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Replaces the value of a field.
    #[track_caller]
    pub fn fill(&mut self, name: &str, value: &str) {
        let found = self.fields.iter_mut().find(|(key, _)| key == name);
        let field = found.unwrap_or_else(|| panic!("no field `{name}` in the form"));
        field.1 = value.to_owned();
    }
}

/// Returns all start tags in order, without those in comments.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|found| at + found) {
        if html[open..].starts_with("<!--") {
            at = html[open..].find("-->").map_or(html.len(), |end| open + end + 3);
            continue;
        }
        let close = tag_end(html, open);
        let inside = html.get(open + 1..close.saturating_sub(1)).unwrap_or("");
        if inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
            tags.push(tag(inside, close));
        }
        at = close.max(open + 1);
    }
    tags
}

/// Returns the visible text: tags become spaces, entities are decoded, white space is folded.
pub fn text(html: &str) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|found| at + found) {
        text.push_str(&html[at..open]);
        text.push(' ');
        let hidden = ["script", "style", "head"].iter().find(|name| {
            html[open + 1..].starts_with(**name) && !html[open..].starts_with("<header")
        });
        at = match hidden {
            Some(name) => {
                html[open..].find(&format!("</{name}")).map_or(html.len(), |end| open + end + 2)
            }
            None => tag_end(html, open),
        };
    }
    text.push_str(&html[at..]);
    let decoded = decode(&text);
    decoded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text inside the element of this start tag, which holds no element of the same name.
pub fn text_of(html: &str, tag: &Tag) -> String {
    let rest = &html[tag.end..];
    let end = rest.find(&format!("</{}", tag.name)).unwrap_or(rest.len());
    text(&rest[..end])
}

/// Returns the decoded content of a `textarea`, without the one leading line end that HTML ignores.
fn typed_in(html: &str, tag: &Tag) -> String {
    let rest = &html[tag.end..];
    let typed = decode(&rest[..rest.find("</textarea").unwrap_or(rest.len())]);
    typed.strip_prefix('\n').map(str::to_owned).unwrap_or(typed)
}

pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    // Only the first button is pressed, and browsers send no others.
    let mut has_button = false;
    // Of the options of a `select` the first one is sent, or the selected one.
    let mut has_option = true;
    for tag in tags(html) {
        let attribute = |name: &str| tag.attribute(name).unwrap_or("").to_owned();
        match tag.name.as_str() {
            "form" => {
                has_button = false;
                forms.push(Form {
                    action: attribute("action"),
                    method: attribute("method").to_lowercase(),
                    fields: Vec::new(),
                });
            }
            "button" if std::mem::replace(&mut has_button, true) => {}
            "input" | "button" | "textarea" | "select" if tag.attribute("name").is_some() => {
                let value = match tag.name.as_str() {
                    "textarea" => typed_in(html, &tag),
                    _ => attribute("value"),
                };
                has_option = tag.name != "select";
                if let Some(form) = forms.last_mut() {
                    form.fields.push((attribute("name"), value));
                }
            }
            "option" if !has_option || tag.attribute("selected").is_some() => {
                has_option = true;
                if let Some(field) = forms.last_mut().and_then(|form| form.fields.last_mut()) {
                    field.1 = attribute("value");
                }
            }
            _ => {}
        }
    }
    forms
}

fn tag(inside: &str, end: usize) -> Tag {
    let inside = inside.trim_end_matches('/');
    let name_end = inside.find(|c: char| c.is_whitespace()).unwrap_or(inside.len());
    let mut attributes = Vec::new();
    let mut rest = inside[name_end..].trim_start();
    while !rest.is_empty() {
        let name_end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..name_end].to_lowercase();
        rest = rest[name_end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = attribute_value(after.trim_start());
        }
        attributes.push((name, decode(value)));
        rest = rest.trim_start();
    }
    Tag { name: inside[..name_end.min(inside.len())].to_lowercase(), attributes, end }
}

/// Splits off an attribute's value, quoted or bare; returns it and the rest.
fn attribute_value(rest: &str) -> (&str, &str) {
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let end = rest[1..].find(quote).map_or(rest.len(), |end| end + 1);
            (&rest[1..end], rest.get(end + 1..).unwrap_or(""))
        }
        _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
    }
}

/// Returns where a tag ends: after the first `>` that is not inside quotes.
fn tag_end(html: &str, open: usize) -> usize {
    let mut quote = None;
    for (at, c) in html[open..].char_indices() {
        match (quote, c) {
            (None, '>') => return open + at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(opened), c) if opened == c => quote = None,
            _ => {}
        }
    }
    html.len()
}

fn decode(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').filter(|end| *end < 12);
        let character = entity.and_then(|end| character(&rest[1..end]));
        match (entity, character) {
            (Some(end), Some(character)) => {
                decoded.push(character);
                rest = &rest[end + 1..];
            }
            _ => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded + rest
}

fn character(entity: &str) -> Option<char> {
    let number = match entity {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        "nbsp" => return Some(' '),
        "times" => return Some('×'),
        "hellip" => return Some('…'),
        _ => entity.strip_prefix('#')?,
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}
