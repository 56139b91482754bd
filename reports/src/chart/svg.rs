//! Charts as SVG: for a file, drawn by plotters' own backend; or for the page, with class names that the page's style
//! colours.

use super::draw::{SCALE, describe, draw_chart, draw_figure, figure_size, margins};
use super::paint::{Lettering, Paint, STYLES};
use super::{Chart, Figure};
use crate::text::{harmless, xml};
use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::style::Color;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;
use std::fmt::Write;

/// A figure as an SVG file that stands alone.
pub fn svg(figure: &Figure) -> String {
    let mut drawn = String::new();
    let (width, height) = figure_size(figure);
    draw_figure(figure, SVGBackend::with_string(&mut drawn, (width, height))).expect("a string takes every shape");
    // Plotters' backend draws no dashes; the colour of a line stands for them.
    for (paint, dashes) in Paint::all().map(|paint| (paint, paint.dashes())).filter(|(_, dashes)| !dashes.is_empty()) {
        let (r, g, b) = paint.colour().rgb();
        let stroke = format!("stroke=\"#{r:02X}{g:02X}{b:02X}\"");
        drawn = drawn
            .replace(&stroke, &format!("{stroke} stroke-dasharray=\"{}\"", joined(dashes, |dash| dash.to_string())));
    }
    let shapes = drawn.split_once('\n').map_or("", |(_, shapes)| shapes);
    let title = xml(&harmless(&figure.title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\">\n<title>{title}</title>\n{shapes}",
        width / SCALE,
        height / SCALE
    )
}

/// A chart of so many pixels as an SVG element of a page. Its shapes have class names (`ink`, `grid`, `s0` ...) and no
/// colours; the element names the place of its plot in `data-` attributes, and its last path, of class `cursor`, is
/// empty.
pub fn inline_svg(chart: &Chart, [width, height]: [u32; 2], id: usize) -> String {
    let mut shapes = String::new();
    let area = Page { out: &mut shapes, size: (width * SCALE, height * SCALE) }.into_drawing_area();
    let (x, y) = draw_chart(chart, &area, margins(chart)).expect("a string takes every shape");
    drop(area);
    let [x0, x1, y0, y1] = [x.start, x.end, y.start, y.end].map(number);
    let description = xml(&describe(chart));
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{description}\" \
         data-chart=\"{id}\" data-x0=\"{x0}\" data-x1=\"{x1}\" data-y0=\"{y0}\" data-y1=\"{y1}\">\n{shapes}\
         <path class=\"cursor\" d=\"\"/>\n</svg>"
    )
}

/// The backend for the page: it writes purposes, not colours.
struct Page<'a> {
    out: &'a mut String,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Page<'_> {
    fn write(&mut self, element: std::fmt::Arguments<'_>) -> Drawn {
        writeln!(self.out, "{element}").expect("a string takes every text");
        Ok(())
    }
}

impl DrawingBackend for Page<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
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

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, _: bool) -> Drawn {
        let [x, y, w, h] = [from.0, from.1, to.0 - from.0, to.1 - from.1].map(number);
        let class = class(Paint::of(style.color()));
        self.write(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" class=\"f {class}\"/>"))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let paint = Paint::of(style.color());
        let dashes = match paint.dashes() {
            [] => String::new(),
            dashes => format!(" stroke-dasharray=\"{}\"", joined(dashes, |dash| number(dash as i32))),
        };
        let (path, class, width) = (path(points), class(paint), number(style.stroke_width() as i32));
        self.write(format_args!("<path d=\"{path}\" class=\"l {class}\" stroke-width=\"{width}\"{dashes}/>"))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Drawn {
        self.write(format_args!("<path d=\"{}z\" class=\"f {}\"/>", path(points), class(Paint::of(style.color()))))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let Lettering { size, bold, drop } = Lettering::of(style);
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let (x, y, size) = (number(x), number(y + libm::round(drop) as i32), number(size as i32));
        let (class, text) = (class(Paint::of(style.color())), xml(text));
        self.write(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{weight} class=\"f {class}\">{text}</text>"
        ))
    }
}

/// The class of a shape in the page.
fn class(paint: Paint) -> String {
    match paint {
        Paint::Ink => "ink".to_owned(),
        Paint::Muted => "muted".to_owned(),
        Paint::Grid => "grid".to_owned(),
        Paint::Series(n) => format!("s{}", n % STYLES),
        Paint::Band(n) => format!("band s{}", n % STYLES),
        Paint::FaultArea => "fault area".to_owned(),
        Paint::FaultEdge => "fault".to_owned(),
        Paint::WarmUpArea => "muted area".to_owned(),
        Paint::Paper => "paper".to_owned(),
    }
}

/// A path through points, with the short forms for level and upright stretches.
fn path(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut out = String::new();
    let mut last = None;
    for (x, y) in points {
        match last {
            None => out.push_str(&format!("M{} {}", number(x), number(y))),
            Some(last) if last == (x, y) => {}
            Some((_, before)) if before == y => out.push_str(&format!("H{}", number(x))),
            Some((before, _)) if before == x => out.push_str(&format!("V{}", number(y))),
            Some(_) => out.push_str(&format!("L{} {}", number(x), number(y))),
        }
        last = Some((x, y));
    }
    out
}

/// A length of the picture in pixels of the page.
fn number(value: i32) -> String {
    (f64::from(value) / f64::from(SCALE)).to_string()
}

fn joined(dashes: &[u32], written: impl Fn(u32) -> String) -> String {
    dashes.iter().map(|dash| written(*dash)).collect::<Vec<_>>().join(" ")
}
