//! Limits of a record.
//!
//! - Lists are bounded in members and bytes, texts in characters; the record says what was cut.

/// About what a member takes beside its texts, in bytes.
pub const MEMBER: usize = 200;

/// Cuts lists, and reports each cut.
#[derive(Debug, Default)]
pub struct Room {
    /// One sentence for each list that was cut.
    pub cut: Vec<String>,
    /// About how many bytes all members take.
    pub bytes: usize,
}

impl Room {
    /// Returns the first members of `list`: at most `most`, and at most `bytes` in total by `size`.
    ///
    /// `left_out` is the number of members that were not even collected.
    pub fn fit<T>(
        &mut self,
        what: &str,
        mut list: Vec<T>,
        (most, bytes): (usize, usize),
        left_out: u64,
        size: impl Fn(&T) -> usize,
    ) -> Vec<T> {
        let mut used = 0;
        let fits = |member: &T| {
            used += size(member);
            used <= bytes
        };
        let kept = list.iter().take(most).map(fits).take_while(|fits| *fits).count();
        self.bytes += used.min(bytes) + kept * MEMBER;
        let more = (list.len() - kept) as u64 + left_out;
        list.truncate(kept);
        if more > 0 {
            self.cut.push(format!("{more} more {what} are not shown (size limit)."));
        }
        list
    }
}

/// Returns the first `most` characters of a text, with an ellipsis if it was cut.
pub fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cut_is_reported() {
        let mut room = Room::default();
        let list = || vec!["tea", "milk", "salt"];
        assert_eq!(room.fit("things", list(), (9, 99), 0, |s| s.len()).len(), 3);
        assert!(room.cut.is_empty());
        assert_eq!(room.fit("things", list(), (2, 99), 0, |s| s.len()).len(), 2);
        assert_eq!(room.fit("things", list(), (9, 7), 4, |s| s.len()).len(), 2);
        assert!(room.cut[0].starts_with("1 more things") && room.cut[1].starts_with("5 more"));
    }

    #[test]
    fn a_long_text_keeps_its_beginning() {
        assert_eq!(short("grün", 4), "grün");
        assert_eq!(short("grüner", 4), "grün…");
    }
}
