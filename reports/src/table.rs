//! Tables and tones of the terminal.

use crate::Style;
use crate::text::{cut, width, wrap};

/// How a piece of text stands out.
#[derive(Clone, Copy)]
pub enum Tone {
    /// Not at all.
    Plain,
    /// Headings and results.
    Strong,
    /// What can be passed over.
    Quiet,
    /// A kept objective.
    Good,
    /// A missed one.
    Bad,
    /// One that could not be judged.
    Doubtful,
}

impl Tone {
    /// The text in this tone, as terminals take it.
    pub fn paint(self, text: &str, colour: bool) -> String {
        let code = match self {
            _ if !colour => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Strong => "1",
            Tone::Quiet => "2",
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
            Tone::Doubtful => "1;33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// On which side a column's cells begin.
#[derive(Clone, Copy)]
pub enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Rows of cells in columns of equal width.
pub struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<(Tone, String)>>,
    headed: bool,
    wrapped: Vec<usize>,
}

/// Columns by which rows are indented; a heading is not.
const INDENT: usize = 2;
/// Columns between two cells.
const GAP: usize = 2;

impl Table {
    /// An empty table with a column for each side.
    pub fn new(sides: &[Side]) -> Table {
        Table { sides: sides.to_vec(), rows: Vec::new(), headed: false, wrapped: Vec::new() }
    }

    /// Lets the cells of a column go on in the next line where they are too long.
    pub fn wrap(&mut self, column: usize) {
        self.wrapped.push(column);
    }

    /// Adds the heading, before any row. The first column of a headed table wraps.
    pub fn head(&mut self, cells: Vec<String>) {
        self.headed = true;
        self.wrapped.push(0);
        self.rows.push(cells.into_iter().map(|cell| (Tone::Strong, cell)).collect());
    }

    /// Adds a row, with a cell for each column.
    pub fn row(&mut self, cells: Vec<(Tone, String)>) {
        self.rows.push(cells);
    }

    /// The table as lines without trailing spaces. Headings and some columns wrap; other cells that are too long are cut.
    pub fn lines(&self, style: Style) -> Vec<String> {
        self.rows(style).into_iter().flatten().collect()
    }

    /// The lines of each row; a heading is the first.
    pub fn rows(&self, style: Style) -> Vec<Vec<String>> {
        let widths = self.widths(style.width);
        let rows = self.rows.iter().enumerate();
        rows.map(|(n, row)| self.lines_of(row, self.headed && n == 0, &widths, style.colour)).collect()
    }

    fn lines_of(&self, row: &[(Tone, String)], heading: bool, widths: &[usize], colour: bool) -> Vec<String> {
        let indent = if heading { 0 } else { INDENT };
        let room = |column: usize| if column == 0 { widths[0] + INDENT - indent } else { widths[column] };
        let parts = |(column, (_, cell)): (usize, &(Tone, String))| match heading || self.wrapped.contains(&column) {
            true => wrap(cell, room(column)),
            false => vec![cell.clone()],
        };
        let cells: Vec<Vec<String>> = row.iter().enumerate().map(parts).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        let line = |part: usize| {
            let mut line = " ".repeat(indent);
            for (column, cell) in cells.iter().enumerate() {
                // Headings stand on their columns.
                let at = if heading { (part + cell.len()).checked_sub(height) } else { Some(part) };
                let text = at.and_then(|at| cell.get(at)).map_or("", String::as_str);
                line.push_str(&self.cell(text, row[column].0, column, room(column), colour));
            }
            line.trim_end().to_owned()
        };
        (0..height).map(line).collect()
    }

    fn cell(&self, text: &str, tone: Tone, column: usize, room: usize, colour: bool) -> String {
        let text = cut(text, room);
        let pad = " ".repeat(room.saturating_sub(width(&text)));
        let shown = if text.is_empty() { text } else { tone.paint(&text, colour) };
        let gap = " ".repeat(GAP);
        match self.sides[column] {
            Side::Left => format!("{shown}{pad}{gap}"),
            Side::Right => format!("{pad}{shown}{gap}"),
        }
    }

    /// The width of each column. Where the columns exceed the screen, headings make do with the room of their longest
    /// word; where that is not enough, the widest column gives way.
    fn widths(&self, screen: usize) -> Vec<usize> {
        let room = screen.saturating_sub(INDENT + GAP * self.sides.len().saturating_sub(1));
        let mut widths = self.wanted(width);
        if widths.iter().sum::<usize>() > room {
            widths = self.wanted(|heading| heading.split_whitespace().map(width).max().unwrap_or(0));
        }
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > 8 => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    /// The width that each column would like, if headings take what `heading` says.
    fn wanted(&self, heading: impl Fn(&str) -> usize) -> Vec<usize> {
        let mut widths = vec![0; self.sides.len()];
        for (n, row) in self.rows.iter().enumerate() {
            for (column, (_, cell)) in row.iter().enumerate() {
                let wanted = match self.headed && n == 0 {
                    true if column == 0 => heading(cell).saturating_sub(INDENT),
                    true => heading(cell),
                    false => width(cell),
                };
                widths[column] = widths[column].max(wanted);
            }
        }
        widths
    }
}
