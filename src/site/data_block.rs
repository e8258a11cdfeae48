//! Data in a page for its scripts, as JSON in a `<script type="application/json">`.
//!
//! Browsers do not run such a script. Characters that could end the element, or begin another, are written as `\u` escapes.
//!
//! Source: HTML, "Restrictions for contents of script elements"; Django's `json_script`.

use std::fmt;

use askama::filters::HtmlSafe;
use serde::Serialize;

/// JSON that is safe between the tags of a script element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataBlock(String);

/// [`DataBlock::of`] escapes all characters that have a meaning in HTML.
impl HtmlSafe for DataBlock {}

impl fmt::Display for DataBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DataBlock {
    /// Serializes `data`.
    ///
    /// # Errors
    /// Those of serde, such as map keys that are not text.
    pub fn of(data: &impl Serialize) -> serde_json::Result<Self> {
        let json = serde_json::to_string(data)?;
        let mut safe = String::with_capacity(json.len());
        for letter in json.chars() {
            match letter {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    safe.push_str(&format!("\\u{:04x}", u32::from(letter)));
                }
                other => safe.push(other),
            }
        }
        Ok(Self(safe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_data_ends_the_script_and_all_data_reads_back() {
        let texts =
            ["</script><script>alert(1)</script>", "<!--", "]]>", "&amp;", "\u{2028}", "\"\\é"];
        let block = DataBlock::of(&texts).unwrap().to_string();
        assert!(!block.contains(['<', '>', '&', '\u{2028}']), "{block}");
        let read: Vec<String> = serde_json::from_str(&block).unwrap();
        assert_eq!(read, texts);
    }
}
