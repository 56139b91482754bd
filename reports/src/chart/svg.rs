//! Charts as SVG: for a file, with its own colours; or for the page, with class names that the page's style colours.

use super::Figure;
use super::font;
use super::layout::{Laid, lay_out_figure};
use super::scene::{Anchor, Paint, Scene, Shape};
use crate::text::xml;
use std::fmt::Write;

/// Width of a figure in pixels.
pub(super) const FIGURE_WIDTH: f64 = 900.0;
/// Height of one chart of a figure in pixels.
pub(super) const CHART_HEIGHT: f64 = 170.0;

/// A figure as an SVG file that stands alone.
pub fn svg(figure: &Figure) -> String {
    let scene = lay_out_figure(figure, FIGURE_WIDTH, CHART_HEIGHT);
    let (w, h) = (number(scene.width), number(scene.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"DejaVu Sans, Verdana, sans-serif\" role=\"img\">\n<title>{}</title>\n",
        xml(&scene.description)
    );
    write_shapes(&scene, true, &mut out);
    out.push_str("</svg>\n");
    out
}

/// A laid-out chart as an SVG element of a page. Its shapes have class names (`ink`, `grid`, `s0` ...) and no colours;
/// the element names the place of its plot in `data-` attributes, and its last path, of class `cursor`, is empty.
pub fn inline_svg(laid: &Laid, id: usize) -> String {
    let scene = &laid.scene;
    let mut out = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" data-chart=\"{id}\" data-x0=\"{}\" \
         data-x1=\"{}\" data-y0=\"{}\" data-y1=\"{}\">\n",
        number(scene.width),
        number(scene.height),
        xml(&scene.description),
        number(laid.x[0]),
        number(laid.x[1]),
        number(laid.y[0]),
        number(laid.y[1]),
    );
    write_shapes(scene, false, &mut out);
    out.push_str("<path class=\"cursor\" d=\"\"/>\n</svg>");
    out
}

fn write_shapes(scene: &Scene, coloured: bool, out: &mut String) {
    for shape in &scene.shapes {
        write_shape(shape, coloured, out).expect("writing to a string cannot fail");
    }
}

fn write_shape(shape: &Shape, coloured: bool, out: &mut String) -> std::fmt::Result {
    match shape {
        Shape::Area([x, y, w, h], paint) => {
            let [x, y, w, h] = [x, y, w, h].map(|v| number(*v));
            writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{}/>", fill(*paint, coloured))
        }
        Shape::Filled(points, paint) => writeln!(out, "<path d=\"{}z\"{}/>", path(points), fill(*paint, coloured)),
        Shape::Path { points, paint, width } => {
            writeln!(out, "<path d=\"{}\"{}/>", path(points), stroke(*paint, *width, coloured))
        }
        Shape::Text { at: [x, y], anchor, size, bold, paint, text } => {
            let (x, y) = (number(*x), number(*y));
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let bold_text = if *bold { " font-weight=\"bold\"" } else { "" };
            // A wider font on the reader's machine is squeezed into the room that the layout gave.
            let room = number(font::width(text, *size, *bold));
            let fit = if text.len() > 24 {
                format!(" textLength=\"{room}\" lengthAdjust=\"spacingAndGlyphs\"")
            } else {
                String::new()
            };
            let fill = fill(*paint, coloured);
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{bold_text}{fit}{fill}>{}</text>",
                xml(text)
            )
        }
    }
}

fn fill(paint: Paint, coloured: bool) -> String {
    if !coloured {
        return format!(" class=\"f {}\"", class(paint));
    }
    let (colour, opacity) = paint.colour();
    let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
    format!(" fill=\"{}\"{opacity}", hex(colour))
}

fn stroke(paint: Paint, width: f64, coloured: bool) -> String {
    let dashes: Vec<_> = paint.dashes().iter().map(|dash| number(*dash)).collect();
    let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", dashes.join(" ")) };
    if !coloured {
        return format!(" class=\"l {}\" stroke-width=\"{width}\"{dashes}", class(paint));
    }
    format!(" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"{dashes}", hex(paint.colour().0))
}

/// The class of a shape in the page.
fn class(paint: Paint) -> String {
    match paint {
        Paint::Ink => "ink".to_owned(),
        Paint::Muted => "muted".to_owned(),
        Paint::Grid => "grid".to_owned(),
        Paint::Series(n) => format!("s{}", n % super::scene::STYLES),
        Paint::Band(n) => format!("band s{}", n % super::scene::STYLES),
        Paint::FaultArea => "fault area".to_owned(),
        Paint::FaultEdge => "fault".to_owned(),
        Paint::WarmUpArea => "muted area".to_owned(),
        Paint::Paper => "paper".to_owned(),
    }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A path through points, with the short forms for level and upright stretches.
fn path(points: &[[f64; 2]]) -> String {
    let mut out = String::new();
    let mut last = [String::new(), String::new()];
    for (n, point) in points.iter().enumerate() {
        let next = point.map(number);
        match n {
            0 => out.push_str(&format!("M{} {}", next[0], next[1])),
            _ if next == last => {}
            _ if next[1] == last[1] => out.push_str(&format!("H{}", next[0])),
            _ if next[0] == last[0] => out.push_str(&format!("V{}", next[1])),
            _ => out.push_str(&format!("L{} {}", next[0], next[1])),
        }
        last = next;
    }
    out
}

/// A coordinate to a tenth of a pixel.
fn number(value: f64) -> String {
    let shown = format!("{value:.1}");
    shown.strip_suffix(".0").map(str::to_owned).unwrap_or(shown)
}
