//! The font of the charts: a subset of DejaVu Sans inside the program (`font/LICENSE`), so that pictures are the same
//! on every machine.

use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId};

static REGULAR: LazyLock<Face<'static>> = LazyLock::new(|| parse(include_bytes!("../../font/DejaVuSans-subset.ttf")));
static BOLD: LazyLock<Face<'static>> = LazyLock::new(|| parse(include_bytes!("../../font/DejaVuSans-Bold-subset.ttf")));

fn parse(bytes: &'static [u8]) -> Face<'static> {
    Face::parse(bytes, 0).expect("the font inside the program is whole")
}

/// The face for bold or for ordinary text.
pub fn face(bold: bool) -> &'static Face<'static> {
    if bold { &BOLD } else { &REGULAR }
}

/// The glyph of a character; that of `�` if the font has none.
pub fn glyph(face: &Face<'_>, c: char) -> GlyphId {
    face.glyph_index(c).or_else(|| face.glyph_index('\u{fffd}')).unwrap_or(GlyphId(0))
}

/// Width of a text in pixels at a font size.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let face = face(bold);
    let units: u32 = text.chars().map(|c| u32::from(face.glyph_hor_advance(glyph(face, c)).unwrap_or(0))).sum();
    f64::from(units) * size / f64::from(face.units_per_em())
}

/// The text cut to a width in pixels, with `…` if something was cut.
pub fn cut(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let shown = format!("{}…", kept.trim_end());
        if width(&shown, size, bold) <= room {
            return shown;
        }
    }
    String::new()
}
