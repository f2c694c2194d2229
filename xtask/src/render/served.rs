//! The columns of a table of servers: response times instead of total times.

use super::number::{bounds, bytes, count, duration, plural};
use super::view::{self, Names};
use crate::results::Cell;
use crate::stats::counted;

pub(crate) fn heads() -> Vec<String> {
    [
        "\nmodel",
        "\np50",
        "\np99",
        "95 %\ninterval",
        "to\nbest",
        "\nlongest",
        "CPU\ntime",
        "peak\nmemory",
        "peak\nthreads",
    ]
    .map(String::from)
    .into()
}

pub(crate) fn figures(cell: &Cell, names: &Names<'_>, to_best: String) -> Vec<String> {
    let absent = || "-".to_owned();
    let metric = |name: &str| view::metric(cell, name).map_or_else(absent, duration);
    let samples = counted(cell).len();
    let (p99, interval) = cell.response_ns.map_or((absent(), absent()), |response| {
        let interval =
            view::bounds(&response).map(|(low, high)| bounds(response.median, low, high));
        (
            duration(response.median),
            interval.unwrap_or_else(|| plural(samples, "sample")),
        )
    });
    vec![
        names.cell(cell),
        metric("response_p50_ns"),
        p99,
        interval,
        to_best,
        metric("response_max_ns"),
        view::typical(cell, |sample| sample.cpu_ns).map_or_else(absent, duration),
        cell.rss_peak_bytes.map_or_else(absent, bytes),
        cell.threads_peak
            .map_or_else(absent, |threads| count(threads as f64)),
    ]
}
