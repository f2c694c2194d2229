//! The changes since an earlier comparison that are beyond noise.

use super::html::Html;
use crate::baseline::{Changes, Finding, Missing};
use crate::render::baseline::{cautions, counts, figures, then};
use crate::render::view::{self, Names};
use crate::results::Results;

/// A table of the cells that are faster or slower, and the numbers of the others.
pub(super) fn write(
    html: &mut Html,
    results: &Results,
    earlier: &Results,
    changes: &[Changes<'_>],
) {
    html.markup("<section id=\"changes\"><h2>Since the earlier comparison</h2><p>");
    html.text(&format!(
        "Compared with {}: {}.",
        then(earlier),
        counts(changes)
    ));
    html.markup("</p>");
    for caution in cautions(results, earlier, changes) {
        html.element("<p class=\"alert mild\">", &caution, "</p>");
    }
    for table in changes {
        if table.missing == Some(Missing::OtherInputs) {
            html.markup("<p class=\"alert mild\">")
                .name(&table.workload.name);
            html.markup(" had other inputs then, and is left out.</p>");
        }
    }
    let mut rows = changes.iter().flat_map(|table| &table.rows);
    if rows.any(|row| row.finding.is_clear()) {
        table(html, results, changes);
    }
    html.markup("</section>");
}

fn table(html: &mut Html, results: &Results, all: &[Changes<'_>]) {
    let margin = results.settings.margin();
    html.markup("<section class=\"scroll\" tabindex=\"0\" aria-label=\"Changes beyond noise\"><table class=\"race\" id=\"c\"><caption>Time now divided by time then, where the whole 95 % interval is beyond the margin. It allows for the spread of both runs, not for what changed on the machine between them.</caption><thead><tr><th scope=\"col\">workload</th><th scope=\"col\" class=\"l\">model</th><th scope=\"col\" class=\"n\">then</th><th scope=\"col\" class=\"n\">now</th><th scope=\"col\" class=\"n\">ratio</th><th scope=\"col\" class=\"n\">interval</th><th scope=\"col\" class=\"l\">change</th></tr></thead><tbody>");
    for table in all {
        let names = Names::of(results, table.workload);
        for change in table.rows.iter().filter(|row| row.finding.is_clear()) {
            let texts = figures(change, margin);
            html.markup("<tr><th scope=\"row\">")
                .name(&view::title(results, table.workload, " "));
            html.markup("</th><td class=\"l\">")
                .name(&names.cell(change.now))
                .markup("</td>");
            for text in &texts[..2] {
                html.element("<td>", text, "</td>");
            }
            html.markup("<td data-v=\"").value(change.two.ratio.median);
            html.element("\">", &texts[2], "</td>");
            html.element("<td>", &texts[3], "</td>");
            html.markup(match change.finding {
                Finding::Slower => "<td class=\"l\"><span class=\"bad\">▲ ",
                _ => "<td class=\"l\"><span class=\"good\">▼ ",
            });
            html.text(&texts[4]).markup("</span></td></tr>");
        }
    }
    html.markup("</tbody></table></section>");
}
