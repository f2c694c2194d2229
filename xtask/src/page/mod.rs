//! Results as one self-contained page.
//!
//! All of it is made from the results alone, by the queries that the text uses, so that page and
//! text say the same. Tables are tables and figures inline SVG: nothing needs the script.

mod answer;
mod axis;
mod changes;
pub mod colour;
mod columns;
mod document;
mod html;
mod latency;
mod machine;
mod matrix;
mod method;
mod sha256;
mod spoils;
mod strip;
mod sweep;
mod timeline;
mod workload;

use crate::render::race::Race;
use crate::render::view::Names;
use crate::results::Results;
use html::Html;

/// The page of these results. With those of an earlier comparison, its samples are hollow marks
/// beside the new ones, and a table has the changes beyond noise.
pub fn page(results: &Results, earlier: Option<&Results>) -> String {
    let races = Race::all(results);
    let mut html = Html::default();
    html.markup("<header class=\"top\"><p>");
    html.text(&crate::render::footer::occasion(results));
    html.markup("</p></header>\n<main>\n");
    answer::write(&mut html, results, &races);
    machine::write(&mut html, results);
    if let Some(earlier) = earlier {
        changes::write(&mut html, results, earlier);
    }
    matrix::write(&mut html, results, &races);
    let grain = timeline::grain(results);
    for (place, (workload, race)) in results.workloads.iter().zip(&races).enumerate() {
        html.markup("\n");
        let names = Names::of(results, workload);
        let section = workload::Section {
            results,
            earlier,
            place,
            workload,
            race,
            names,
        };
        section.write(&mut html, grain);
    }
    sweep::write(&mut html, results);
    spoils::write(&mut html, results, &races);
    method::write(&mut html, results);
    html.markup("</main>");
    document::document(results, html)
}
