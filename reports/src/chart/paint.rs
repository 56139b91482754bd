//! What a shape is for, and how it looks. A drawing backend of plotters is told a colour alone, so a colour stands for
//! its purpose: no two purposes share one.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle};
use plotters_backend::{BackendColor, BackendTextStyle};

/// What a shape is for.
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
    /// Every paint, each look of a line once.
    pub fn all() -> impl Iterator<Item = Paint> {
        use Paint::*;
        let plain = [Ink, Muted, Grid, FaultArea, FaultEdge, WarmUpArea, Paper];
        plain.into_iter().chain((0..STYLES).flat_map(|n| [Series(n), Band(n)]))
    }

    /// The paint of a colour that plotters hands to a backend.
    pub fn of(colour: BackendColor) -> Paint {
        let (r, g, b) = colour.rgb;
        Paint::all().find(|paint| paint.colour() == RGBAColor(r, g, b, colour.alpha)).unwrap_or(Paint::Ink)
    }

    /// Its colour on white paper.
    pub fn colour(self) -> RGBAColor {
        const LINES: [[u8; 3]; STYLES] =
            [[0x1b, 0x5a, 0x9e], [0xb2, 0x55, 0x00], [0x24, 0x6b, 0x4a], [0x75, 0x2f, 0x8a]];
        let ([r, g, b], opacity) = match self {
            Paint::Ink => ([0x1b, 0x1f, 0x24], 1.0),
            Paint::Muted => ([0x5a, 0x64, 0x70], 1.0),
            Paint::Grid => ([0xe2, 0xe5, 0xe9], 1.0),
            Paint::Series(n) => (LINES[n % STYLES], 1.0),
            Paint::Band(n) => (LINES[n % STYLES], 0.2),
            Paint::FaultArea => ([0xb3, 0x26, 0x1e], 0.08),
            Paint::FaultEdge => ([0xb3, 0x26, 0x1e], 1.0),
            Paint::WarmUpArea => ([0x5a, 0x64, 0x70], 0.1),
            Paint::Paper => ([0xff, 0xff, 0xff], 1.0),
        };
        RGBAColor(r, g, b, opacity)
    }

    /// Lengths of dashes and gaps in pixels of the picture; empty for a line without gaps.
    pub fn dashes(self) -> &'static [u32] {
        const LINES: [&[u32]; STYLES] = [&[], &[12, 6], &[3, 5], &[18, 6, 3, 6]];
        match self {
            Paint::Series(n) => LINES[n % STYLES],
            Paint::FaultEdge => &[6, 4],
            _ => &[],
        }
    }

    /// A line of this paint, so many pixels wide.
    pub fn line(self, width: u32) -> ShapeStyle {
        self.colour().stroke_width(width)
    }

    /// Text of this paint: its size in pixels, its weight, and which of its points lies where it is drawn.
    pub fn text(self, size: f64, bold: bool, across: HPos, up: VPos) -> TextStyle<'static> {
        let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name("DejaVu Sans, Verdana, sans-serif"), size * EM, style);
        TextStyle { font, color: self.colour().to_backend_color(), pos: Pos::new(across, up) }
    }
}

/// What plotters calls the size of a font, for each pixel of its em.
const EM: f64 = 1.24;

/// A text as a backend is to draw it, in the same place as plotters' own SVG backend.
pub struct Lettering {
    /// Its size in pixels.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// How far its base line lies below the point where it is drawn, pixels.
    pub drop: f64,
}

impl Lettering {
    /// Reads a style of plotters.
    pub fn of(style: &impl BackendTextStyle) -> Lettering {
        const EX: f64 = 0.547;
        let size = style.size() / EM;
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.5 * EX,
            VPos::Bottom => -0.5 * EX,
        };
        Lettering { size, bold: matches!(style.style(), FontStyle::Bold), drop: drop * size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_colour_has_one_purpose() {
        for paint in Paint::all() {
            assert_eq!(Paint::of(paint.colour().to_backend_color()), paint);
        }
    }
}
