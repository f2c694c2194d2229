//! Servers: latency by percentile, and how late the load itself was.

use super::axis::LogAxis;
use super::html::{Html, Path};
use super::strip::{draw, scale};
use super::workload::Section;
use crate::render::number::{count, duration};
use crate::render::view;
use crate::results::Cell;

/// A percentile, and the metrics that have it.
struct Percentile {
    head: &'static str,
    response: &'static str,
    lateness: &'static str,
}

const PERCENTILES: [Percentile; 5] = [
    Percentile {
        head: "p50",
        response: "response_p50_ns",
        lateness: "send_lateness_p50_ns",
    },
    Percentile {
        head: "p90",
        response: "response_p90_ns",
        lateness: "send_lateness_p90_ns",
    },
    Percentile {
        head: "p99",
        response: "response_p99_ns",
        lateness: "send_lateness_p99_ns",
    },
    Percentile {
        head: "p99.9",
        response: "response_p999_ns",
        lateness: "send_lateness_p999_ns",
    },
    Percentile {
        head: "longest",
        response: "response_max_ns",
        lateness: "send_lateness_max_ns",
    },
];

const HEIGHT: f64 = 18.0;

/// A table with a row for each server; nothing where no cell has such figures.
pub(super) fn write(html: &mut Html, section: &Section<'_>) {
    let cells: Vec<&Cell> = section.race.rows.iter().map(|row| row.cell).collect();
    let all = cells.iter().flat_map(|cell| {
        let responses = responses(cell);
        responses.into_iter().chain(latenesses(cell)).flatten()
    });
    let Some(axis) = LogAxis::around(all) else {
        return;
    };
    let ticks = axis.ticks();
    html.markup("<section class=\"scroll\" tabindex=\"0\" aria-label=\"Latency by percentile, ");
    html.text(&view::title(section.results, section.workload, " "));
    html.markup("\"><table class=\"race\" id=\"l");
    html.count(section.place + 1).markup("\"><caption>Latency by percentile, counted from when a request was due: marks from p50 to the longest. Below them in grey, how late the load itself was: a response cannot be trusted to less.</caption>");
    html.markup("<thead><tr><th scope=\"col\">model</th><th scope=\"col\" class=\"fig\">latency");
    scale(html, &axis, &ticks);
    html.markup("</th>");
    for percentile in &PERCENTILES {
        html.element("<th scope=\"col\" class=\"n\">", percentile.head, "</th>");
    }
    html.markup("<th scope=\"col\" class=\"n\" title=\"How late 99 of 100 requests were sent at most\">load late p99</th><th scope=\"col\" class=\"n\" title=\"How late a request was sent at worst\">at worst</th><th scope=\"col\" class=\"n\" title=\"Responses a second\">answered/s</th></tr></thead><tbody>");
    for cell in cells {
        let name = section.names.cell(cell);
        html.markup("<tr><th scope=\"row\">").name(&name);
        html.markup("</th><td class=\"fig\">");
        figure(html, &axis, &ticks, &name, cell);
        html.markup("</td>");
        for ns in responses(cell) {
            value(html, ns, duration);
        }
        let late = latenesses(cell);
        value(html, late[2], duration);
        value(html, late[4], duration);
        value(html, view::metric(cell, "achieved_rate"), count);
        html.markup("</tr>");
    }
    html.markup("</tbody></table></section>");
}

fn responses(cell: &Cell) -> [Option<f64>; 5] {
    PERCENTILES.map(|percentile| view::metric(cell, percentile.response))
}

fn latenesses(cell: &Cell) -> [Option<f64>; 5] {
    PERCENTILES.map(|percentile| view::metric(cell, percentile.lateness))
}

fn value(html: &mut Html, value: Option<f64>, number: fn(f64) -> String) {
    match value {
        Some(value) => {
            html.markup("<td data-v=\"").value(value);
            html.element("\">", &number(value), "</td>");
        }
        None => {
            html.markup("<td>-</td>");
        }
    }
}

/// The percentiles as marks that grow towards the rare ones, joined by a line.
fn figure(html: &mut Html, axis: &LogAxis, ticks: &[f64], name: &str, cell: &Cell) {
    html.markup("<svg role=\"img\" preserveAspectRatio=\"none\" height=\"18\" viewBox=\"0 0 1000 18\"><title>");
    let said = PERCENTILES.iter().zip(responses(cell));
    let said =
        said.filter_map(|(percentile, ns)| Some(format!("{} {}", percentile.head, duration(ns?))));
    html.text(&format!(
        "{name}: {}",
        said.collect::<Vec<String>>().join(", ")
    ));
    html.markup("</title>");
    let mut grid = Path::default();
    for tick in ticks {
        grid.to(axis.place(*tick), 0.0).down(HEIGHT);
    }
    draw(html, "<path class=\"grid\" d=\"", &grid);
    draw(
        html,
        "<path class=\"load\" d=\"",
        &percentiles(axis, latenesses(cell), 13.0, 4.0),
    );
    draw(
        html,
        "<path class=\"resp\" d=\"",
        &percentiles(axis, responses(cell), 6.0, 10.0),
    );
    html.markup("</svg>");
}

fn percentiles(axis: &LogAxis, values: [Option<f64>; 5], middle: f64, most: f64) -> Path {
    let mut path = Path::default();
    let places: Vec<f64> = values.iter().flatten().map(|ns| axis.place(*ns)).collect();
    if let (Some(first), Some(last)) = (places.first(), places.last()) {
        path.to(*first, middle).across(last - first);
    }
    let heights = [1.0, 0.5, 0.75, 0.5, 1.0];
    for (value, part) in values.iter().zip(heights) {
        if let Some(ns) = value {
            let height = most * part;
            path.to(axis.place(*ns), middle - height / 2.0).down(height);
        }
    }
    path
}
