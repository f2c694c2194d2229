//! Figures in pages: each is near the command that prints it.

use super::markdown::pages;
use super::{files, none, read, root};

/// The units of a measured figure.
const UNITS: [&str; 7] = ["ns", "µs", "ms", "s", "KiB", "MiB", "GiB"];

/// A program that can print a figure.
const COMMANDS: [&str; 2] = ["cargo ", "python3 "];

/// A part of a page under one heading.
#[derive(Default)]
struct Section {
    level: usize,
    has_command: bool,
    /// The first row of a table with a figure.
    figure: Option<String>,
}

/// Whether a column of the table is headed by a unit, which is a word of a measured time or size.
fn heads_figures(row: &str, below: Option<&str>) -> bool {
    let is_head = below.is_some_and(|line| line.starts_with("|---"));
    let mut words = row.split([' ', ',', '|', '/']);
    is_head && words.any(|word| UNITS[..3].contains(&word) || UNITS[4..7].contains(&word))
}

/// Whether a cell of a row of a table is a number with a unit.
fn has_figure(row: &str) -> bool {
    row.trim().trim_matches('|').split('|').any(|cell| {
        let cell = cell.trim().trim_matches('*').trim();
        let Some((number, unit)) = cell.split_once(' ') else {
            return false;
        };
        let digits = |letter: char| letter.is_ascii_digit() || ",.–".contains(letter);
        !number.is_empty() && number.chars().all(digits) && UNITS.contains(&unit)
    })
}

fn sections(text: &str) -> Vec<Section> {
    let mut found = vec![Section::default()];
    let mut fenced = false;
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let below = lines.peek().map(|(_, line)| *line);
        fenced ^= line.trim_start().starts_with("```");
        let level = line.len() - line.trim_start_matches('#').len();
        if !fenced && level > 0 && line[level..].starts_with(' ') {
            found.push(Section {
                level,
                ..Section::default()
            });
        }
        let section = found.last_mut().expect("at least one");
        section.has_command |= COMMANDS.iter().any(|command| line.contains(command));
        let figures = has_figure(line) || heads_figures(line, below);
        if !fenced && line.starts_with('|') && figures {
            section
                .figure
                .get_or_insert_with(|| format!("{}: {line}", index + 1));
        }
    }
    found
}

/// A command counts for its own section, and for those below it.
#[test]
fn every_table_of_figures_is_near_its_command() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let sections = sections(&read(&page));
        for (index, section) in sections.iter().enumerate() {
            let Some(figure) = &section.figure else {
                continue;
            };
            seen += 1;
            let (mut level, mut named) = (section.level, section.has_command);
            for above in sections[..index].iter().rev() {
                if above.level < level {
                    level = above.level;
                    named |= above.has_command;
                }
            }
            if !named {
                wrong.push(format!("{}:{figure}", page.display()));
            }
        }
    }
    assert!(seen > 10, "{seen} tables with figures");
    none(wrong, "figures in a section that names no command");
}

/// Spliced figures can be renewed: the page says by which command.
#[test]
fn every_spliced_part_names_the_command_that_fills_it() {
    let mut wrong = Vec::new();
    for page in pages() {
        let text = read(&page);
        for line in text.lines().filter(|line| line.starts_with("<!-- begin: ")) {
            let marker = line
                .trim_start_matches("<!-- begin: ")
                .trim_end_matches(" -->");
            let flags: &[&str] = match marker {
                "measured" => &["--into", "--items"],
                "footprint" => &["cargo xtask footprint"],
                "prices" => &["cargo xtask prices"],
                _ => &["--into"],
            };
            if !flags.iter().any(|flag| text.contains(flag)) {
                wrong.push(format!("{}: {marker}", page.display()));
            }
            if !text.contains(&format!("<!-- end: {marker} -->")) {
                wrong.push(format!("{}: {marker} has no end", page.display()));
            }
        }
    }
    none(wrong, "spliced parts without their command");
}

#[test]
fn figures_are_numbers_with_a_unit() {
    for (row, expected) in [
        ("| a | 548 µs | |", true),
        ("| **b** | **1,024 ns** |", true),
        ("| 3 to 5 s | x |", false),
        ("| a second | 12 |", false),
    ] {
        assert_eq!(has_figure(row), expected, "{row}");
    }
}

/// The line of a page that says when its figures were measured. Absent without figures.
fn run_of(page: &str) -> Option<&str> {
    page.lines().find(|line| line.starts_with("run  "))
}

/// Both have figures of the same workloads, and a reader compares them.
#[test]
fn pages_of_items_show_the_run_of_the_measured_page() {
    let measured = read(&root().join("docs/measured.md"));
    let run = run_of(&measured).expect("a run in docs/measured.md");
    let (mut other, mut seen) = (Vec::new(), 0);
    for path in files(&root().join("docs/items"), "md") {
        seen += 1;
        let page = read(&path);
        let found = run_of(&page).unwrap_or("no run");
        if found != run {
            other.push(format!("{}: {found}", path.display()));
        }
    }
    assert!(seen >= 13, "{seen} pages");
    none(
        other,
        "not the run of docs/measured.md; fill both from one, by `cargo xtask report RESULTS.json \
         --details --into docs/measured.md --items docs/items`",
    );
}
