//! The messages of Redis's protocol, RESP 2.

use std::io::{self, BufRead};

#[derive(Debug, Clone)]
pub enum Message {
    /// A status, an error or a number, with its first character and without its line end.
    Line(Vec<u8>),
    Value(Option<Vec<u8>>),
    List(Option<Vec<Message>>),
}

impl Message {
    pub fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\r\n") {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.len() - 2);
        let length = || {
            let text = std::str::from_utf8(&line[1..]).ok();
            text.and_then(|text| text.parse::<i64>().ok()).ok_or(io::ErrorKind::InvalidData)
        };
        match line.first() {
            Some(b'$') => {
                let Ok(length) = usize::try_from(length()?) else { return Ok(Self::Value(None)) };
                let mut value = vec![0; length + 2];
                from.read_exact(&mut value)?;
                value.truncate(length);
                Ok(Self::Value(Some(value)))
            }
            Some(b'*') => {
                let Ok(length) = usize::try_from(length()?) else { return Ok(Self::List(None)) };
                let list: io::Result<Vec<_>> =
                    (0..length).map(|_| Self::read(&mut *from)).collect();
                Ok(Self::List(Some(list?)))
            }
            _ => Ok(Self::Line(line)),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Line(line) => [line, b"\r\n".as_slice()].concat(),
            Self::Value(None) => b"$-1\r\n".to_vec(),
            Self::Value(Some(value)) => {
                [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
            }
            Self::List(None) => b"*-1\r\n".to_vec(),
            Self::List(Some(list)) => {
                let mut bytes = format!("*{}\r\n", list.len()).into_bytes();
                list.iter().for_each(|message| bytes.extend(message.bytes()));
                bytes
            }
        }
    }

    /// Returns the words of a command.
    pub fn words(&self) -> Vec<&[u8]> {
        let Self::List(Some(list)) = self else { return Vec::new() };
        let words = list.iter().filter_map(|word| match word {
            Self::Value(Some(word)) => Some(word.as_slice()),
            _ => None,
        });
        words.collect()
    }

    /// Applies `change` to every value in the message.
    pub fn each_value(&mut self, change: &mut impl FnMut(&mut Vec<u8>)) {
        match self {
            Self::Value(Some(value)) => change(value),
            Self::List(Some(list)) => {
                list.iter_mut().for_each(|message| message.each_value(change))
            }
            _ => {}
        }
    }
}
