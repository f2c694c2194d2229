//! Prints the table of regrets. `docs/regret.md` says how to call it and how to read it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use regret::advice::{Advice, ask, checkout};
use regret::arguments::{self, Asked, Table};
use regret::by_hand::{Model, Version, worker};
use regret::job::{NAMES, Real, named};
use regret::measure::{Times, measure, sensible};
use regret::record::record;
use regret::regret::{best, regret};
use regret::rules::{pool_size_formula, rule_of_thumb};
use regret::saved;
use regret::table::{self, Choice, Row, Settings};
use workload_stats::median;

/// How long the sequential version is recorded.
const RECORDED: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let done = match arguments::parse(std::env::args().skip(1), &NAMES) {
        Ok(Asked::Worker(name)) => worker(&name),
        Ok(Asked::Table(asked)) => all(&asked),
        Err(refusal) => {
            eprintln!("{refusal}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn all(asked: &Table) -> io::Result<()> {
    let settings = Settings {
        cpus: num_cpus::get(),
        rounds: asked.rounds,
        budget: asked.budget.clone(),
    };
    let folder = checkout().join("target/regret");
    let mut rows = Vec::new();
    for name in NAMES {
        if asked.jobs.is_empty() || asked.jobs.iter().any(|job| job == name) {
            let job = named(name).ok_or_else(|| io::Error::other(format!("no job {name}")))?;
            let folder = folder.join(name);
            rows.push(match asked.saved {
                true => saved::row(&folder)?,
                false => one(&job, &settings, &folder)?,
            });
        }
    }
    let text = table::text(&rows)?;
    print!("{text}");
    asked
        .into
        .as_deref()
        .map_or(Ok(()), |into| table::put(&text, into))
}

fn one(job: &Real, settings: &Settings, folder: &Path) -> io::Result<Row> {
    let (cpus, budget) = (settings.cpus, settings.budget.as_deref());
    fs::create_dir_all(folder)?;
    let trace = folder.join("trace.jsonl");
    eprintln!("{}: recorded for {} s", job.name, RECORDED.as_secs());
    let seen = record(job, &trace, RECORDED)?;
    eprintln!("{}: advice from the trace", job.name);
    let of_trace = ask(job, &trace, &folder.join("trace"), budget, cpus)?;
    eprintln!("{}: advice from the function", job.name);
    let crate_of_job = checkout()
        .join("crates/workload/regret/jobs")
        .join(job.name);
    let of_function = ask(job, &crate_of_job, &folder.join("function"), budget, cpus)?;

    let thumb = rule_of_thumb(job, &seen, cpus);
    let formula = pool_size_formula(&seen, cpus, job.tasks);
    let mut always = vec![thumb, formula];
    always.extend(of_trace.version);
    always.extend(of_function.version);
    let sequential = Version {
        model: Model::Sequential,
        workers: 0,
    };
    let times = measure(job, &sensible(job, cpus), &always, settings.rounds)?;
    let winner = best(&times).ok_or_else(|| io::Error::other("nothing was measured"))?;
    let ms = |version| {
        let times = times.get(&version).and_then(|times| median(times));
        times.unwrap_or(f64::NAN) * 1e3
    };
    let row = Row {
        job: job.name.to_owned(),
        settings: settings.clone(),
        best: (winner.to_string(), ms(winner)),
        speedup: ms(sequential) / ms(winner),
        choices: [
            advised(&times, of_function),
            advised(&times, of_trace),
            by_rule(&times, thumb),
            by_rule(&times, formula),
        ],
    };
    saved::keep(&row, &times, folder)?;
    Ok(row)
}

fn advised(times: &Times, advice: Advice) -> Choice {
    Choice {
        regret: advice.version.and_then(|version| regret(times, version)),
        words: advice.words,
    }
}

fn by_rule(times: &Times, version: Version) -> Choice {
    Choice {
        words: version.to_string(),
        regret: regret(times, version),
    }
}
