//! The screen, for advice that was made up.

use super::super::decide::decide;
use super::super::decide::tests::results;
use super::super::report::SCHEMA;
use super::*;
use crate::results::Verdict;
use crate::text::width;

fn advice(measured: &Results, cpu_ns: f64) -> Advice {
    let work = Work {
        sequential_ns: 40e6,
        cpu_ns,
        waiting_ns: 10e6,
        longest_ns: 5e6,
        is_scalable: true,
    };
    Advice {
        schema: SCHEMA,
        started: String::new(),
        job: "w.toml".to_owned(),
        workload: "w".to_owned(),
        tasks: 10,
        decision: decide(measured, Some(&work)),
        work: Some(work),
        bounds: Some(work.bounds(measured.environment.cpus)),
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

#[test]
fn advice_fits_on_a_screen() {
    let measured = results(&[
        ("thread-pool", 4, 1.0, Verdict::Best),
        ("tokio-tasks", 4, 1.02, Verdict::Fast),
        ("thread-pool", 8, 1.03, Verdict::Fast),
        ("sequential", 0, 4.0, Verdict::Slower),
    ]);
    let text = screen(&advice(&measured, 30e6), &measured);
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
    let text = screen(&advice(&measured, 80e6), &measured);
    assert!(
        text.contains("NO ADVICE") && !text.contains("TAKE"),
        "{text}"
    );
    assert!(!text.contains("flips"), "{text}");
}

#[test]
fn sequential_is_good_enough_is_said_first() {
    let measured = results(&[
        ("sequential", 0, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.5, Verdict::Slower),
    ]);
    let text = screen(&advice(&measured, 30e6), &measured);
    let answer = text.lines().find(|line| line.starts_with("TAKE"));
    let answer = answer.expect("an answer");
    assert!(answer.contains("sequential is good enough"), "{text}");
}

#[test]
fn open_answer_is_not_called_a_choice() {
    let measured = results(&[
        ("tokio-tasks", 4, 1.0, Verdict::Best),
        ("thread-pool", 4, 1.01, Verdict::Open),
        ("sequential", 0, 4.0, Verdict::Slower),
    ]);
    let text = screen(&advice(&measured, 30e6), &measured);
    let answer = "OPEN      between thread-pool and tokio-tasks: take the simpler, thread-pool";
    assert!(text.contains(answer), "{text}");
}
