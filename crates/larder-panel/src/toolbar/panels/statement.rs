//! Splits SQL into pieces that a template can emphasise.
//!
//! - The pieces together are the statement, except for its white space.
//! - A quoted word is never a keyword.
//! - The short form leaves out a long list of columns.

/// A piece of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub is_keyword: bool,
}

const KEYWORDS: &str = " ALL ANALYZE AND AS ASC BEGIN BETWEEN BY CASE COLLATE COMMIT CONFLICT COUNT \
    CROSS DEFAULT DELETE DESC DISTINCT DO ELSE END EXCEPT EXISTS EXPLAIN FALSE FOR FROM FULL GROUP \
    HAVING ILIKE IMMEDIATE IN INNER INSERT INTERSECT INTO IS ISOLATION JOIN LEFT LEVEL LIKE LIMIT \
    NOT NOTHING NULL OFFSET ON ONLY OR ORDER OUTER OVER PARTITION READ RECURSIVE RELEASE REPEATABLE \
    RETURNING RIGHT ROLLBACK SAVEPOINT SELECT SET SHARE THEN TRANSACTION TRUE UNION UPDATE USING \
    VALUES WHEN WHERE WITH WRITE ";

/// Keywords that begin a new line.
const CLAUSES: &str =
    " FROM WHERE GROUP HAVING ORDER LIMIT OFFSET VALUES SET RETURNING UNION LEFT INNER JOIN ";

/// Longer lists of columns are left out of the short form, in characters.
const LONGEST_LIST: usize = 48;

/// Returns the whole statement, each clause on its own line.
pub fn whole(sql: &str) -> Vec<Piece> {
    pieces(&words(sql), true)
}

/// Returns the statement on one line, and whether a long list of columns was left out.
pub fn short(sql: &str) -> (Vec<Piece>, bool) {
    let words = words(sql);
    let Some((from, until)) = columns(&words) else { return (pieces(&words, false), false) };
    let letters: usize = words[from..until].iter().map(|word| word.chars().count()).sum();
    if letters <= LONGEST_LIST {
        return (pieces(&words, false), false);
    }
    let mut short: Vec<&str> = words[..from].to_vec();
    short.extend([" ", "…", " "]);
    short.extend(&words[until..]);
    (pieces(&short, false), true)
}

/// Returns where the list of columns of a `SELECT` begins and ends.
fn columns(words: &[&str]) -> Option<(usize, usize)> {
    let select = words.iter().position(|word| !word.trim().is_empty())?;
    if !words[select].eq_ignore_ascii_case("select") {
        return None;
    }
    let mut depth = 0_i32;
    for (n, word) in words.iter().enumerate().skip(select + 1) {
        match *word {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ if depth == 0 && word.eq_ignore_ascii_case("from") => return Some((select + 1, n)),
            _ => {}
        }
    }
    None
}

/// Splits SQL into words, quoted texts, single signs, and one space for each run of white space.
fn words(sql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = sql.trim();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            _ if first.is_whitespace() => span(rest, char::is_whitespace),
            _ if is_in_word(first) => span(rest, is_in_word),
            _ => first.len_utf8(),
        };
        let (word, after) = rest.split_at(end);
        words.push(if first.is_whitespace() { " " } else { word });
        rest = after;
    }
    words
}

fn is_in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

fn span(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !is_part(letter)).unwrap_or(text.len())
}

/// Returns the length of a quoted text; all of it if the quote never ends.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// Joins adjacent words of one kind into one piece.
fn pieces(words: &[&str], lines: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut depth = 0_i32;
    for word in words {
        match *word {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        let is_keyword = is_in(KEYWORDS, word);
        if lines && depth == 0 && is_in(CLAUSES, word) && !pieces.is_empty() {
            break_line(&mut pieces);
        }
        match pieces.last_mut() {
            Some(last) if last.is_keyword == is_keyword && !is_keyword => last.text.push_str(word),
            _ => pieces.push(Piece { text: (*word).to_owned(), is_keyword }),
        }
    }
    pieces
}

/// Begins a new line, but not within `LEFT JOIN` and the like.
fn break_line(pieces: &mut [Piece]) {
    let before = pieces.iter().rev().find(|piece| piece.is_keyword);
    let joins = before.is_some_and(|piece| is_in(" LEFT INNER DELETE DO ", &piece.text));
    let Some(last) = pieces.last_mut() else { return };
    if last.text.ends_with(' ') && !(joins && last.text == " ") {
        last.text.pop();
        last.text.push('\n');
    }
}

fn is_in(list: &str, word: &str) -> bool {
    !word.trim().is_empty() && list.contains(&format!(" {} ", word.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(pieces: &[Piece]) -> String {
        let print = |piece: &Piece| match piece.is_keyword {
            true => format!("[{}]", piece.text),
            false => piece.text.clone(),
        };
        pieces.iter().map(print).collect()
    }

    #[test]
    fn nothing_is_lost_but_white_space() {
        for sql in
            ["SELECT  1", "a'b", "'", "\"x", "é — ü FROM '☕", "", "((", "x -- y\n z /* w */"]
        {
            let text: String = whole(sql).into_iter().map(|piece| piece.text).collect();
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(plain(&text), plain(sql), "{sql}");
        }
    }

    #[test]
    fn what_is_quoted_is_never_a_keyword() {
        let sql = "select \"from\" from t where a = 'select''or' and b";
        let expected = "[select] \"from\"\n[from] t\n[where] a = 'select''or' [and] b";
        assert_eq!(print(&whole(sql)), expected);
    }

    #[test]
    fn a_long_list_of_columns_is_left_out_in_short() {
        let columns = "`posts`.`id`, `posts`.`title`, `posts`.`price_cents`";
        let (pieces, is_cut) = short(&format!("SELECT {columns} FROM `posts` LIMIT ?"));
        assert_eq!(print(&pieces), "[SELECT] … [FROM] `posts` [LIMIT] ?");
        assert!(is_cut);
        let (pieces, is_cut) = short("SELECT count(*) FROM posts");
        assert_eq!(print(&pieces), "[SELECT] [count](*) [FROM] posts");
        assert!(!is_cut);
    }

    #[test]
    fn each_clause_begins_a_line() {
        let sql = "SELECT a FROM t LEFT JOIN u ON (SELECT 1 FROM v) WHERE x ORDER BY y";
        let lines = whole(sql).into_iter().map(|piece| piece.text).collect::<String>();
        let expected = "SELECT a\nFROM t\nLEFT JOIN u ON (SELECT 1 FROM v)\nWHERE x\nORDER BY y";
        assert_eq!(lines, expected);
    }
}
