//! Charts as PNG: a backend of plotters that rasterises with the font inside the program.

use super::Figure;
use super::draw::{draw_figure, figure_size};
use super::font;
use super::paint::{Lettering, Paint};
use plotters_backend::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;
use tiny_skia::{FillRule, LineCap, Paint as Ink, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};
use ttf_parser::OutlineBuilder;

/// Why a figure could not become a PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The picture would be larger than a PNG may be.
    #[error("a picture of {width} x {height} is too large")]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The encoder refused it.
    #[error("no PNG could be made: {0}")]
    Encoding(String),
}

/// A figure as the bytes of a PNG file, two pixels for each one of a page.
///
/// # Errors
/// `PngError` if it has so many charts that no picture can hold them.
pub fn png(figure: &Figure) -> Result<Vec<u8>, PngError> {
    let (width, height) = figure_size(figure);
    let picture = if height > 30_000 { None } else { Pixmap::new(width, height) };
    let mut picture = picture.ok_or(PngError::TooLarge { width, height })?;
    draw_figure(figure, Canvas(&mut picture)).expect("pixels in memory take every shape");
    encoded(&picture).map_err(|error| PngError::Encoding(error.to_string()))
}

/// An opaque picture, packed quickly: charts are small anyway, and a report has many.
fn encoded(picture: &Pixmap) -> Result<Vec<u8>, ::png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_compression(::png::Compression::Fast);
    let colours: Vec<u8> =
        picture.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(file)
}

/// The pixels on which plotters draws.
struct Canvas<'a>(&'a mut Pixmap);

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.width(), self.0.height())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &colour, true)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, filled: bool) -> Drawn {
        let area = Rect::from_ltrb(from.0 as f32, from.1 as f32, to.0 as f32, to.1 as f32);
        if let Some(area) = area.filter(|_| filled) {
            self.0.fill_rect(area, &ink(style.color()), Transform::identity(), None);
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Drawn {
        let dash = Paint::of(style.color()).dashes().iter().map(|dash| *dash as f32).collect();
        let stroke = Stroke {
            width: style.stroke_width() as f32,
            line_cap: LineCap::Butt,
            dash: StrokeDash::new(dash, 0.0),
            ..Stroke::default()
        };
        // A line of odd width is sharp where its middle is that of a pixel.
        let middle = f32::from(u8::from(style.stroke_width() % 2 == 1)) / 2.0;
        if let Some(path) = path(points, false).filter(|_| style.color().alpha > 0.0) {
            self.0.stroke_path(&path, &ink(style.color()), &stroke, Transform::from_translate(middle, middle), None);
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Drawn {
        self.fill(path(points, true), style.color());
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let Lettering { size, bold, drop } = Lettering::of(style);
        let before = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => font::width(text, size, bold) / 2.0,
            HPos::Right => font::width(text, size, bold),
        };
        self.fill(outline(text, [f64::from(x) - before, f64::from(y) + drop], size, bold), style.color());
        Ok(())
    }
}

impl Canvas<'_> {
    fn fill(&mut self, path: Option<Path>, colour: BackendColor) {
        if let Some(path) = path {
            self.0.fill_path(&path, &ink(colour), FillRule::Winding, Transform::identity(), None);
        }
    }
}

fn ink(BackendColor { alpha, rgb: (r, g, b) }: BackendColor) -> Ink<'static> {
    let mut ink = Ink::default();
    ink.set_color_rgba8(r, g, b, (alpha * 255.0).round() as u8);
    ink.anti_alias = true;
    ink
}

fn path(points: impl IntoIterator<Item = BackendCoord>, closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (n, (x, y)) in points.into_iter().enumerate() {
        let (x, y) = (x as f32, y as f32);
        if n == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

/// The outline of a line of text that begins at a point of its base line.
fn outline(text: &str, [x, y]: [f64; 2], size: f64, bold: bool) -> Option<Path> {
    let face = font::face(bold);
    let scale = size as f32 / f32::from(face.units_per_em());
    let mut pen = Pen { builder: PathBuilder::new(), x: x as f32, y: y as f32, scale };
    for c in text.chars() {
        let glyph = font::glyph(face, c);
        face.outline_glyph(glyph, &mut pen);
        pen.x += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
    }
    pen.builder.finish()
}

/// Draws glyphs, whose y points up, at a place of a picture, whose y points down.
struct Pen {
    builder: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }
    fn close(&mut self) {
        self.builder.close();
    }
}
