//! Lists with known answers.

use super::*;

fn hot(name: &str, tasks: u64, wall_ns: u64, cpu_ns: u64) -> Line {
    Line::Hot {
        name: name.to_owned(),
        tasks,
        wall_ns,
        cpu_ns,
    }
}

fn cold(name: &str, wall_ns: u64, cpu_ns: u64) -> Line {
    Line::Cold {
        name: name.to_owned(),
        wall_ns,
        cpu_ns,
    }
}

fn machine(cpus: usize) -> Machine {
    Machine {
        cpu: "c".to_owned(),
        cpus,
        os: "o".to_owned(),
    }
}

fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for n in 0..9 {
        lines.push(hot("call", 1_000, 2_000 + n, 2_000 + n));
        lines.push(cold("call", 40, 2_000));
        lines.push(hot("thread", 10, 400_000 + 10 * n, 900_000 + 10 * n));
        // Two modes: most on the same processor, some on another.
        lines.push(cold("thread", if n < 6 { 50_000 } else { 90_000 }, 62_000));
    }
    lines.push(Line::Memory {
        name: "thread".to_owned(),
        tasks: 200,
        bytes: 2_000_000,
    });
    lines
}

fn price<'a>(list: &'a PriceList, name: &str) -> &'a Price {
    list.prices.iter().find(|price| price.name == name).unwrap()
}

#[test]
fn prices_are_medians_per_task() {
    let list = judge(&lines(), machine(2), String::new());
    let thread = price(&list, "thread");
    let hot = thread.hot.unwrap();
    assert_eq!((hot.tasks, hot.readings), (10, 9));
    assert_eq!(hot.wall_ns.median, 40_004.0);
    assert_eq!(hot.cpu_ns.median, 90_004.0);
    assert_eq!(thread.memory_bytes, Some(10_000.0));
    let cold = thread.cold.unwrap();
    let quartiles = cold.wall_ns;
    assert_eq!(
        (quartiles.low, quartiles.median, quartiles.high),
        (50_000.0, 50_000.0, 90_000.0)
    );
    assert_eq!(cold.cpu_ns, 60_000.0, "less that of a reading");
    assert!(thread.error.is_none());
}

#[test]
fn break_even_follows_from_cpu_time_beyond_a_call() {
    let list = judge(&lines(), machine(2), String::new());
    let pays = price(&list, "thread").cannot_pay_below_ns.unwrap();
    assert_eq!(pays.median, 90_004.0 - 2.004);
    assert!(pays.low.unwrap() < pays.median && pays.median < pays.high.unwrap());
    assert_eq!(price(&list, "thread").batch_pays_from_ns, Some(100_000.0));
    assert_eq!(price(&list, "call").cannot_pay_below_ns, None);
    let alone = judge(&lines(), machine(1), String::new());
    let thread = price(&alone, "thread");
    assert_eq!(
        (thread.cannot_pay_below_ns, thread.nearly_free_from_ns),
        (None, None)
    );
}

#[test]
fn missing_readings_are_said() {
    let mut lines = lines();
    lines.push(Line::Failed {
        name: "queue-hop".to_owned(),
        why: "refused".to_owned(),
    });
    let list = judge(&lines, machine(2), String::new());
    assert_eq!(list.prices.len(), KNOWN.len());
    assert_eq!(price(&list, "queue-hop").error.as_deref(), Some("refused"));
    let silent = price(&list, "offload").error.as_deref().unwrap();
    assert!(silent.contains("did not report"), "{silent}");
}

#[test]
fn sizes_are_tried_on_both_sides() {
    let mut list = judge(&lines(), machine(2), String::new());
    let sizes = sizes_to_try(&list);
    let expected = [45_001, 90_002, 180_004, 360_008, 720_016, 1_440_032];
    let expected = expected.map(|size| ("thread".to_owned(), size));
    assert_eq!(sizes, expected);
    let paying = |size_ns, wall_ns, sequential_ns| Line::Paying {
        name: "thread".to_owned(),
        size_ns,
        wall_ns,
        sequential_ns,
    };
    add_trials(
        &mut list,
        &[
            paying(45_001, 20, 10),
            paying(180_004, 10, 15),
            paying(180_004, 10, 17),
        ],
    );
    let tried = &price(&list, "thread").tried;
    let speedups: Vec<f64> = tried.iter().map(|tried| tried.speedup.median).collect();
    assert_eq!(speedups, [0.5, 1.6]);
    let level = price(&list, "thread").pays_from_ns.unwrap();
    assert!((45_001.0..180_004.0).contains(&level), "{level}");
}

#[test]
fn sizes_that_no_program_takes_are_not_tried() {
    // A machine on which a process takes a tenth of a second.
    let lines = [
        hot("call", 1, 2, 2),
        hot("process-pool-job", 1, 100_000_000, 100_000_000),
        hot("child-process", 1, 20_000_000, 20_000_000),
    ];
    let sizes = sizes_to_try(&judge(&lines, machine(2), String::new()));
    let expected = [
        50_000_000,
        100_000_000,
        200_000_000,
        400_000_000,
        800_000_000,
    ];
    let expected = expected.map(|size| ("process-pool-job".to_owned(), size));
    assert_eq!(sizes, expected);
}
