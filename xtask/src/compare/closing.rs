//! The end of a comparison: its answer, its files, its exit status.

use super::beside;
use super::output::Output;
use super::progress::{print_err, print_page};
use super::tables::Comparison;
use crate::baseline::{Gate, compared};
use crate::error::Error;
use crate::render;
use crate::results::Results;
use crate::trace_events::TraceFile;

impl Comparison<'_> {
    /// Writes the results for people and for tools, beside those for programs.
    /// Whether all of them are there.
    fn write_others(&mut self, baseline: Option<&Results>) -> bool {
        let written = beside::write(&self.args.output, &self.results, baseline);
        if let Err(error) = &written {
            self.fail(&error.to_string());
        }
        written.is_ok()
    }

    /// Whether a cell became slower than `--fail-on-slower` allows; says what was checked.
    fn is_slower(&self, baseline: Option<&Results>) -> bool {
        let Some((allowed, baseline)) = self.args.fail_on_slower.zip(baseline) else {
            return false;
        };
        let changes = compared(&self.results, baseline);
        let gate = Gate::of(&changes, allowed, self.results.settings.floor());
        for line in render::gate(&gate) {
            print_err(&format!("{line}\n"));
        }
        gate.fails()
    }

    /// Writes what was measured before an early end.
    pub(super) fn keep(&mut self, why: &Error, trace: Option<TraceFile>) {
        self.write();
        self.write_others(None);
        self.write_trace(trace);
        if matches!(why, Error::Interrupted) && !self.unwritten {
            print_err(&format!(
                "interrupted: what was measured so far is in {}\n",
                self.results_path.display()
            ));
        }
    }

    /// Prints the closing summary, and returns the exit status. The trace comes last: a fault of
    /// it takes neither the answer nor the results along.
    pub(super) fn close(mut self, baseline: Option<&Results>, trace: Option<TraceFile>) -> u8 {
        self.results.complete = true;
        print_page(|| match Output::of(self.args) {
            Output::Tables => render::closing(&self.results, baseline),
            Output::Answer => format!("\n{}", render::answer(&self.results, baseline)),
            Output::Smoke => render::smoke(&self.results),
            Output::Silent => String::new(),
        });
        self.write();
        let has_page = self.write_others(baseline);
        if self.unwritten {
            print_err("the results are not in a file: copy them from here\n");
        } else if !self.args.is_quiet {
            print_err(&format!("results: {}\n", self.results_path.display()));
            if has_page {
                let report = self.args.output.join("report.html");
                print_err(&format!("page: {}\n", report.display()));
            }
        }
        self.write_trace(trace);
        // Checked whatever else failed: its lines are what the user asked for.
        let is_slower = self.is_slower(baseline);
        let mut cells = self.results.cells.iter();
        let failed = self.failed || self.unwritten || cells.any(|cell| cell.error.is_some());
        u8::from(is_slower || failed)
    }
}
