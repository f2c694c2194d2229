//! The answer in words: which model for which kind of work.

use super::html::Html;
use crate::render::choice::by_kind;
use crate::render::footer::decided;
use crate::render::number::{percent, plural};
use crate::render::race::Race;
use crate::render::verdict::sentences;
use crate::render::view;
use crate::results::Results;

/// The most workloads named under one kind of work.
const MOST_TITLES: usize = 8;

pub(super) fn write(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    html.markup("<section id=\"answer\">");
    state(html, results, races);
    match (&results.workloads[..], races) {
        ([], _) => {
            html.markup("<h1>Nothing was measured</h1>");
        }
        ([workload], [race]) => {
            html.markup("<h1>")
                .name(&view::title_in_words(results, workload));
            let sentences = sentences(results, workload, race);
            let (first, rest) = sentences
                .split_first()
                .map_or(("", &[][..]), |(first, rest)| (first, rest));
            html.element(": ", first, "</h1>");
            html.element("<p class=\"lead\">", &rest.join(" "), "</p>");
        }
        _ => choices(html, results, races),
    }
    html.markup("<dl class=\"facts\">");
    for (head, text) in decided(results, races) {
        html.element("<dt>", head, "</dt>")
            .element("<dd>", &text, "</dd>");
    }
    html.markup("</dl>");
    let warnings = results.warnings.len();
    if warnings > 0 {
        html.markup("<p class=\"alert mild\"><a href=\"#spoiled\">");
        html.text(&plural(warnings, "warning"));
        html.markup("</a> about what may have spoiled figures of this run.</p>");
    }
    html.markup("</section>");
}

/// The cautions that come before any figure.
fn state(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    let failed: usize = races.iter().map(|race| race.failed.len()).sum();
    let mut said = Vec::new();
    if !results.complete {
        said.push("This comparison was interrupted: some cells are missing, and the rest has fewer samples than it should.".to_owned());
    }
    if results.settings.smoke {
        said.push("A smoke run: tasks were cut to at most 40 to see that everything runs. These are not figures to choose a model by.".to_owned());
    }
    if failed > 0 {
        let cells = plural(failed, "cell");
        said.push(format!("{cells} failed: the rows say why."));
    }
    for text in said {
        html.element("<p class=\"alert\">", &text, "</p>");
    }
}

fn choices(html: &mut Html, results: &Results, races: &[Race<'_>]) {
    let choices = by_kind(results, races);
    if choices.is_empty() {
        html.markup("<h1>Nothing to choose from</h1><p class=\"lead\">No workload has figures of two models.</p>");
        return;
    }
    html.markup("<h1>Which model for which work</h1><p class=\"lead\">For each kind of work, the simplest model of those within ");
    html.text(&percent(results.settings.margin()));
    html.markup(" of the best on all its workloads.</p><dl class=\"choices\">");
    for choice in choices {
        // The model, then how sure it is.
        let (model, rest) = choice.told.split_once(", ").unwrap_or((&choice.told, ""));
        html.element("<div><dt>", choice.kind.name(), "</dt><dd><strong>");
        html.text(model).markup("</strong>");
        if !rest.is_empty() {
            html.element("<em>", rest, "</em>");
        }
        html.markup("<span>");
        for (at, place) in choice.places.iter().take(MOST_TITLES).enumerate() {
            html.markup(if at > 0 {
                ", <a href=\"#w"
            } else {
                "<a href=\"#w"
            });
            html.count(place + 1).markup("\">");
            html.name(&view::title(results, &results.workloads[*place], " "))
                .markup("</a>");
        }
        if choice.places.len() > MOST_TITLES {
            let more = choice.places.len() - MOST_TITLES;
            html.text(&format!(", and {more} more"));
        }
        html.markup("</span></dd></div>");
    }
    html.markup("</dl>");
}
