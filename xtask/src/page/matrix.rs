//! The matrix: a row for each workload, a column for each model, as a heat map.

use super::colour;
use super::html::Html;
use super::workload::{shade, to_best};
use crate::render::marks;
use crate::render::matrix::{Entry, columns};
use crate::render::number::number;
use crate::render::race::Race;
use crate::render::view;
use crate::results::Results;

/// Nothing where there is nothing to compare.
pub(super) fn write(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    let models = columns(results);
    if results.workloads.is_empty() || models.is_empty() {
        return;
    }
    html.markup("<section id=\"matrix\"><h2>Every model on every workload</h2><section class=\"scroll\" tabindex=\"0\" aria-label=\"Every model on every workload\"><table class=\"matrix\" id=\"m\"><caption>Time divided by the best one's of the same round; servers by the p99 of their responses. The default variant of each model, the simplest first.</caption><thead><tr><th scope=\"col\">workload</th>");
    for model in &models {
        html.markup("<th scope=\"col\">")
            .name(model)
            .markup("</th>");
    }
    html.markup("</tr></thead><tbody>");
    for (place, (workload, race)) in results.workloads.iter().zip(races).enumerate() {
        html.markup("<tr><th scope=\"row\"><a href=\"#w")
            .count(place + 1)
            .markup("\">");
        html.name(&view::title(results, workload, " "))
            .markup("</a></th>");
        for model in &models {
            match Entry::of(results, workload, race, model) {
                Entry::Measured(row) => to_best(html, &row, race.is_winner(&row)),
                Entry::Failed => {
                    html.markup("<td class=\"b\"><span class=\"bad\">ERR</span></td>");
                }
                Entry::Skipped => {
                    html.markup(
                        "<td class=\"b\"><span class=\"no\" title=\"skipped\">–</span></td>",
                    );
                }
                Entry::Absent => {
                    html.markup(
                        "<td class=\"b\"><span class=\"no\" title=\"not compared\">·</span></td>",
                    );
                }
            }
        }
        html.markup("</tr>");
    }
    html.markup("</tbody></table></section>");
    legend(html, results, races);
    html.markup("</section>");
}

/// Shades with their factors, then the marks that occur.
fn legend(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    html.markup("<p class=\"legend\"><span class=\"key\">to best</span>");
    let bounds = colour::BOUNDS
        .iter()
        .map(|bound| (*bound, format!("≤ {}", number(*bound))));
    let last = colour::BOUNDS[colour::BOUNDS.len() - 1];
    let rest = (f64::INFINITY, format!("> {}", number(last)));
    for (factor, text) in bounds.chain([rest]) {
        html.markup("<span class=\"").markup(shade(Some(factor)));
        html.element("\">", &text, "</span>");
    }
    html.markup("</p><ul class=\"legend\">");
    for meaning in marks::meanings(results, races) {
        let mark = match meaning.mark {
            "=" => "<li><span class=\"h0 tie\">",
            "≈" => "<li><span class=\"h1 tie\">",
            "?" => "<li><span class=\"h3 open\">",
            _ => "<li><span class=\"h5\">",
        };
        html.element(mark, meaning.mark, "</span> ")
            .text(&meaning.long)
            .markup("</li>");
    }
    html.markup("<li><span class=\"no\">–</span> skipped</li><li><span class=\"no\">·</span> not compared</li></ul>");
}
