//! The answer of a calibration, within 80 columns.

use std::fmt::Write as _;

use crate::calibration::{Calibration, ENOUGH_TRIALS, Kind, Trials};
use crate::text::{clean, cut};

/// Columns of the answer.
const WIDTH: usize = 80;

/// The findings, as text.
pub(super) fn answer(calibration: &Calibration) -> String {
    let machine = &calibration.machine;
    let mut out = String::new();
    let head = format!(
        "Calibration of {}: {}, {} processors, {}",
        clean(&calibration.started),
        clean(&machine.cpu),
        machine.cpus,
        clean(&machine.os)
    );
    let _ = writeln!(out, "{}", cut(&head, WIDTH));
    equal(&mut out, calibration);
    planted(&mut out, calibration);
    out.push_str(&closing(calibration));
    out
}

fn equal(out: &mut String, calibration: &Calibration) {
    out.push_str("\nequal contestants             trials  not equal  beyond floor  within\n");
    row(out, "the same program twice", &calibration.same);
    match (&calibration.relinked, &calibration.not_relinked) {
        (Some(trials), _) => row(out, "linked in another order", trials),
        (None, Some(why)) => {
            let line = format!("no relinking here: {}", clean(why));
            let _ = writeln!(out, "{}", cut(&line, WIDTH));
        }
        (None, None) => {}
    }
}

fn row(out: &mut String, name: &str, trials: &Trials) {
    let _ = writeln!(
        out,
        "{name:<30}{:>6}{:>11}{:>14}{:>8}",
        trials.trials,
        share(trials.excluded_one, trials.trials),
        share(trials.different, trials.trials),
        percent(trials.spread)
    );
}

fn planted(out: &mut String, calibration: &Calibration) {
    let mut line = format!("\n{:<30}{:>6}", "differences found after", "trials");
    for rounds in &calibration.rounds {
        let _ = write!(line, "{:>11}", format!("{rounds} rounds"));
    }
    let _ = writeln!(out, "{line}");
    for kind in &calibration.kinds {
        for planted in &kind.planted {
            let name = format!("{}, {:.0} %", kind.name, planted.difference * 100.0);
            let mut line = format!("{name:<30}{:>6}", planted.trials);
            for found in &planted.found {
                let _ = write!(line, "{:>11}", share(*found, planted.trials));
            }
            let _ = writeln!(out, "{line}");
        }
    }
}

fn closing(calibration: &Calibration) -> String {
    let mut out = String::from("\n");
    let last = calibration.rounds.last().copied().unwrap_or(0);
    let resolves = |kind: &Kind| format!("{} {}", kind.name, percent(kind.resolves));
    let all: Vec<String> = calibration.kinds.iter().map(resolves).collect();
    let _ = writeln!(out, "found in 90 % of the trials after {last} rounds:");
    let _ = writeln!(out, "  {}", all.join(", "));
    match calibration.rounds_for_3_percent {
        Some(rounds) => {
            let _ = writeln!(
                out,
                "3 % on CPU work are found in 90 % of the trials after {rounds} rounds."
            );
        }
        None => {
            let _ = writeln!(
                out,
                "3 % on CPU work are not found in 90 % of the trials after {last} rounds."
            );
        }
    }
    let relinked = calibration.relinked.map_or(0, |trials| trials.trials);
    let few = [
        ("the same program twice", calibration.same.trials),
        ("linked in another order", relinked),
    ];
    for (what, trials) in few {
        if trials < ENOUGH_TRIALS {
            let _ = writeln!(
                out,
                "{what}: {trials} trials fit; a rate of 5 % takes {ENOUGH_TRIALS}."
            );
        }
    }
    let _ = writeln!(
        out,
        "This machine resolves {}: `compare` calls nothing slower below that.",
        percent(calibration.floor)
    );
    out
}

/// A difference in per cent.
pub(super) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn share(count: u32, of: u32) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    percent(f64::from(count) / f64::from(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::{Machine, Planted};

    fn calibration() -> Calibration {
        let planted = |difference| Planted {
            difference,
            trials: 40,
            found: vec![10, 20, 40],
        };
        let kind = |name: &str| Kind {
            name: name.into(),
            resolves: 0.0123,
            planted: [0.01, 0.03, 0.1].map(planted).to_vec(),
        };
        Calibration {
            started: "2026-01-02T03:04:05Z".into(),
            machine: Machine {
                cpu: "A processor with a long name that goes on and on".into(),
                cpus: 2,
                os: "Linux 6.1.0 x86_64".into(),
            },
            floor: 0.016,
            rounds: vec![12, 21, 36],
            rounds_for_3_percent: Some(12),
            same: Trials {
                trials: 120,
                excluded_one: 6,
                different: 0,
                spread: 0.008,
            },
            relinked: Some(Trials {
                trials: 60,
                ..Trials::default()
            }),
            kinds: ["CPU work", "hand-over", "waits"].map(kind).to_vec(),
            ..Calibration::default()
        }
    }

    #[test]
    fn the_answer_has_the_rates_the_power_and_the_floor() {
        let text = answer(&calibration());
        for part in [
            "the same program twice           120      5.0 %         0.0 %   0.8 %",
            "CPU work, 3 %                     40     25.0 %     50.0 %    100.0 %",
            "after 12 rounds",
            "This machine resolves 1.6 %",
            "linked in another order: 60 trials fit; a rate of 5 % takes 100.",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("twice: 120"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_80_columns() {
        let mut odd = calibration();
        odd.relinked = None;
        odd.not_relinked = Some("the linker said \u{1b}[31m no\nand more ".repeat(9));
        odd.rounds_for_3_percent = None;
        for text in [answer(&odd), answer(&calibration())] {
            for line in text.lines() {
                assert!(crate::text::width(line) <= WIDTH, "{line}");
            }
            assert!(!text.contains('\u{1b}'));
        }
        assert!(answer(&odd).contains("no relinking here: the linker said"));
    }

    #[test]
    fn a_calibration_without_trials_is_no_panic() {
        let text = answer(&Calibration::default());
        assert!(text.contains("0 trials fit"), "{text}");
    }
}
