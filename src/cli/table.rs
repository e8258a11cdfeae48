//! Tables for a terminal: words aligned left, numbers right, two spaces between columns.

/// A table under construction.
pub struct Table {
    /// Whether each column holds numbers.
    numbers: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Starts a table with these headings; a heading that ends in `>` marks a column of numbers.
    pub fn new(heads: &[&str]) -> Self {
        let numbers = heads.iter().map(|head| head.ends_with('>')).collect();
        let heads = heads.iter().map(|head| head.trim_end_matches('>').to_owned());
        Self { numbers, rows: vec![heads.collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the whole table, each line with its line break.
    pub fn print(&self) -> String {
        self.rows.iter().map(|row| self.line(row) + "\n").collect()
    }

    fn line(&self, row: &[String]) -> String {
        let cells = row.iter().zip(&self.numbers).enumerate();
        let cells = cells.map(|(column, (cell, is_number))| {
            let width = self.width(column);
            if *is_number { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_aligned_left_and_numbers_right() {
        let mut table = Table::new(&["mode", "µs>"]);
        table.row(["off".to_owned(), "1,234".to_owned()]);
        table.row(["fragments".to_owned(), "7".to_owned()]);
        assert_eq!(table.print(), "mode          µs\noff        1,234\nfragments      7\n");
    }
}
