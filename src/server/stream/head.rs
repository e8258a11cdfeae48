//! Finds the end of the head of a request.

use memchr::memchr_iter;

/// Finds the end of a head: an empty line, whose carriage returns some clients leave out.
#[derive(Debug, Default)]
pub struct Head {
    /// Whether the head has begun: empty lines may precede it.
    has_begun: bool,
    last: [u8; 2],
}

impl Head {
    /// Returns how many of these bytes belong to the head, if it ends in them.
    pub fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        let is_text = |line: &[u8]| line.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
        let mut from = 0;
        for place in memchr_iter(b'\n', bytes) {
            self.has_begun |= is_text(&bytes[from..place]);
            from = place + 1;
            let before = self.before(&bytes[..place]);
            if self.has_begun && (before[1] == b'\n' || before == *b"\n\r") {
                *self = Self::default();
                return Some(from);
            }
        }
        self.has_begun |= is_text(&bytes[from..]);
        self.last = self.before(bytes);
        None
    }

    /// Returns the last two bytes, up to the end of these.
    fn before(&self, bytes: &[u8]) -> [u8; 2] {
        match *bytes {
            [] => self.last,
            [one] => [self.last[1], one],
            [.., one, other] => [one, other],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the length of the head at the start of `bytes`, read in pieces of this size.
    fn length(bytes: &[u8], size: usize) -> Option<usize> {
        let mut head = Head::default();
        let mut read = 0;
        for piece in bytes.chunks(size) {
            match head.end_in(piece) {
                Some(end) => return Some(read + end),
                None => read += piece.len(),
            }
        }
        None
    }

    #[test]
    fn a_head_ends_at_its_first_empty_line() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "\r\n\nGET /\r\nHost: a\r\n\r\n",
            "GET /\n\n",
            "a\r\n\n",
            "\r\ra\n\r\n",
        ] {
            let all = [head, "\n\r\nGET /\r\n\r\n"].concat();
            for size in 1..=all.len() {
                assert_eq!(length(all.as_bytes(), size), Some(head.len()), "{head:?} by {size}");
            }
        }
    }

    #[test]
    fn a_head_that_goes_on_has_no_end() {
        for head in ["", "\r\n\r\n", "\n\n\r\n", "GET /\r\n", "a\r\n\r", "a\n\r\r\n"] {
            for size in 1..=head.len().max(1) {
                assert_eq!(length(head.as_bytes(), size), None, "{head:?} by {size}");
            }
        }
    }
}
