//! A comparison as it could have been: two kinds of work, a tie, an error, a skipped model, a cell
//! with one sample, two numbers of workers, and an interruption.

use xtask::results::{Cell, Environment, Results, SCHEMA, Sample, Settings, Skipped, Workload};
use xtask::stats::summarise;

const MS: f64 = 1e6;

/// Times with a long tail around `typical`, the same on every run.
struct Times(u64);

impl Times {
    fn next(&mut self, typical: f64) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uniform = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        typical * (1.0 + 0.03 * uniform.powi(3) + 0.004 * uniform)
    }
}

struct Model {
    name: &'static str,
    workers: usize,
    ms: f64,
    cpu: f64,
    threads: u64,
    kib: u64,
    switches: u64,
}

fn cell(workload: &Workload, model: &Model, seed: u64) -> Cell {
    let mut times = Times(seed);
    let samples = (0..33).map(|at| {
        let slow = if at % 11 == 0 { 1.3 } else { 1.0 };
        let wall_ns = times.next(model.ms * MS * slow);
        Sample {
            wall_ns: wall_ns as u64,
            cpu_ns: (wall_ns * model.cpu) as u64,
            voluntary_switches: model.switches,
            involuntary_switches: at % 3,
            life: at as u32 / 11,
            round: at as u32,
            warm_up: at % 11 == 0,
            ..Sample::default()
        }
    });
    let (name, variant) = model.name.split_once('/').unwrap_or((model.name, ""));
    Cell {
        workload: workload.name.clone(),
        model: name.to_owned(),
        variant: variant.to_owned(),
        workers: model.workers,
        sized: false,
        tasks: workload.tasks,
        verified: true,
        setup_ns: 12_000,
        samples: samples.collect(),
        threads_peak: Some(model.threads),
        processes_peak: Some(1),
        rss_peak_bytes: Some(model.kib << 10),
        ..Cell::default()
    }
}

/// The comparison, summarised.
pub(crate) fn results() -> Results {
    let waits = Workload {
        name: "waits".into(),
        pattern: "map".into(),
        tasks: 200,
        digest: "0123456789abcdef".into(),
        about: "Nothing but waiting: most answers take 2 ms, every tenth takes 20 ms.".into(),
        items: vec![53, 60],
        seed: 0,
        rate: None,
        sessions: None,
        job: false,
        unrepeatable: false,
    };
    let gcd = Workload {
        name: "gcd".into(),
        pattern: "map".into(),
        tasks: 64,
        digest: "fedcba9876543210".into(),
        about: "Even CPU work: a greatest common divisor by brute force, a few milliseconds each."
            .into(),
        items: vec![53, 64],
        seed: 0,
        rate: None,
        sessions: None,
        job: false,
        unrepeatable: false,
    };
    let model = |name, workers, ms, cpu, threads, kib, switches| Model {
        name,
        workers,
        ms,
        cpu,
        threads,
        kib,
        switches,
    };
    let mut cells = Vec::new();
    for (seed, model) in (1..).zip([
        model("sequential", 1, 763.0, 0.004, 0, 0, 201),
        model("threads", 2, 382.0, 0.02, 2, 96, 260),
        model("threads/limited", 8, 97.4, 0.05, 8, 180, 430),
        model("thread-pool", 2, 381.0, 0.02, 2, 72, 233),
        model("tokio-tasks", 2, 21.7, 0.12, 2, 412, 61),
        model("tokio-tasks/current-thread", 2, 21.72, 0.08, 0, 236, 22),
        model("tokio-tasks/blocking-in-loop", 2, 383.0, 0.01, 2, 404, 240),
    ]) {
        cells.push(cell(&waits, &model, seed));
    }
    for (seed, model) in (11..).zip([
        model("sequential", 1, 207.0, 1.0, 0, 0, 1),
        model("threads", 2, 105.2, 1.98, 2, 92, 66),
        model("thread-pool", 2, 104.4, 1.99, 2, 64, 12),
        model("thread-pool", 8, 106.9, 1.99, 8, 240, 12_345),
        model("data-parallel", 2, 104.3, 1.99, 2, 1_300, 9),
        model("tokio-tasks", 2, 109.6, 1.97, 2, 402, 41),
    ]) {
        cells.push(cell(&gcd, &model, seed));
    }
    let wrong = &mut cells[8];
    wrong.verified = false;
    wrong.error = Some(
        "wrong answer: digest 00000000deadbeef instead of fedcba9876543210 in the sample of round \
         4, first at task 17"
            .into(),
    );
    let slow = &mut cells[0];
    slow.samples.truncate(1);
    slow.note = Some("31 more would take 23.7 s, and its share of the budget is 4.00 s".into());

    let mut results = Results {
        schema: SCHEMA,
        complete: false,
        environment: Environment {
            os: "Linux 6.1.0".into(),
            cpu: "AMD EPYC 7763 64-Core Processor".into(),
            cpus: 2,
            memory_bytes: 8 << 30,
            rustc: "rustc 1.95.0 (59807616e 2026-04-14)".into(),
            started: "2026-05-04T09:30:00Z".into(),
            iterations_per_us: 412,
            load_average: 0.31,
            versions: [("threads".to_owned(), "0.1.0".to_owned())].into(),
        },
        settings: Settings {
            command: "cargo xtask compare waits gcd --workers 2,8".into(),
            budget_ns: 60_000_000_000,
            smoke: false,
            seed: None,
            workers: vec![2, 8],
            ..Settings::default()
        },
        workloads: vec![waits, gcd],
        cells,
        skipped: vec![Skipped {
            workload: "gcd".into(),
            model: "process-pool".into(),
            variant: String::new(),
            reason: "its worker processes need Linux; on this system there is no pidfd to notice \
                     their death by"
                .into(),
            workers: 0,
            sized: false,
            tasks: 64,
            rate: None,
            at_least_ns: None,
            too_slow: false,
        }],
        warnings: vec![
            "thread-pool used 3.1 ms of CPU between its samples: its idle threads do not sleep"
                .into(),
        ],
    };
    summarise(&mut results);
    results
}
