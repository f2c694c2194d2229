//! The changes since an earlier comparison that are beyond noise.

use super::html::Html;
use crate::render::baseline::{Change, Finding, changes, row, then};
use crate::render::number::plural;
use crate::render::view::{self, Names};
use crate::results::{Results, Workload};

/// A table of the cells that are faster or slower, and the numbers of the others.
pub(super) fn write(html: &mut Html, results: &Results, earlier: &Results) {
    let all: Vec<(&Workload, Vec<Change<'_>>)> = results
        .workloads
        .iter()
        .filter(|workload| same_inputs(workload, earlier))
        .map(|workload| (workload, changes(results, earlier, workload)))
        .collect();
    let told = |of: &[Finding]| {
        let changes = all.iter().flat_map(|(_, changes)| changes);
        changes
            .filter(|change| of.contains(&change.verdict))
            .count()
    };
    let compared: usize = all.iter().map(|(_, changes)| changes.len()).sum();
    html.markup("<section id=\"changes\"><h2>Since the earlier comparison</h2><p>");
    html.text(&format!(
        "Compared with {}: {}, {} slower, {} faster, {} the same, {} open.",
        then(earlier),
        plural(compared, "cell"),
        told(&[Finding::Slower]),
        told(&[Finding::Faster]),
        told(&[Finding::Same, Finding::Nearly]),
        told(&[Finding::Open, Finding::TooFew]),
    ));
    html.markup("</p>");
    for doubt in earlier.doubts() {
        html.element("<p class=\"alert mild\">", doubt, ".</p>");
    }
    for workload in &results.workloads {
        let was_there = earlier
            .workloads
            .iter()
            .any(|other| is_same_table(workload, other));
        if was_there && !same_inputs(workload, earlier) {
            html.markup("<p class=\"alert mild\">").name(&workload.name);
            html.markup(" had other inputs then, and is left out.</p>");
        }
    }
    if told(&[Finding::Slower, Finding::Faster]) > 0 {
        table(html, results, &all);
    }
    html.markup("</section>");
}

fn table(html: &mut Html, results: &Results, all: &[(&Workload, Vec<Change<'_>>)]) {
    let margin = results.settings.margin();
    html.markup("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Changes beyond noise\"><table class=\"race\" id=\"c\"><caption>Time now divided by time then, where the whole 95 % interval is beyond the margin. It allows for the spread of both runs, not for what changed on the machine between them.</caption><thead><tr><th scope=\"col\">workload</th><th scope=\"col\">model</th><th scope=\"col\" class=\"n\">then</th><th scope=\"col\" class=\"n\">now</th><th scope=\"col\" class=\"n\">ratio</th><th scope=\"col\" class=\"n\">interval</th><th scope=\"col\">change</th></tr></thead><tbody>");
    for (workload, changes) in all {
        let names = Names::of(results, workload);
        let beyond = changes
            .iter()
            .filter(|change| matches!(change.verdict, Finding::Slower | Finding::Faster));
        for change in beyond {
            let texts = row(change, &names, margin);
            html.markup("<tr><th scope=\"row\">")
                .name(&view::title(results, workload, " "));
            html.markup("</th><td class=\"l\">")
                .name(&names.cell(change.now))
                .markup("</td>");
            for text in &texts[1..3] {
                html.element("<td>", text, "</td>");
            }
            html.markup("<td data-v=\"").value(change.quotient.median);
            html.element("\">", &texts[3], "</td>");
            html.element("<td>", &texts[4], "</td>");
            html.markup(match change.verdict {
                Finding::Slower => "<td class=\"l\"><span class=\"bad\">▲ ",
                _ => "<td class=\"l\"><span class=\"good\">▼ ",
            });
            html.text(&texts[5]).markup("</span></td></tr>");
        }
    }
    html.markup("</tbody></table></div>");
}

fn is_same_table(workload: &Workload, other: &Workload) -> bool {
    other.name == workload.name && other.tasks == workload.tasks
}

fn same_inputs(workload: &Workload, earlier: &Results) -> bool {
    let mut others = earlier.workloads.iter();
    others.any(|other| is_same_table(workload, other) && other.digest == workload.digest)
}
