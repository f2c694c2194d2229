//! Mutated definitions lead to no panic, and errors of one line.

use workload::definition::parse;
use workload::value::Rng;

use crate::support::{assert_is_one_line, orders};

/// Deletes, copies and overwrites parts of a good file. Each result is read or refused in one line.
#[test]
fn no_mutation_of_a_good_file_panics() {
    let pieces = [
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        "\n",
        "\r",
        ".",
        "#",
        "-",
        "0",
        "9",
        "e",
        "nan",
        "inf",
        "é",
        "\u{0}",
        "\u{feff}",
        "[[step]]\n",
        "stage = 1\n",
        "\"\"\"",
        "'",
        "\\",
        "\\u2028",
        "ms",
        "KiB",
        "1979-05-27",
        "true",
        "99999999999",
        "\"pipeline\"",
        "\"serve\"",
        "[serve]\n",
        "kind = \"a\"\n",
        "weight = 1\n",
    ];
    let mut rng = Rng::new(56);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..4000 {
        let mut text: Vec<char> = orders().chars().collect();
        for _ in 0..=rng.below(3) {
            let at = rng.below(text.len() as u64) as usize;
            let to = (at + 1 + rng.below(12) as usize).min(text.len());
            let piece = pieces[rng.below(pieces.len() as u64) as usize];
            match rng.below(4) {
                0 => drop(text.drain(at..to)),
                1 => drop(text.splice(at..at, piece.chars())),
                2 => drop(text.splice(at..to, piece.chars())),
                _ => {
                    let copied = text[at..to].to_vec();
                    let into = rng.below(text.len() as u64) as usize;
                    drop(text.splice(into..into, copied));
                }
            }
        }
        let text: String = text.into_iter().collect();
        match parse(&text, "mutated.toml") {
            Ok(_) => accepted += 1,
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.starts_with("mutated.toml:") && error.contains("; "),
                    "{error}\n{text}"
                );
                assert_is_one_line(&error);
                refused += 1;
            }
        }
    }
    // Both must happen often, or the mutations test nothing.
    assert!(
        accepted > 200 && refused > 2000,
        "{accepted} accepted, {refused} refused"
    );
}
