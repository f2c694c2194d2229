//! The colours and the legend of the picture.

use std::fmt::Write as _;

use crate::page::colour::{BOUNDS, DARK, LIGHT, STEPS, Shade};
use crate::render::number::percent;

/// Fonts of the reader's system, and the colours of the page, light and dark.
pub(super) const STYLE: &str = "
text { font: 15px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; \
font-variant-numeric: tabular-nums; text-anchor: middle; fill: #1d2b2f }
.page { fill: #ffffff; stroke: #d5dee0 }
.h { font-size: 21px; font-weight: 650; text-anchor: start }
.s { font-size: 15px; text-anchor: start; fill: #4c5d62 }
.m { font-size: 16px; text-anchor: start }
.w { font-size: 16px; text-anchor: end; font-weight: 600 }
.k { font-size: 15px }
.r { font-size: 15px; text-anchor: end; fill: #4c5d62 }
.b { font-weight: 700; font-size: 14px }
.l { font-size: 14px }
.n { fill: #7b8a8e }
.e { fill: #b3261e; font-weight: 700 }
.best, .tie, .open { fill: none }
.best { stroke-width: 2.5 }
.tie { stroke-width: 1 }
.open { stroke-width: 1.5; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e3ebed }
.page { fill: #0f181b; stroke: #2c3d42 }
.s, .r { fill: #a9b9bd }
.n { fill: #83949a }
.e { fill: #ff8a80 }
}
";

/// The rules of the shades.
pub(super) fn shades() -> String {
    let rules = |shades: &[Shade; STEPS]| {
        let mut out = String::new();
        for (step, shade) in shades.iter().enumerate() {
            let Shade { paper, ink } = shade;
            let _ = writeln!(
                out,
                ".c{step} rect {{ fill: {paper}; stroke: {ink} }} .c{step} > rect:first-child {{ \
                 stroke: none }} .c{step} .best, .c{step} .tie, .c{step} .open {{ fill: none }} \
                 .c{step} text {{ fill: {ink} }}"
            );
        }
        out
    };
    format!(
        "{}@media (prefers-color-scheme: dark) {{\n{}}}\n",
        rules(&LIGHT),
        rules(&DARK)
    )
}

/// The shades with the factors that they stand for, from this place on.
pub(super) fn scale(out: &mut String, left: usize, y: usize) {
    let (top, end) = (y - 17, left - 10);
    let _ = writeln!(out, "<text class=\"r\" x=\"{end}\" y=\"{y}\">factor</text>");
    for step in 0..STEPS {
        let (x, tx) = (left + step * 64, left + step * 64 + 30);
        let text = match BOUNDS.get(step) {
            Some(bound) => format!("≤{bound}"),
            None => format!("&gt;{}", BOUNDS[STEPS - 2]),
        };
        let _ = writeln!(
            out,
            "<g class=\"c{step}\"><rect x=\"{x}\" y=\"{top}\" width=\"61\" height=\"24\" rx=\"5\"/>\
             <text class=\"k\" x=\"{tx}\" y=\"{y}\">{text}</text></g>"
        );
    }
}

/// The outlines and the marks with their meaning, from this place on.
pub(super) fn legend(out: &mut String, left: usize, y: usize, margin: f64) {
    let (fast, nearly) = (percent(margin), percent(2.0 * margin));
    let marks = [
        ("best", "best", String::new(), 0),
        (
            "tie",
            "= ≈",
            format!("as fast, within {fast} or {nearly}"),
            232,
        ),
        ("open", "?", "open".to_owned(), 38),
        ("", "&gt;", "at least".to_owned(), 64),
        ("", "-", "skipped".to_owned(), 60),
    ];
    let mut x = left;
    for (shape, mark, meaning, wide) in marks {
        let (top, tx, kx) = (y - 17, x + 23, x + 53);
        let class = if shape == "best" { "b" } else { "k" };
        let step = if shape == "best" { 0 } else { 4 };
        let _ = write!(
            out,
            "<g class=\"c{step}\"><rect x=\"{x}\" y=\"{top}\" width=\"46\" height=\"25\" rx=\"5\"/>"
        );
        if !shape.is_empty() {
            let (x, top) = (x + 2, top + 2);
            let _ = write!(
                out,
                "<rect class=\"{shape}\" x=\"{x}\" y=\"{top}\" width=\"42\" height=\"21\" rx=\"4\"/>"
            );
        }
        let _ = writeln!(
            out,
            "<text class=\"{class}\" x=\"{tx}\" y=\"{y}\">{mark}</text></g>"
        );
        let _ = writeln!(
            out,
            "<text class=\"s\" x=\"{kx}\" y=\"{y}\">{meaning}</text>"
        );
        x += 53 + wide + 18;
    }
}
