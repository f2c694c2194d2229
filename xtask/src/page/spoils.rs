//! Warnings and failures: the causes that may have spoiled the run.

use super::html::Html;
use crate::render::footer::cautions;
use crate::render::race::Race;
use crate::render::text::remark;
use crate::render::view::{self, Names};
use crate::results::Results;
use crate::text::name;

pub(super) fn write(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    html.markup("<section id=\"spoiled\"><h2>What spoiled the run</h2>");
    let cautions = cautions(results);
    if cautions.is_empty() {
        html.markup(
            "<p>Nothing was noticed: the comparison was complete, and no warning was raised.</p>",
        );
    } else {
        html.markup("<ul>");
        for (head, text) in &cautions {
            html.markup("<li>");
            if *head != "warning: " {
                html.element("<strong>", head, "</strong> ");
            }
            html.text(text).markup("</li>");
        }
        html.markup("</ul>");
    }
    failures(html, results, races);
    html.markup("</section>");
}

fn failures(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    let tables = results.workloads.iter().zip(races);
    let failed: Vec<(String, String)> = tables
        .flat_map(|(workload, race)| {
            let names = Names::of(results, workload);
            race.failed.iter().map(move |cell| {
                let contestant = format!("{} {}", name(&cell.workload), names.cell(cell));
                (contestant, view::failure(cell))
            })
        })
        .collect();
    if failed.is_empty() {
        return;
    }
    html.markup("<h3>Failures</h3><ul>");
    for (contestant, why) in failed {
        html.markup("<li><strong>")
            .name(&contestant)
            .markup("</strong> ");
        html.text(&remark(&why)).markup("</li>");
    }
    html.markup("</ul>");
}
