//! The matrix as a picture for a README: an SVG that stands alone.
//!
//! Forges show it in an `<img>`, where there are no scripts, no fonts from elsewhere and no hover.
//! So every factor is text, its shade and its outline come on top, and light or dark follows the
//! reader's system by a media query inside. It paints its own background, since a forge may be dark
//! where the system is light.

mod paint;
mod xml;

use std::fmt::Write as _;

use super::matrix::{Entry, columns, entry};
use super::number::{plural, short_ratio};
use super::race::{Race, Standing};
use super::view;
use crate::page::colour;
use crate::results::{Results, Verdict};
use crate::text::{cut, name, width};
use paint::STYLE;
use xml::Xml;

/// The width of a README on a forge.
const WIDTH: usize = 830;

/// The margin on all sides.
const MARGIN: usize = 16;

/// One character of a name, about; the font is the reader's.
const LETTER: usize = 10;

/// The last heading leans over the last column by this.
const LEAN: usize = 20;

/// The longest name at the left, and at the top, in columns.
const ROW_COLUMNS: usize = 18;
const HEAD_COLUMNS: usize = 18;

const ROW_HEIGHT: usize = 34;
const HEAD_HEIGHT: usize = 124;
const TITLE_HEIGHT: usize = 62;

/// Five characters fit into the narrowest place, if they are small.
const NARROWEST: usize = 46;
const WIDEST: usize = 110;

/// The most rows and columns that are drawn: the rest is counted.
const MOST_ROWS: usize = 40;
const MOST_COLUMNS: usize = 24;

/// Where things are.
struct Layout {
    left: usize,
    top: usize,
    column: usize,
    width: usize,
    rows: usize,
}

/// The matrix workload × model, with machine and date in its caption.
pub fn picture(results: &Results) -> String {
    let races = Race::all(results);
    let models: Vec<&str> = columns(results).into_iter().take(MOST_COLUMNS).collect();
    let titles: Vec<String> = results
        .workloads
        .iter()
        .take(MOST_ROWS)
        .map(|workload| view::title(results, workload, " "))
        .collect();
    let layout = Layout::of(&titles, models.len());
    let mut body = String::new();
    heads(&mut body, &layout, &models);
    for (at, title) in titles.iter().enumerate() {
        let workload = &results.workloads[at];
        row_name(&mut body, &layout, at, title);
        for (column, model) in models.iter().enumerate() {
            let entry = Entry::of(results, workload, &races[at], model);
            let brief = entry_text(results, &races, at, model);
            place(&mut body, &layout, (at, column), &entry, &brief, &races[at]);
            let _ = write!(
                body,
                "<title>{}</title></g>",
                Xml::new(&format!("{title}, {}: {brief}", name(model)))
            );
        }
    }
    let bottom = layout.top + layout.rows * ROW_HEIGHT;
    let (foot, height) = foot(results, &layout, bottom + 14, models.len());
    let described = described(results, &races, &titles);
    let full = layout.width;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full} {height}\" width=\"{full}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title about\">\n\
         <title id=\"title\">Time of each concurrency model, divided by the best one's</title>\n\
         <desc id=\"about\">{described}</desc>\n<style>{}{}</style>\n\
         <rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n\
         {}{body}{foot}</svg>\n",
        STYLE,
        paint::shades(),
        full - 1,
        height - 1,
        heading(),
    )
}

impl Layout {
    fn of(titles: &[String], models: usize) -> Layout {
        let longest = titles.iter().map(|title| width(title)).max().unwrap_or(0);
        let left = MARGIN + longest.clamp(6, ROW_COLUMNS) * LETTER + 10;
        let room = WIDTH.saturating_sub(left + MARGIN + LEAN);
        let column = (room / models.max(1)).clamp(NARROWEST, WIDEST);
        let used = left + column * models + MARGIN + LEAN;
        Layout {
            left,
            top: TITLE_HEIGHT + HEAD_HEIGHT,
            column,
            width: used.max(WIDTH),
            rows: titles.len(),
        }
    }
}

fn heading() -> String {
    format!(
        "<text class=\"h\" x=\"{MARGIN}\" y=\"34\">Which concurrency model for which work</text>\n\
         <text class=\"s\" x=\"{MARGIN}\" y=\"57\">Time, divided by the best one’s: the stronger the \
         colour, the faster.</text>\n"
    )
}

/// The names of the models, leaning to the left over their columns.
fn heads(body: &mut String, layout: &Layout, models: &[&str]) {
    for (column, model) in models.iter().enumerate() {
        let x = layout.left + column * layout.column + layout.column / 2 + 5;
        let y = layout.top - 8;
        let name = Xml::new(&cut(model, HEAD_COLUMNS));
        let _ = writeln!(
            body,
            "<text class=\"m\" transform=\"translate({x} {y}) rotate(-58)\">{name}</text>"
        );
    }
}

fn row_name(body: &mut String, layout: &Layout, at: usize, title: &str) {
    let y = layout.top + at * ROW_HEIGHT + ROW_HEIGHT / 2 + 6;
    let name = Xml::new(&cut(title, ROW_COLUMNS));
    let x = layout.left - 10;
    let _ = writeln!(body, "<text class=\"w\" x=\"{x}\" y=\"{y}\">{name}</text>");
}

/// The mark of the matrix, with the factor where the mark alone stands for it.
fn entry_text(results: &Results, races: &[Race<'_>], at: usize, model: &str) -> String {
    let workload = &results.workloads[at];
    let brief = entry(results, workload, &races[at], model);
    match Entry::of(results, workload, &races[at], model) {
        Entry::Measured(row) if matches!(brief.as_str(), "=" | "≈") => {
            let factor = row.ratio.map_or(f64::NAN, |ratio| ratio.median);
            format!("{brief}{}", short_ratio(factor, 2))
        }
        _ => brief,
    }
}

/// One place: its shade by the factor, its outline by the verdict, its text. The group stays open.
fn place(
    body: &mut String,
    layout: &Layout,
    (at, column): (usize, usize),
    entry: &Entry<'_>,
    brief: &str,
    race: &Race<'_>,
) {
    let x = layout.left + column * layout.column;
    let y = layout.top + at * ROW_HEIGHT;
    let (wide, high) = (layout.column - 3, ROW_HEIGHT - 3);
    let (tx, ty) = (x + wide / 2, y + high / 2 + 6);
    let text = Xml::new(brief);
    let Entry::Measured(row) = entry else {
        let class = if matches!(entry, Entry::Failed) {
            "e"
        } else {
            "n"
        };
        let _ = write!(
            body,
            "<g><text class=\"{class}\" x=\"{tx}\" y=\"{ty}\">{text}</text>"
        );
        return;
    };
    let step = colour::step(factor(row));
    let _ = write!(
        body,
        "<g class=\"c{step}\"><rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"5\"/>"
    );
    if let Some(shape) = shape(row, race.is_winner(row)) {
        let (x, y, wide, high) = (x + 2, y + 2, wide - 4, high - 4);
        let _ = write!(
            body,
            "<rect class=\"{shape}\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"4\"/>"
        );
    }
    let class = match width(brief) {
        _ if brief.starts_with("best") => " class=\"b\"".to_owned(),
        ..5 => String::new(),
        // Squeezed to the width that there is, whatever the reader's font.
        _ => format!(
            " class=\"l\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"",
            wide - 8
        ),
    };
    let _ = write!(body, "<text{class} x=\"{tx}\" y=\"{ty}\">{text}</text>");
}

/// The time divided by the best one's, or its lower bound where one sample gives no more.
fn factor(row: &Standing<'_>) -> f64 {
    let Some(ratio) = row.ratio else {
        return f64::NAN;
    };
    match row.verdict {
        Verdict::SlowerByOneSample => ratio.low.unwrap_or(ratio.median),
        _ => ratio.median,
    }
}

/// The outline by the verdict: solid for the best, thin for as fast, dashed for open.
fn shape(row: &Standing<'_>, wins: bool) -> Option<&'static str> {
    match row.verdict {
        Verdict::Open => Some("open"),
        Verdict::Best if wins => Some("best"),
        Verdict::Fast | Verdict::FastWithin10 => Some("tie"),
        _ => None,
    }
}

/// The legend, and where and when it was measured; with the height of the whole.
fn foot(results: &Results, layout: &Layout, top: usize, models: usize) -> (String, usize) {
    let mut out = String::new();
    let y = top + 16;
    paint::scale(&mut out, layout.left, y);
    let y = y + 34;
    paint::legend(&mut out, MARGIN, y, results.settings.margin());
    let mut lines = vec![machine(results)];
    let (rows, columns) = (results.workloads.len(), columns(results).len());
    if rows > layout.rows || columns > models {
        lines.push(format!(
            "{} of {} and {models} of {} are drawn.",
            layout.rows,
            plural(rows, "workload"),
            plural(columns, "model")
        ));
    }
    if rows == 0 {
        lines.push("Nothing was measured.".to_owned());
    }
    if !results.complete {
        lines.push("INCOMPLETE: this comparison was interrupted.".to_owned());
    }
    if results.settings.smoke {
        lines.push("SMOKE: these are not figures to choose a model by.".to_owned());
    }
    let mut y = y + 16;
    for line in lines {
        y += 22;
        let line = Xml::new(&cut(&line, 110));
        let _ = writeln!(
            out,
            "<text class=\"s\" x=\"{MARGIN}\" y=\"{y}\">{line}</text>"
        );
    }
    (out, y + 18)
}

fn machine(results: &Results) -> String {
    let environment = &results.environment;
    let mut parts = Vec::new();
    if !environment.cpu.is_empty() {
        parts.push(cut(&environment.cpu, 40));
    }
    if environment.cpus > 0 {
        parts.push(plural(environment.cpus, "processor"));
    }
    let day = environment.started.split('T').next().unwrap_or_default();
    if !day.is_empty() {
        parts.push(cut(day, 12));
    }
    let version: Vec<&str> = environment.rustc.split(' ').take(2).collect();
    if version.len() == 2 {
        parts.push(cut(&version.join(" "), 20));
    }
    let place = match parts.is_empty() {
        true => "an unknown machine".to_owned(),
        false => parts.join(", "),
    };
    format!("Measured on {place}, by cargo xtask compare.")
}

/// The winners in words.
fn described(results: &Results, races: &[Race<'_>], titles: &[String]) -> Xml {
    let won = titles.iter().zip(races).map(|(title, race)| {
        let winner = race.winner();
        let name = winner.map(|row| name(&row.cell.contestant()));
        format!(
            "{title}: {}",
            name.unwrap_or_else(|| "no figures".to_owned())
        )
    });
    let won: Vec<String> = won.collect();
    let text = format!(
        "The fastest of each workload. {}. {}",
        won.join("; "),
        machine(results)
    );
    Xml::new(&text)
}
