//! The table that ends a run: each step with its times.

use std::time::Duration;

use crate::test::{Counts, seconds};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Running,
    Passed,
    Failed,
}

/// A step in the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) title: String,
    pub(super) state: State,
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

/// Renders the table, a line with the sum, and the counts of all tests alone on the last line.
pub(super) fn text(rows: &[Row], counts: Counts, wall: Duration) -> String {
    let width = |row: &Row| row.title.chars().count();
    let width = rows.iter().map(width).max().unwrap_or(0);
    let mut text = format!(
        "\n    {:width$}          {:>9}  {:>9}\n",
        "step", "wall", "CPU"
    );
    for (number, row) in rows.iter().enumerate() {
        let word = match row.state {
            State::Passed => "passed",
            State::Failed => "FAILED",
            State::Waiting | State::Running => "not run",
        };
        text += &format!("{:3} {:width$}  {word:7}", number + 1, row.title);
        if matches!(row.state, State::Passed | State::Failed) {
            text += &format!(" {:>9}  {:>9}", seconds(row.wall), seconds(row.cpu));
        }
        text.push('\n');
    }
    let cpu: Duration = rows.iter().map(|row| row.cpu).sum();
    let passed = rows.iter().filter(|row| row.state == State::Passed).count();
    let how_many = if passed == rows.len() {
        format!("all {passed} steps passed")
    } else {
        format!("{passed} of {} steps passed", rows.len())
    };
    text += &format!(
        "\nci: {how_many} in {} ({} of CPU)\n\n{counts}\n",
        seconds(wall),
        seconds(cpu)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &str, state: State, wall: u64) -> Row {
        Row {
            title: title.to_string(),
            state,
            wall: Duration::from_secs(wall),
            cpu: Duration::from_secs(2 * wall),
        }
    }

    #[test]
    fn each_step_has_a_line_and_the_counts_stand_alone_on_the_last() {
        let rows = [
            row("format", State::Passed, 1),
            row("lints", State::Failed, 20),
            row("tests", State::Waiting, 0),
        ];
        let counts = Counts {
            passed: 7,
            failed: 1,
            skipped: 2,
        };
        let text = super::text(&rows, counts, Duration::from_secs(21));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "  1 format  passed      1.0 s      2.0 s");
        assert_eq!(lines[3], "  2 lints   FAILED     20.0 s     40.0 s");
        assert_eq!(lines[4], "  3 tests   not run");
        assert_eq!(
            lines[6],
            "ci: 1 of 3 steps passed in 21.0 s (42.0 s of CPU)"
        );
        assert_eq!(lines[8], "7 passed, 1 failed, 2 skipped");
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn a_run_without_a_fault_says_that_all_passed() {
        let rows = [row("format", State::Passed, 1)];
        let text = super::text(&rows, Counts::default(), Duration::from_secs(1));
        assert!(text.contains("ci: all 1 steps passed in 1.0 s"), "{text}");
    }
}
