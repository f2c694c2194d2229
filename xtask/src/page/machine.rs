//! The machine and the command.

use super::html::Html;
use crate::render::footer::facts;
use crate::results::Results;

pub(super) fn write(html: &mut Html, results: &Results) {
    html.markup("<section id=\"machine\"><h2>Machine and command</h2><dl class=\"facts\">");
    for (head, text) in facts(results) {
        html.element("<dt>", head, "</dt>");
        match head {
            "command" => html.element("<dd><code>", &text, "</code></dd>"),
            _ => html.element("<dd>", &text, "</dd>"),
        };
    }
    html.markup("</dl></section>");
}
