//! Charts as PNG: the same shapes, rasterised with the font inside the program.

use super::Figure;
use super::font;
use super::layout::lay_out_figure;
use super::scene::{Anchor, Paint, Scene, Shape};
use super::svg::{CHART_HEIGHT, FIGURE_WIDTH};
use tiny_skia::{FillRule, LineCap, Paint as Ink, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};
use ttf_parser::OutlineBuilder;

/// Pixels of the picture per pixel of the layout, so that it is sharp on paper and on dense screens.
const SCALE: f32 = 2.0;

/// Why a figure could not become a PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The picture would be larger than a PNG may be.
    #[error("a picture of {width} x {height} is too large")]
    TooLarge {
        /// Its width in pixels.
        width: f64,
        /// Its height in pixels.
        height: f64,
    },
    /// The encoder refused it.
    #[error("no PNG could be made: {0}")]
    Encoding(String),
}

/// A figure as the bytes of a PNG file, two pixels for each one of its layout.
///
/// # Errors
/// `PngError` if it has so many charts that no picture can hold them.
pub fn png(figure: &Figure) -> Result<Vec<u8>, PngError> {
    let scene = lay_out_figure(figure, FIGURE_WIDTH, CHART_HEIGHT);
    let too_large = PngError::TooLarge { width: scene.width, height: scene.height };
    let (width, height) = (scene.width as f32 * SCALE, scene.height as f32 * SCALE);
    if height > 30_000.0 {
        return Err(too_large);
    }
    let mut picture = Pixmap::new(width as u32, height as u32).ok_or(too_large)?;
    draw(&scene, &mut picture);
    picture.encode_png().map_err(|error| PngError::Encoding(error.to_string()))
}

fn draw(scene: &Scene, picture: &mut Pixmap) {
    let scaled = Transform::from_scale(SCALE, SCALE);
    for shape in &scene.shapes {
        match shape {
            Shape::Area([x, y, w, h], paint) => {
                let area = Rect::from_xywh(*x as f32, *y as f32, *w as f32, *h as f32);
                if let Some(area) = area {
                    picture.fill_rect(area, &ink(*paint), scaled, None);
                }
            }
            Shape::Filled(points, paint) => fill(picture, path(points, true), *paint, scaled),
            Shape::Path { points, paint, width } => {
                let dash = paint.dashes().iter().map(|dash| *dash as f32).collect();
                let stroke = Stroke {
                    width: *width as f32,
                    line_cap: LineCap::Butt,
                    dash: StrokeDash::new(dash, 0.0),
                    ..Stroke::default()
                };
                if let Some(path) = path(points, false) {
                    picture.stroke_path(&path, &ink(*paint), &stroke, scaled, None);
                }
            }
            Shape::Text { at, anchor, size, bold, paint, text } => {
                let before = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => font::width(text, *size, *bold) / 2.0,
                    Anchor::End => font::width(text, *size, *bold),
                };
                fill(picture, outline(text, [at[0] - before, at[1]], *size, *bold), *paint, scaled);
            }
        }
    }
}

fn fill(picture: &mut Pixmap, path: Option<Path>, paint: Paint, transform: Transform) {
    if let Some(path) = path {
        picture.fill_path(&path, &ink(paint), FillRule::Winding, transform, None);
    }
}

fn ink(paint: Paint) -> Ink<'static> {
    let ([r, g, b], opacity) = paint.colour();
    let mut ink = Ink::default();
    ink.set_color_rgba8(r, g, b, (opacity * 255.0).round() as u8);
    ink.anti_alias = true;
    ink
}

fn path(points: &[[f64; 2]], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (n, [x, y]) in points.iter().enumerate() {
        let (x, y) = (*x as f32, *y as f32);
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
