//! The shapes of a laid-out chart: all that a backend has to know.

/// What a shape is for; a backend gives it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Text and axes.
    Ink,
    /// Text of less weight.
    Muted,
    /// Grid lines.
    Grid,
    /// The line number n, by colour and dashes.
    Series(usize),
    /// The interval around line number n.
    Band(usize),
    /// The area of a fault.
    FaultArea,
    /// The beginning and the end of a fault.
    FaultEdge,
    /// The area of the warm-up.
    WarmUpArea,
    /// Behind everything.
    Paper,
}

/// The number of lines that differ in colour and dashes.
pub const STYLES: usize = 4;

impl Paint {
    /// Red, green, blue on white paper, and opacity from 0 to 1.
    pub fn colour(self) -> ([u8; 3], f64) {
        const LINES: [[u8; 3]; STYLES] =
            [[0x1b, 0x5a, 0x9e], [0xb2, 0x55, 0x00], [0x24, 0x6b, 0x4a], [0x75, 0x2f, 0x8a]];
        match self {
            Paint::Ink => ([0x1b, 0x1f, 0x24], 1.0),
            Paint::Muted => ([0x5a, 0x64, 0x70], 1.0),
            Paint::Grid => ([0xe2, 0xe5, 0xe9], 1.0),
            Paint::Series(n) => (LINES[n % STYLES], 1.0),
            Paint::Band(n) => (LINES[n % STYLES], 0.2),
            Paint::FaultArea => ([0xb3, 0x26, 0x1e], 0.08),
            Paint::FaultEdge => ([0xb3, 0x26, 0x1e], 1.0),
            Paint::WarmUpArea => ([0x5a, 0x64, 0x70], 0.1),
            Paint::Paper => ([0xff, 0xff, 0xff], 1.0),
        }
    }

    /// Lengths of dashes and gaps in pixels; empty for a line without gaps.
    pub fn dashes(self) -> &'static [f64] {
        const LINES: [&[f64]; STYLES] = [&[], &[6.0, 3.0], &[1.5, 2.5], &[9.0, 3.0, 1.5, 3.0]];
        match self {
            Paint::Series(n) => LINES[n % STYLES],
            Paint::FaultEdge => &[3.0, 2.0],
            _ => &[],
        }
    }
}

/// On which side of its point a text lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins at the point.
    Start,
    /// Its middle is at the point.
    Middle,
    /// It ends at the point.
    End,
}

/// One shape, in pixels from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A filled rectangle: x, y, width, height.
    Area([f64; 4], Paint),
    /// A line through points.
    Path {
        /// The points, at least two.
        points: Vec<[f64; 2]>,
        /// Its colour and dashes.
        paint: Paint,
        /// Its width.
        width: f64,
    },
    /// A filled outline.
    Filled(Vec<[f64; 2]>, Paint),
    /// A line of text.
    Text {
        /// Where its anchor lies on the base line.
        at: [f64; 2],
        /// Which part of it lies there.
        anchor: Anchor,
        /// Font size.
        size: f64,
        /// Whether it is bold.
        bold: bool,
        /// Its colour.
        paint: Paint,
        /// The text, harmless but not escaped.
        text: String,
    },
}

/// A picture as a list of shapes, back to front.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// What it says, for those who cannot see it.
    pub description: String,
    /// The shapes, back to front.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// Adds the shapes of another scene, moved down by `dy`.
    pub fn add_below(&mut self, other: Scene, dy: f64) {
        for mut shape in other.shapes {
            match &mut shape {
                Shape::Area([_, y, _, _], _) => *y += dy,
                Shape::Path { points, .. } | Shape::Filled(points, _) => points.iter_mut().for_each(|[_, y]| *y += dy),
                Shape::Text { at: [_, y], .. } => *y += dy,
            }
            self.shapes.push(shape);
        }
    }

    /// Moves every shape to the right by `dx` and sets the width of the picture.
    pub fn moved_right(&mut self, dx: f64, width: f64) {
        self.width = width;
        for shape in &mut self.shapes {
            match shape {
                Shape::Area([x, _, _, _], _) => *x += dx,
                Shape::Path { points, .. } | Shape::Filled(points, _) => points.iter_mut().for_each(|[x, _]| *x += dx),
                Shape::Text { at: [x, _], .. } => *x += dx,
            }
        }
    }
}
