//! Finds the end of a body in chunks.
//!
//! Source: RFC 9112 §7.1. Whatever breaks the grammar is refused by the server that reads the body;
//! here it has no end.

/// Where in the body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the size of a chunk, of which these digits are read.
    Size(u64),
    /// Behind the size of a chunk, before the end of its line.
    Extension(u64),
    /// In a chunk, with so many bytes left.
    Data(u64),
    /// Between a chunk and the next line.
    DataEnd,
    /// In the trailer, on a line that is empty so far, or not.
    Trailer(bool),
}

/// A body in chunks, as far as it was passed on.
#[derive(Debug)]
pub struct Chunks(At);

impl Default for Chunks {
    fn default() -> Self {
        Self(At::Size(0))
    }
}

impl Chunks {
    /// Returns how many of these bytes belong to the body, if it ends in them.
    pub fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut place = 0;
        while place < bytes.len() {
            if let At::Data(left) = self.0 {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - place);
                place += taken;
                let left = left - taken as u64;
                self.0 = if left == 0 { At::DataEnd } else { At::Data(left) };
                continue;
            }
            let byte = bytes[place];
            place += 1;
            if (self.0, byte) == (At::Trailer(true), b'\n') {
                *self = Self::default();
                return Some(place);
            }
            self.0 = next(self.0, byte);
        }
        None
    }
}

fn next(at: At, byte: u8) -> At {
    match (at, byte) {
        (At::Size(0) | At::Extension(0), b'\n') => At::Trailer(true),
        (At::Size(size) | At::Extension(size), b'\n') => At::Data(size),
        (At::Size(size), _) => match char::from(byte).to_digit(16) {
            Some(digit) => At::Size(size.saturating_mul(16).saturating_add(digit.into())),
            None => At::Extension(size),
        },
        (At::DataEnd, b'\n') => At::Size(0),
        (At::Trailer(_), b'\n') => At::Trailer(true),
        (At::Trailer(is_empty), _) => At::Trailer(is_empty && byte == b'\r'),
        (at, _) => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the length of the body at the start of `bytes`, read in pieces of this size.
    fn length(bytes: &[u8], size: usize) -> Option<usize> {
        let mut chunks = Chunks::default();
        let mut read = 0;
        for piece in bytes.chunks(size) {
            match chunks.end_in(piece) {
                Some(end) => return Some(read + end),
                None => read += piece.len(),
            }
        }
        None
    }

    #[test]
    fn a_body_ends_behind_its_trailer() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "A;ext=\"1\"\r\n0123456789\r\n000\r\n\r\n",
            "1\r\n\n\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
        ] {
            let all = [body.as_bytes(), b"GET / HTTP/1.1\r\n\r\n"].concat();
            for size in 1..all.len() {
                assert_eq!(length(&all, size), Some(body.len()), "{body:?} by {size}");
            }
        }
    }

    #[test]
    fn a_body_that_goes_on_has_no_end() {
        for body in ["", "0\r\n", "5\r\nhell", "0\r\nTrailer: x\r\n", "ffffffffffffffffff\r\nx"] {
            assert_eq!(length(body.as_bytes(), 3), None, "{body:?}");
        }
    }
}
