//! The section of one workload: the verdict, and a table with all samples beside the figures.

use super::axis::LogAxis;
use super::colour;
use super::columns::{Column, columns};
use super::html::Html;
use super::latency;
use super::strip::{self, scale, strip};
use crate::baseline::Changes;
use crate::render::advice::advice;
use crate::render::marks;
use crate::render::metrics::SHOWN;
use crate::render::number::plural;
use crate::render::race::{Race, Standing};
use crate::render::table::{particulars, singles};
use crate::render::text::remark;
use crate::render::verdict::sentences;
use crate::render::view::{self, Names};
use crate::results::{Cell, Results, Verdict, Workload};

/// The parts that a section is made from.
pub(super) struct Section<'a> {
    pub(super) results: &'a Results,
    /// The changes of this table since an earlier comparison.
    pub(super) changes: Option<&'a Changes<'a>>,
    /// The place of the workload in the results.
    pub(super) place: usize,
    pub(super) workload: &'a Workload,
    pub(super) race: &'a Race<'a>,
    pub(super) names: Names<'a>,
}

impl Section<'_> {
    /// All but the end of the section.
    pub(super) fn write(&self, html: &mut Html) {
        html.markup("<section class=\"workload\" id=\"w");
        html.count(self.place + 1).markup("\"><header><h2>");
        html.name(&view::title(self.results, self.workload, " "));
        html.markup("</h2>");
        html.element(
            "<p class=\"kind\">",
            &particulars(self.workload).join(" · "),
            "</p>",
        );
        html.markup("</header>");
        if !self.workload.about.is_empty() {
            html.element("<p class=\"about\">", &remark(&self.workload.about), "</p>");
        }
        self.conclusions(html);
        self.table(html);
        self.notes(html);
        if self.workload.rate.is_some() {
            latency::write(html, self);
        }
    }

    fn conclusions(&self, html: &mut Html) {
        let sentences = sentences(self.results, self.workload, self.race);
        if let Some((first, rest)) = sentences.split_first() {
            html.element("<p class=\"verdict\"><strong>", first, "</strong> ");
            html.text(&rest.join(" ")).markup("</p>");
        }
        let advice = advice(self.results, self.workload, self.race);
        if !advice.is_empty() {
            html.markup("<ul class=\"advice\">");
            for sentence in advice {
                html.element("<li>", &sentence, "</li>");
            }
            html.markup("</ul>");
        }
    }

    fn table(&self, html: &mut Html) {
        let times = self.race.rows.iter().flat_map(|row| {
            let earlier = self.before(row.cell).into_iter().flat_map(strip::times);
            strip::times(row.cell).chain(earlier)
        });
        let axis = LogAxis::around(times);
        let ticks = axis.map(|axis| axis.ticks()).unwrap_or_default();
        let columns = columns(self.race, &self.names, self.workload.rate.is_some());
        html.markup("<section class=\"scroll\" tabindex=\"0\" aria-label=\"");
        html.text(&view::title(self.results, self.workload, " "));
        html.markup("\"><table class=\"race\" id=\"t");
        html.count(self.place + 1).markup("\"><caption>");
        html.text(self.caption());
        html.markup("</caption><thead><tr><th scope=\"col\">model</th>");
        html.markup("<th scope=\"col\" class=\"n\" title=\"Time divided by the best one's of the same round\">to best</th>");
        html.markup("<th scope=\"col\" class=\"fig\">all samples");
        if let Some(axis) = &axis {
            scale(html, axis, &ticks);
        }
        html.markup("</th>");
        for column in &columns {
            html.markup("<th scope=\"col\" class=\"n\" title=\"");
            html.text(column.about)
                .markup("\">")
                .text(column.head)
                .markup("</th>");
        }
        html.markup("</tr></thead><tbody>");
        for (place, row) in self.race.rows.iter().enumerate() {
            self.row(
                html,
                place,
                row,
                axis.as_ref().map(|axis| (axis, &ticks[..])),
                &columns,
            );
        }
        html.markup("</tbody>");
        self.without_figures(html, columns.len() + 2);
        html.markup("</table></section>");
    }

    fn caption(&self) -> &'static str {
        match (self.workload.rate.is_some(), self.has_earlier()) {
            (false, false) => {
                "The fastest first. A mark is a sample, a row of marks a life of the process; the band is the 95 % interval of the median."
            }
            (true, false) => {
                "The best first, by p99. A mark is the p99 of a sample, a row of marks a life of the process; the band is its 95 % interval."
            }
            (false, true) => {
                "The fastest first. A mark is a sample, a row of marks a life of the process; the band is the 95 % interval of the median. Hollow marks are the earlier comparison."
            }
            (true, true) => {
                "The best first, by p99. A mark is the p99 of a sample, a row of marks a life of the process; the band is its 95 % interval. Hollow marks are the earlier comparison."
            }
        }
    }

    fn row(
        &self,
        html: &mut Html,
        place: usize,
        row: &Standing<'_>,
        axis: Option<(&LogAxis, &[f64])>,
        columns: &[Column],
    ) {
        let name = self.names.cell(row.cell);
        html.markup("<tr><th scope=\"row\">").name(&name);
        if !row.is_rival {
            html.markup(" <span class=\"aside\" title=\"Serves a purpose of its own: no rival in this work\">aside</span>");
        }
        html.markup("</th>");
        to_best(html, row, self.race.is_winner(row));
        html.markup("<td class=\"fig\">");
        if let Some((axis, ticks)) = axis {
            strip(html, axis, ticks, &name, row.cell, self.before(row.cell));
        }
        html.markup("</td>");
        for column in columns {
            let figure = &column.entries[place];
            html.markup("<td");
            if let Some(value) = figure.value {
                html.markup(" data-v=\"").value(value).markup("\"");
            }
            html.element(">", &figure.text, "</td>");
        }
        html.markup("</tr>");
    }

    /// The cell of the earlier comparison, where the two can be compared.
    fn before(&self, now: &Cell) -> Option<&Cell> {
        let mut rows = self.changes?.rows.iter();
        let row = rows.find(|row| std::ptr::eq(row.now, now))?;
        Some(row.then)
    }

    fn has_earlier(&self) -> bool {
        self.changes.is_some_and(|table| !table.rows.is_empty())
    }

    /// Rows that say why there are none.
    fn without_figures(&self, html: &mut Html, columns: usize) {
        let failed = self.race.failed.iter();
        let failed = failed.map(|cell| (self.names.cell(cell), view::failure(cell)));
        let skipped = view::skipped(self.results, self.workload).into_iter();
        let skipped = skipped.map(|it| {
            let reason = format!("skipped: {}", remark(&it.reason));
            (self.names.skipped(it), reason)
        });
        let rows: Vec<(String, String)> = failed.chain(skipped).collect();
        if rows.is_empty() {
            return;
        }
        html.markup("<tbody class=\"none\">");
        for (name, why) in rows {
            html.markup("<tr><th scope=\"row\">").name(&name);
            html.markup("</th><td colspan=\"").count(columns);
            html.element("\">", &why, "</td></tr>");
        }
        html.markup("</tbody>");
    }

    fn notes(&self, html: &mut Html) {
        let measured: Vec<&Cell> = self.race.rows.iter().map(|row| row.cell).collect();
        let single = singles(&measured, &self.names).into_iter();
        let single = single.map(|note| format!("1 sample: {note}"));
        let thinned = measured.iter().flat_map(|cell| {
            let name = self.names.cell(cell);
            let now = strip::thinned(cell).map(|counts| drawn(&name, counts, "sample"));
            let then = self.before(cell).and_then(strip::thinned_earlier);
            let then = then.map(|counts| drawn(&name, counts, "earlier sample"));
            now.into_iter().chain(then)
        });
        let rare = SHOWN.iter().filter_map(|shown| {
            let of = |cell: &&Cell| {
                let value = view::metric(cell, shown.metric)?;
                Some(format!(
                    "{} {}",
                    self.names.cell(cell),
                    (shown.number)(value)
                ))
            };
            let figures: Vec<String> = measured.iter().filter_map(of).collect();
            let said = format!("{}, {}: {}", shown.head, shown.about, figures.join(", "));
            (!figures.is_empty()).then_some(said)
        });
        let notes: Vec<String> = single.chain(thinned).chain(rare).collect();
        if !notes.is_empty() {
            html.markup("<ul class=\"notes\">");
            for note in notes {
                html.element("<li>", &note, "</li>");
            }
            html.markup("</ul>");
        }
    }
}

fn drawn(name: &str, (drawn, all): (usize, usize), what: &str) -> String {
    format!(
        "{name}: {drawn} of {} drawn, at even ranks",
        plural(all, what)
    )
}

/// The factor to the best on its shade, with the marks of the tables.
pub(super) fn to_best(html: &mut Html, row: &Standing<'_>, wins: bool) {
    html.markup("<td class=\"b\"");
    let factor = row.ratio.map(|ratio| {
        ratio
            .low
            .filter(|_| ratio.high.is_none())
            .unwrap_or(ratio.median)
    });
    if let Some(factor) = factor {
        html.markup(" data-v=\"").value(factor).markup("\"");
    }
    html.markup("><span class=\"")
        .markup(shade(factor))
        .markup(shape(row, wins));
    html.element("\">", &marks::to_best(row, wins), "</span></td>");
}

/// The class of the shade of a factor.
pub(super) fn shade(factor: Option<f64>) -> &'static str {
    const CLASSES: [&str; colour::STEPS] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6"];
    factor.map_or("h", |factor| CLASSES[colour::step(factor)])
}

/// The class of the shape of a verdict.
pub(super) fn shape(row: &Standing<'_>, wins: bool) -> &'static str {
    match row.verdict {
        Verdict::Open => " open",
        _ if wins => " best",
        Verdict::Fast | Verdict::FastWithin10 => " tie",
        _ => "",
    }
}
