use std::ffi::OsString;
use std::time::Duration;

use workload::definition::{self, Pattern};
use workload::protocol::{Hello, PROTOCOL};

use super::*;
use crate::cli::{self, Command, Parsed};
use crate::compare::forecast::Needs;

fn args(more: &[&str]) -> CompareArgs {
    let line = ["xtask", "compare"].iter().chain(more);
    match cli::parse(line.map(OsString::from)).unwrap() {
        Parsed::Command(Command::Compare(args)) => *args,
        other => panic!("{other:?}"),
    }
}

fn variant(name: &str, concurrency: Concurrency) -> Variant {
    Variant {
        name: name.to_owned(),
        about: String::new(),
        concurrency,
        ignores_workers: !matches!(concurrency, Concurrency::Workers),
    }
}

fn contestant(name: &str, variants: &[Variant], declared: Declared) -> Contestant {
    Contestant {
        name: name.to_owned(),
        command: Vec::new(),
        hello: Ok(Hello {
            protocol: PROTOCOL,
            name: name.to_owned(),
            version: "1".to_owned(),
            variants: variants.to_vec(),
            can: Vec::new(),
            own_threads: 1,
            job: None,
        }),
        started_in: Duration::ZERO,
        declared,
    }
}

fn of_items(items: &[u8]) -> Definition {
    let text = format!(
        "name = \"w\"\npattern = \"map\"\ntasks = 100\nitems = {items:?}\nshow = [\"watch/shown\"]\n\
         [[step]]\nwait = \"1ms\"\n"
    );
    definition::parse(&text, "w").unwrap()
}

/// The demand of a hundred tasks that only wait, on two processors.
fn waits() -> Option<Asked> {
    let needs = Needs {
        tasks: 100,
        waiting: Duration::from_secs(10),
        programs: Duration::ZERO,
        longest: Duration::ZERO,
        cpu: Duration::ZERO,
    };
    Some(Asked::by(&needs, Pattern::Map, 100, num_cpus::get()))
}

fn numbers(more: &[&str], contestants: &[Contestant]) -> Vec<(String, usize, bool)> {
    let counts = Counts::of(&args(more));
    entries(contestants, &[], &of_items(&[60]), &counts, waits())
        .into_iter()
        .map(|entry| (entry.contestant.name.clone(), entry.workers, entry.sized))
        .collect()
}

#[test]
fn a_pool_is_measured_per_core_and_as_the_waits_ask() {
    let cores = num_cpus::get();
    let of = |most_workers, per_core: &[&str]| Declared {
        most_workers,
        per_core: per_core.iter().map(|name| (*name).to_owned()).collect(),
        ..Declared::default()
    };
    let pool = [variant("", Concurrency::Workers)];
    let field = [
        contestant("pool", &pool, of(None, &[])),
        contestant("processes", &pool, of(Some(cores * 4), &[])),
        contestant("loop", &pool, of(None, &[""])),
        contestant("tasks", &[variant("", Concurrency::Tasks)], of(None, &[])),
        contestant(
            "bounded",
            &[variant("", Concurrency::Limited(32))],
            of(None, &[]),
        ),
    ];
    let row = |name: &str, workers, sized| (name.to_owned(), workers, sized);
    assert_eq!(
        numbers(&[], &field),
        [
            row("pool", cores, false),
            row("pool", 100, true),
            row("processes", cores, false),
            row("processes", cores * 4, true),
            row("loop", cores, false),
            row("tasks", 0, false),
            row("bounded", 32, false),
        ]
    );
    assert_eq!(
        numbers(&["--workers", "3", "--workers", "pool=5,6"], &field),
        [
            row("pool", 5, false),
            row("pool", 6, false),
            row("processes", 3, false),
            row("loop", 3, false),
            row("tasks", 0, false),
            row("bounded", 32, false),
        ],
        "exactly those"
    );
    assert_eq!(
        numbers(&["--workers", "pool=7"], &field)[..3],
        [
            row("pool", 7, false),
            row("processes", cores, false),
            row("processes", cores * 4, true)
        ],
        "the others as without it"
    );
}

#[test]
fn numbers_for_a_model_without_workers_are_refused() {
    let field = [contestant(
        "tasks",
        &[variant("", Concurrency::Tasks)],
        Declared::default(),
    )];
    let counts = |flag| Counts::of(&args(&["--workers", flag]));
    let error = counts("tasks=4").check_use(&field).unwrap_err().to_string();
    assert!(error.contains("`tasks` takes no number"), "{error}");
    let error = counts("pool=4")
        .check_part(&["tasks"])
        .unwrap_err()
        .to_string();
    assert!(error.contains("`pool` does not take part"), "{error}");
    for flag in ["4", "tasks=4"] {
        assert!(counts(flag).check_part(&["tasks"]).is_ok(), "{flag}");
    }
    assert!(counts("4").check_use(&field).is_ok());
}

#[test]
fn a_model_with_a_purpose_stays_out_of_other_workloads() {
    let variants = [
        variant("", Concurrency::Tasks),
        variant("shown", Concurrency::Tasks),
    ];
    let declared = Declared {
        purpose_items: vec![63],
        ..Declared::default()
    };
    let field = [contestant("watch", &variants, declared.clone())];
    let of = |items: &[u8], models: &[(&str, Option<&str>)]| -> Vec<String> {
        let counts = Counts::of(&args(&[]));
        let definition = of_items(items);
        let entries = entries(&field, models, &definition, &counts, None).into_iter();
        entries.map(|entry| entry.variant.name).collect()
    };
    assert_eq!(of(&[62, 63], &[]), ["", "shown"]);
    assert_eq!(of(&[78], &[]), ["", "shown"], "the third edition's 63");
    assert_eq!(of(&[60], &[]), ["shown"], "the workload asks for it");
    assert_eq!(of(&[60], &[("watch", None)]), ["", "shown"]);

    let mut unshown = of_items(&[60]);
    unshown.show.clear();
    let part = |models: &[(&str, Option<&str>)], definition: &Definition| {
        takes_part("watch", &declared, models, std::slice::from_ref(definition))
    };
    assert!(!part(&[], &unshown), "so it is not built");
    assert!(part(&[], &of_items(&[60])) && part(&[("watch", None)], &unshown));
    assert!(!part(&[("pool", None)], &of_items(&[63])));
}

#[test]
fn model_with_a_price_per_task_is_left_out_of_many_tasks() {
    let declared = Declared {
        most_tasks: Some(2_000),
        ..Declared::default()
    };
    let field = [contestant(
        "child",
        &[variant("", Concurrency::Workers)],
        declared,
    )];
    let too_many = |models: &[(&str, Option<&str>)], tasks| {
        let counts = Counts::of(&args(&[]));
        let entries = entries(&field, models, &of_items(&[60]), &counts, None);
        entries[0].too_many(tasks)
    };
    assert_eq!(too_many(&[], 2_000), None);
    assert_eq!(too_many(&[("child", None)], 20_000), None);
    let reason = too_many(&[], 2_001).unwrap();
    assert!(
        reason.contains("2001 tasks") && reason.contains("`--model child`"),
        "{reason}"
    );
}

#[test]
fn process_per_task_is_left_out_where_it_makes_inputs() {
    let per_task = Declared {
        most_tasks: Some(2_000),
        ..Declared::default()
    };
    let child = contestant("child", &[variant("", Concurrency::Workers)], per_task);
    let pool = contestant(
        "pool",
        &[variant("", Concurrency::Workers)],
        Declared::default(),
    );
    let reason = |contestant: &Contestant, named: bool, inputs_ms: u64, tasks: usize| {
        let entry = Entry {
            contestant,
            variant: variant("", Concurrency::Workers),
            workers: 2,
            sized: false,
            named,
        };
        let rehearsal = Rehearsal {
            tasks: 100,
            wall: Duration::from_millis(100),
            inputs: Duration::from_millis(inputs_ms),
        };
        entry.remakes_inputs(&rehearsal, tasks)
    };
    let why = reason(&child, false, 45, 300).unwrap();
    assert!(
        why.contains("45.0 ms beside 1.000 ms") && why.contains("--model child"),
        "{why}"
    );
    assert_eq!(reason(&child, true, 45, 300), None, "it is named");
    assert_eq!(reason(&child, false, 45, 10), None, "half a second");
    assert_eq!(reason(&child, false, 5, 300), None, "five times a task");
    assert_eq!(
        reason(&pool, false, 45, 300),
        None,
        "its workers make them once"
    );
}
