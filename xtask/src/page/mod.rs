//! Results as one self-contained page.
//!
//! All of it is made from the results alone, by the queries that the text uses, so that page and
//! text say the same. Tables are tables and figures inline SVG: nothing needs the script.

mod answer;
mod axis;
mod beside;
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

use crate::baseline::compared;
use crate::render::footer::occasion;
use crate::render::race::Race;
use crate::render::view::Names;
use crate::results::Results;
pub use beside::Beside;
use html::Html;
use workload::Section;

/// The length that the page of a full comparison keeps to: its timelines are as fine as fits.
const MOST_BYTES: usize = 560_000;

/// The page of these results. With those of an earlier comparison, its samples are hollow marks
/// beside the new ones, and a table has the changes beyond noise. It links to the files that a
/// comparison writes beside it.
pub fn page(results: &Results, earlier: Option<&Results>) -> String {
    page_beside(results, earlier, &Beside::of_a_comparison())
}

/// The same page in another folder, beside these files.
pub fn page_beside(results: &Results, earlier: Option<&Results>, beside: &Beside) -> String {
    let races = Race::all(results);
    let changes = earlier.map(|earlier| compared(results, earlier));
    let sections: Vec<Section<'_>> = results
        .workloads
        .iter()
        .zip(&races)
        .enumerate()
        .map(|(place, (workload, race))| Section {
            results,
            changes: changes.as_ref().and_then(|changes| changes.get(place)),
            place,
            workload,
            race,
            names: Names::of(results, workload),
        })
        .collect();
    let mut head = Html::default();
    head.markup("<header class=\"top\"><p>");
    head.text(&occasion(results))
        .markup("</p></header>\n<main>\n");
    answer::write(&mut head, results, &races);
    machine::write(&mut head, results);
    if let Some((earlier, changes)) = earlier.zip(changes.as_ref()) {
        changes::write(&mut head, results, earlier, changes);
    }
    matrix::write(&mut head, results, &races);
    let mut tail = Html::default();
    sweep::write(&mut tail, results);
    spoils::write(&mut tail, results, &races);
    method::write(&mut tail, results, beside);

    let tables = sections.iter().map(|section| {
        let mut html = Html::default();
        section.write(&mut html);
        html
    });
    let tables: Vec<Html> = tables.collect();
    let length = head.len() + tail.len() + tables.iter().map(Html::len).sum::<usize>();
    let most = timeline::share(
        timeline::recorded(results),
        MOST_BYTES.saturating_sub(length),
    );
    let mut html = head;
    for (section, table) in sections.iter().zip(tables) {
        html.markup("\n").part(table);
        timeline::write(&mut html, section, most);
        html.markup("</section>");
    }
    html.part(tail).markup("</main>");
    document::document(results, html)
}
