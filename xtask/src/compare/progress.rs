//! The progress line on standard error.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::schedule::Moment;
use crate::terminal::Terminal;
use crate::text::{self, clean_lines};

/// Steps of the bar for each table.
const STEPS: u64 = 1000;

/// A bar on a terminal, a line per table elsewhere.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    table: Cell<u64>,
    /// The name of the table, and its budget.
    now: RefCell<(String, Duration)>,
}

impl Progress {
    /// For that many tables.
    pub(super) fn new(tables: usize) -> Progress {
        let bar = ProgressBar::new(tables as u64 * STEPS);
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {elapsed:>4} {wide_msg}") {
            let is_unicode = Terminal::of(&std::io::stderr()).is_unicode();
            bar.set_style(match is_unicode {
                true => style,
                false => style.progress_chars("#>-"),
            });
        }
        // Nothing draws between two samples: a bar that ticked by itself would be a thread beside
        // them.
        Progress {
            bar,
            table: Cell::new(0),
            now: RefCell::default(),
        }
    }

    /// A table is prepared.
    pub(super) fn prepare(&self, name: &str) {
        self.now.replace((name.to_owned(), Duration::ZERO));
    }

    /// A table begins, of that many cells, with that much time for more than their first samples.
    pub(super) fn table(&self, name: &str, cells: usize, budget: Duration) {
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{name}: {cells} cells"));
        } else {
            print_err(&format!(
                "{name}: {cells} cells, about {:.0} s after their first samples\n",
                budget.as_secs_f64()
            ));
        }
        self.now.replace((name.to_owned(), budget));
    }

    /// A sample begins, that long after its table.
    pub(super) fn sampling(&self, contestant: &str, at: Moment, since: Duration) {
        let (name, budget) = &*self.now.borrow();
        let share = (since.as_secs_f64() / budget.as_secs_f64().max(1e-3)).min(1.0);
        self.bar
            .set_position(self.table.get() * STEPS + (share * STEPS as f64) as u64);
        let what = if at.round == 0 {
            "verifying".to_owned()
        } else {
            format!("round {}", at.round)
        };
        self.bar
            .set_message(format!("{name}: {what}, {}", text::name(contestant)));
    }

    /// The current activity, in a few words.
    pub(super) fn say(&self, what: &str) {
        self.bar
            .set_message(format!("{}: {what}", self.now.borrow().0));
    }

    /// A line that stays, on standard error.
    pub(super) fn note(&self, line: &str) {
        self.bar.suspend(|| print_err(&format!("{line}\n")));
    }

    /// A table is done: prints it on standard output.
    pub(super) fn print(&self, table: impl FnOnce() -> String) {
        self.table.set(self.table.get() + 1);
        self.bar.set_position(self.table.get() * STEPS);
        self.bar.suspend(|| print_page(table));
    }

    /// The end.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints on standard output; a reader that went away, as `head` does, is no reason to stop
/// measuring.
pub(crate) fn print_out(text: &str) {
    let out = std::io::stdout();
    let text = Terminal::of(&out).letters(text.to_owned());
    print(&text, out.lock());
}

/// Renders for standard output, in its width and colours, and prints that.
pub(super) fn print_page(render: impl FnOnce() -> String) {
    let out = std::io::stdout();
    let terminal = Terminal::of(&out);
    print(&terminal.letters(terminal.set(render)), out.lock());
}

/// Prints on standard error, cleaned: it may contain text from a contestant.
pub(crate) fn print_err(text: &str) {
    let err = std::io::stderr();
    let text = Terminal::of(&err).message(&clean_lines(text));
    print(&text, err.lock());
}

fn print(text: &str, mut to: impl Write) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}
