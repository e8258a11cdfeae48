//! Finds the end of the head of a request.

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
        for (place, byte) in bytes.iter().enumerate() {
            let is_empty_line = self.last[1] == b'\n' || self.last == *b"\n\r";
            if *byte == b'\n' && is_empty_line && self.has_begun {
                *self = Self::default();
                return Some(place + 1);
            }
            self.has_begun |= !matches!(byte, b'\r' | b'\n');
            self.last = [self.last[1], *byte];
        }
        None
    }
}
