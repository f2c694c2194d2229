//! How the figures came about, and where every number is.

use super::beside::Beside;
use super::html::Html;
use super::timeline;
use crate::results::Results;

const METHOD: &str = "<section id=\"method\"><h2>Method</h2><p>Every model runs the same tasks on the same inputs, and every sample is checked against one digest; a wrong answer is an error and never a number. Runners stay alive and are sampled in rounds in a shuffled order, so that drift of the machine affects all alike, and are started afresh every few rounds, because a process keeps its luck of memory layout for life (<a href=\"https://doi.org/10.1145/2464157.2464160\">Kalibera and Jones 2013</a>). Ratios are taken within a round and bounded by 95 % intervals without assuming a distribution (<a href=\"https://doi.org/10.1145/2807591.2807644\">Hoefler and Belli 2015</a>); a verdict needs the whole interval on one side of the margin, and is open otherwise. Latencies of servers are counted from when a request was due, not from when it was sent, so that a stalled server cannot hide its delay (<a href=\"https://github.com/HdrHistogram/HdrHistogram\">coordinated omission</a>). Peaks come from one untimed sample in a fresh process. <code>docs/measuring.md</code> has the steps and their reasons, <code>docs/bias.md</code> what such a comparison cannot show.</p>";

pub(super) fn write(html: &mut Html, results: &Results, beside: &Beside) {
    html.markup(METHOD);
    if timeline::recorded(results).next().is_none() && !results.cells.is_empty() {
        html.markup("<p id=\"no-timeline\">No timeline of tasks over threads was recorded in these results; a comparison made with this version records one for each model.</p>");
    }
    beside.write(html);
    html.markup("</section>");
}
