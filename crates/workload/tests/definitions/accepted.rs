//! Valid definitions and their meaning.

use workload::definition::{Action, Definition, Distribution, Pattern, Scale, Step, Talk};

use crate::support::{every_task, good, orders, pipeline, with};

#[test]
fn whole_grammar_is_read() {
    let accepted = Step {
        kind: Some("accepted".to_owned()),
        weight: 3.0,
        ..every_task(Action::Wait(Distribution::Fixed(2e6)))
    };
    let refused = Step {
        kind: Some("refused".to_owned()),
        ..every_task(Action::Compute(Distribution::Fixed(1e6)))
    };
    let expected = Definition {
        name: "orders".to_owned(),
        about: "One request of an order service: a query, some work, a write.".to_owned(),
        pattern: Pattern::Map,
        tasks: 200,
        seed: 7,
        items: vec![60],
        show: vec!["threads/limited".to_owned()],
        steps: vec![
            every_task(Action::Wait(Distribution::Fixed(3e6))),
            every_task(Action::Compute(Distribution::Lognormal {
                median: 400e3,
                sigma: 0.5,
            })),
            every_task(Action::Wait(Distribution::Uniform {
                low: 1e6,
                high: 5e6,
            })),
            every_task(Action::Fetch {
                bytes: Distribution::Fixed(16384.0),
                delay: Some(Distribution::Choice(vec![(1e6, 0.9), (50e6, 0.1)])),
            }),
            every_task(Action::Read(Distribution::Exponential { mean: 65536.0 })),
            every_task(Action::Exec {
                command: vec!["sha256sum".to_owned()],
                timeout: Some(Distribution::Fixed(5e9)),
            }),
            every_task(Action::Kernel("gcd".to_owned())),
            accepted,
            refused,
        ],
        replay: None,
        scale: Scale::ONE,
    };
    assert_eq!(good(orders()), expected);
}

#[test]
fn omitted_keys_have_defaults() {
    let definition = good(&with("", "wait = \"1ms\""));
    assert_eq!((definition.seed, definition.about.as_str()), (0, ""));
    assert!(definition.items.is_empty() && definition.show.is_empty());

    let of = |pattern: &str| {
        good(&with("", "wait = \"1ms\"").replace("\"map\"", &format!("\"{pattern}\""))).pattern
    };
    assert_eq!(of("fold"), Pattern::Fold);
    assert_eq!(of("rounds"), Pattern::Rounds { generations: 10 });
    assert_eq!(of("pipeline"), Pattern::Pipeline { buffer: 16 });
    assert_eq!(
        of("serve"),
        Pattern::Serve {
            sessions: 100,
            rate: 1000.0,
            seconds: 1.0,
            talk: Talk::Tasks,
        }
    );
}

#[test]
fn log_grows_at_once_or_over_time() {
    let of = |step: &str| good(&with("", step)).steps;
    let bytes = Distribution::Fixed(1024.0);
    let tail = |over| {
        vec![every_task(Action::Tail {
            bytes: bytes.clone(),
            over,
        })]
    };
    assert_eq!(of("tail = \"1KiB\""), tail(None));
    assert_eq!(
        of("tail = \"1KiB\"\nover = \"5ms\""),
        tail(Some(Distribution::Fixed(5e6)))
    );
    let merge = with("", "tail = \"1KiB\"").replace("\"map\"", "\"merge\"");
    assert_eq!(good(&merge).pattern, Pattern::Merge);
}

#[test]
fn patterns_have_their_own_settings() {
    let of = |pattern: &str, table: &str| {
        let text = with("", "wait = \"1ms\"").replace("\"map\"", &format!("\"{pattern}\""));
        good(&format!("{text}[{pattern}]\n{table}\n")).pattern
    };
    assert_eq!(
        of("rounds", "generations = 3"),
        Pattern::Rounds { generations: 3 }
    );
    assert_eq!(of("fold", ""), Pattern::Fold);
    assert_eq!(of("fold", "keys = 64"), Pattern::Histogram { keys: 64 });
    assert_eq!(
        of("pipeline", "buffer = 1"),
        Pattern::Pipeline { buffer: 1 }
    );
    assert_eq!(
        of("serve", "sessions = 7\nrate = 0.5\nseconds = 4"),
        Pattern::Serve {
            sessions: 7,
            rate: 0.5,
            seconds: 4.0,
            talk: Talk::Tasks,
        }
    );
    assert!(matches!(
        of("serve", "talk = \"guess\""),
        Pattern::Serve {
            talk: Talk::Guess,
            ..
        }
    ));
}

#[test]
fn numbers_may_be_written_in_any_way_of_toml() {
    for (written, tasks) in [
        ("1", 1),
        ("10_000_000", 10_000_000),
        ("0xff", 255),
        ("+12", 12),
        ("0b11", 3),
    ] {
        let text = with("", "wait = \"1ms\"").replace("tasks = 5", &format!("tasks = {written}"));
        assert_eq!(good(&text).tasks, tasks, "{written}");
    }
}

#[test]
fn steps_may_be_inline_tables() {
    let text = "name = \"n\"\npattern = \"map\"\ntasks = 1\nstep = [{ wait = \"1ms\" }, { read = \"1B\" }]\n";
    assert_eq!(good(text).steps.len(), 2);
}

#[test]
fn carriage_returns_and_a_byte_order_mark_are_read() {
    assert_eq!(good(&orders().replace('\n', "\r\n")), good(orders()));
    assert_eq!(good(&format!("\u{feff}{}", orders())), good(orders()));
}

#[test]
fn edges_of_distributions_are_accepted() {
    for step in [
        "wait = \"0s\"",
        "wait = \"3600s\"",
        "read = \"1024MiB\"",
        "wait = { uniform = [\"1ms\", \"1ms\"] }",
        "wait = { lognormal = [\"1ms\", 0] }",
        "wait = { choice = [[\"1ms\", 1]] }",
        "wait = { choice = [[\"1ms\", 0.3333333], [\"2ms\", 0.3333333], [\"3ms\", 0.3333333]] }",
        "wait = { choice = [[\"1ms\", 0.0], [\"2ms\", 1.0]] }",
    ] {
        good(&with("", step));
    }
}

#[test]
fn weight_of_a_kind_may_be_on_any_of_its_steps() {
    let text = with(
        "",
        "wait = \"1ms\"\nkind = \"a\"\n[[step]]\nwait = \"1ms\"\nkind = \"a\"\nweight = 2.5",
    ) + "[[step]]\nwait = \"1ms\"\nkind = \"b\"\n[[step]]\nwait = \"1ms\"\n";
    let weights: Vec<f64> = good(&text).steps.iter().map(|step| step.weight).collect();
    assert_eq!(weights, [2.5, 2.5, 1.0, 1.0]);
}

#[test]
fn every_step_of_a_pipeline_gets_its_stage() {
    let stages = |steps: &[&str]| -> Vec<usize> {
        let wait = |step: &&str| format!("wait = \"1ms\"\n{step}");
        let steps: Vec<String> = steps.iter().map(wait).collect();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        good(&pipeline(&steps))
            .steps
            .iter()
            .map(|step| step.stage.expect("a pipeline's step has a stage"))
            .collect()
    };
    assert_eq!(
        stages(&["", "", ""]),
        [0, 1, 2],
        "left out everywhere: one each"
    );
    assert_eq!(
        stages(&["stage = 0", "", "stage = 1", ""]),
        [0, 0, 1, 1],
        "left out: as the step before"
    );
    assert_eq!(
        stages(&["stage = 1", "stage = 2", "stage = 9"]),
        [0, 1, 2],
        "no stage without a step"
    );
    let (a, b) = ("kind = \"a\"", "kind = \"b\"");
    assert_eq!(
        stages(&[a, a, b, b, ""]),
        [0, 1, 0, 1, 2],
        "counted within the task"
    );
    let (a0, a1) = ("kind = \"a\"\nstage = 0", "kind = \"a\"\nstage = 1");
    let (b0, b1) = ("kind = \"b\"\nstage = 0", "kind = \"b\"\nstage = 1");
    assert_eq!(
        stages(&[a0, a1, b0, b1]),
        [0, 1, 0, 1],
        "the order counts within a task only"
    );
}
