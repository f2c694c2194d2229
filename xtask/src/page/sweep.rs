//! Sweeps over numbers of tasks, workers or requests, with their knees.

use super::axis::{LogAxis, WIDTH};
use super::html::{Html, Path};
use super::strip::draw;
use crate::render::number::{duration, number};
use crate::render::sweep::{Line, Sweep, groups};
use crate::results::Results;

const HEIGHT: f64 = 34.0;

/// Nothing where nothing was swept.
pub(super) fn write(html: &mut Html, results: &Results) {
    let groups = groups(results);
    if groups.iter().all(|group| group.sweeps.is_empty()) {
        return;
    }
    html.markup("<section id=\"sweeps\"><h2>Sweeps</h2>");
    let mut place = 0;
    for group in &groups {
        let mut knees = String::new();
        for sweep in &group.sweeps {
            place += 1;
            table(html, sweep, group.head, place);
            knees.extend(sweep.lines.iter().map(|line| sweep.knee(line)));
            knees.extend(
                sweep
                    .lines
                    .iter()
                    .flat_map(|line| sweep.numbers.iter().map(|number| line.time(*number))),
            );
        }
        if let Some(meaning) = group.meaning(&knees) {
            html.markup("<p class=\"hint\"><b>")
                .text(group.head)
                .markup("</b> ");
            html.text(&meaning).markup(".</p>");
        }
    }
    html.markup("</section>");
}

fn table(html: &mut Html, sweep: &Sweep<'_>, head: &'static str, place: usize) {
    let points = || sweep.lines.iter().flat_map(|line| &line.points);
    let times = LogAxis::around(points().map(|(point, _)| point.1));
    let numbers = LogAxis::around(sweep.numbers.iter().copied());
    html.markup("<section class=\"scroll\" tabindex=\"0\" aria-label=\"");
    html.text(&sweep.title)
        .markup("\"><table class=\"race\" id=\"s")
        .count(place);
    html.markup("\"><caption>").text(&sweep.title);
    html.markup(". The curves have logarithmic axes that all rows share.</caption><thead><tr><th scope=\"col\">model</th><th scope=\"col\" class=\"fig curve\">curve</th>");
    for at in &sweep.numbers {
        html.element("<th scope=\"col\" class=\"n\">", &number(*at), "</th>");
    }
    html.element(
        "<th scope=\"col\" class=\"n\">",
        head,
        "</th></tr></thead><tbody>",
    );
    for line in &sweep.lines {
        html.markup("<tr><th scope=\"row\">").name(&line.name());
        html.markup("</th><td class=\"fig curve\">");
        if let (Some(times), Some(numbers)) = (&times, &numbers) {
            curve(html, line, times, numbers);
        }
        html.markup("</td>");
        for at in &sweep.numbers {
            html.markup("<td");
            if let Some(((_, ns), _)) = line.points.iter().find(|(point, _)| point.0 == *at) {
                html.markup(" data-v=\"").value(*ns).markup("\"");
            }
            html.element(">", &line.time(*at), "</td>");
        }
        html.element("<td class=\"knee\">", &sweep.knee(line), "</td></tr>");
    }
    html.markup("</tbody></table></section>");
}

/// Times upwards over numbers to the right.
fn curve(html: &mut Html, line: &Line<'_>, times: &LogAxis, numbers: &LogAxis) {
    let up = |ns: f64| 3.0 + (HEIGHT - 6.0) * (1.0 - times.place(ns) / WIDTH);
    html.markup("<svg role=\"img\" preserveAspectRatio=\"none\" height=\"34\" viewBox=\"0 0 1000 34\"><title>");
    let said: Vec<String> = line
        .points
        .iter()
        .map(|((at, ns), _)| format!("{} with {}", duration(*ns), number(*at)))
        .collect();
    html.text(&format!("{}: {}", line.name(), said.join(", ")))
        .markup("</title>");
    let (mut curve, mut dots) = (Path::default(), Path::default());
    for (place, ((at, ns), _)) in line.points.iter().enumerate() {
        let (x, y) = (numbers.place(*at), up(*ns));
        match place {
            0 => curve.to(x, y),
            _ => curve.line(x, y),
        };
        dots.to(x, y).across(0.1);
    }
    draw(html, "<path class=\"curve\" d=\"", &curve);
    draw(html, "<path class=\"dots\" d=\"", &dots);
    html.markup("</svg>");
}
