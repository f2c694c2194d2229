//! The screen, for advice that was made up.

use super::super::decide::decide;
use super::super::decide::tests::results;
use super::super::report::SCHEMA;
use super::*;
use crate::results::Verdict;
use crate::text::width;

fn advice(measured: &Results, bounds: Bounds) -> Advice {
    Advice {
        schema: SCHEMA,
        started: String::new(),
        job: "w.toml".to_owned(),
        workload: "w".to_owned(),
        tasks: 10,
        decision: decide(measured, Some(&bounds)),
        work: Some(Work {
            sequential_ns: 40e6,
            cpu_ns: 30e6,
            waiting_ns: 10e6,
            longest_ns: 5e6,
            is_scalable: true,
        }),
        bounds: Some(bounds),
        flips: vec![
            Flip {
                what: "tasks half as long".to_owned(),
                verdict: Outcome::Take,
                takes: Some("threads".to_owned()),
                flips: Some(true),
                ratio: Some(1.25),
            },
            Flip {
                what: "tasks twice as long".to_owned(),
                verdict: Outcome::Take,
                takes: Some("thread-pool".to_owned()),
                flips: Some(false),
                ratio: Some(1.0),
            },
        ],
    }
}

fn bounds(least_ns: f64) -> Bounds {
    Bounds {
        cpus: 4,
        shared_cpu_ns: 7.5e6,
        longest_ns: 5e6,
        least_ns,
        most_speedup: 40e6 / least_ns,
        most_speedup_with_twice_the_cpus: 8.0,
    }
}

#[test]
fn advice_fits_on_a_screen() {
    let measured = results(&[
        ("thread-pool", 4, 1.0, Verdict::Best),
        ("tokio-tasks", 4, 1.02, Verdict::Fast),
        ("thread-pool", 8, 1.03, Verdict::Fast),
        ("sequential", 0, 4.0, Verdict::Slower),
    ]);
    let text = screen(&advice(&measured, bounds(7.5e6)), &measured);
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    assert!(text.lines().count() <= 24, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn disagreement_is_said_and_nothing_is_advised() {
    let measured = results(&[
        ("thread-pool", 4, 1.0, Verdict::Best),
        ("sequential", 0, 4.0, Verdict::Slower),
    ]);
    let text = screen(&advice(&measured, bounds(20e6)), &measured);
    assert!(
        text.contains("NO ADVICE") && !text.contains("TAKE"),
        "{text}"
    );
    assert!(!text.contains("flips"), "{text}");
}
