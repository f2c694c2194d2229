//! The selection of tables and cells by the arguments.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use workload::definition::{self, Definition, DefinitionError, Pattern, requests};

use crate::cli::{CompareArgs, workers};
use crate::error::Error;
use crate::files;
use crate::suggest::did_you_mean;

/// The most tasks with `--smoke`.
const SMOKE_TASKS: usize = 40;

/// The longest time for which requests come with `--smoke`.
const SMOKE_SECONDS: f64 = 0.1;

/// The definition of each table, in order: every workload with every number of tasks.
///
/// # Errors
///
/// A usage error that names the workload, the file or the program that is wrong.
pub(super) fn tables(
    args: &CompareArgs,
    job: Option<Definition>,
) -> Result<Vec<Definition>, Error> {
    if job.is_some() {
        check_job_alone(args)?;
    }
    let mut chosen: Vec<Definition> = job.into_iter().collect();
    for name in &args.workloads {
        let known = definition::builtin(name).ok_or_else(|| {
            let names: Vec<&str> = definition::builtins().iter().map(|known| known.name.as_str()).collect();
            Error::Usage(format!(
                "there is no workload `{name}`; {}choose among {}, or name a file of your own with `--workload-file FILE`",
                did_you_mean(name, names.iter().copied()),
                names.join(", ")
            ))
        })?;
        if let Some(program) = known
            .programs()
            .into_iter()
            .find(|program| !is_program(program))
        {
            return Err(Error::Usage(format!(
                "the workload `{name}` runs `{program}`, which is not a program on PATH; install it or choose another workload"
            )));
        }
        chosen.push(known.clone());
    }
    for file in &args.workload_files {
        // The loader below reports a missing file, with all its other errors.
        if let Err(error) = files::refuse_special(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::Usage(format!(
                "{}: cannot read it: {error}; give the path of a workload file",
                file.display()
            )));
        }
        chosen.push(load(file).map_err(|error| Error::Usage(error.to_string()))?);
    }
    if chosen.is_empty() {
        chosen = definition::builtins().to_vec();
    }
    for (place, definition) in chosen.iter().enumerate() {
        if chosen[..place]
            .iter()
            .any(|other| other.name == definition.name)
        {
            return Err(Error::Usage(format!(
                "the workload `{0}` is named twice; name it once, or change `name` in one of the files",
                definition.name
            )));
        }
    }
    if !args.rate.is_empty()
        && let Some(other) = chosen.iter().find(|definition| !serves(definition))
    {
        return Err(Error::Usage(format!(
            "`--rate` is for workloads of the pattern serve, and `{}` is none; name those that are, such as `guess`",
            other.name
        )));
    }
    let chosen: Vec<Definition> = chosen
        .iter()
        .flat_map(|definition| at_rates(definition, &args.rate))
        .collect();
    let sizes = |definition: &Definition| -> Vec<usize> {
        let sizes = if args.tasks.is_empty() {
            vec![definition.tasks]
        } else {
            args.tasks.clone()
        };
        let most = if args.smoke { SMOKE_TASKS } else { usize::MAX };
        let mut seen = BTreeSet::new();
        sizes
            .into_iter()
            .map(|tasks| tasks.min(most))
            // Cut alike, two would be one table with every contestant in it twice.
            .filter(|tasks| seen.insert(*tasks))
            .collect()
    };
    let twins = |definition: Definition| -> Vec<Definition> {
        let twins = args.twins.iter();
        let twins = twins.map(|twin| twin.of(&definition)).collect::<Vec<_>>();
        match twins.is_empty() {
            true => vec![definition],
            false => twins,
        }
    };
    Ok(chosen
        .into_iter()
        .flat_map(twins)
        .collect::<Vec<_>>()
        .iter()
        .flat_map(|definition| {
            sizes(definition).into_iter().map(|tasks| Definition {
                tasks,
                seed: args.seed.unwrap_or(definition.seed),
                pattern: if args.smoke {
                    cut(definition.pattern)
                } else {
                    definition.pattern
                },
                ..definition.clone()
            })
        })
        .collect())
}

/// Refuses what a comparison of a job cannot have beside it: all its runners are one program, which
/// is built with the features of the job's dependencies.
fn check_job_alone(args: &CompareArgs) -> Result<(), Error> {
    let others = [
        (!args.workloads.is_empty(), "WORKLOAD"),
        (!args.workload_files.is_empty(), "--workload-file"),
        (!args.runners.is_empty(), "--runner"),
        (!args.rate.is_empty(), "--rate"),
    ];
    match others.into_iter().find(|(given, _)| *given) {
        None => Ok(()),
        Some((_, name)) => Err(Error::Usage(format!(
            "--job is compared by itself: leave {name} out, or compare it without --job"
        ))),
    }
}

/// The ending of the name of a recorded trace.
pub(crate) const TRACE: &str = "jsonl";

/// The workload in this file; of a trace, one that replays it.
///
/// # Errors
///
/// One line that names the file and the remedy.
pub(crate) fn load(file: &Path) -> Result<Definition, DefinitionError> {
    match file.extension().is_some_and(|ending| ending == TRACE) {
        true => definition::of_trace(file),
        false => definition::load_with_programs(file, is_program),
    }
}

/// As short as a smoke run wants it.
fn cut(pattern: Pattern) -> Pattern {
    match pattern {
        Pattern::Serve {
            sessions,
            rate,
            seconds,
            talk,
        } => Pattern::Serve {
            sessions,
            rate,
            seconds: seconds.min(SMOKE_SECONDS),
            talk,
        },
        other => other,
    }
}

fn serves(definition: &Definition) -> bool {
    matches!(definition.pattern, Pattern::Serve { .. })
}

/// The definition at each of these rates, with as many tasks as there are requests; as it is
/// without any.
fn at_rates(definition: &Definition, rates: &[f64]) -> Vec<Definition> {
    let Pattern::Serve {
        sessions,
        seconds,
        talk,
        ..
    } = definition.pattern
    else {
        return vec![definition.clone()];
    };
    if rates.is_empty() {
        return vec![definition.clone()];
    }
    let mut seen = BTreeSet::new();
    rates
        .iter()
        // Two of one rate would be one table with every contestant in it twice.
        .filter(|rate| seen.insert(rate.to_bits()))
        .map(|&rate| Definition {
            tasks: requests(rate, seconds).min(Definition::MAX_TASKS),
            pattern: Pattern::Serve {
                sessions,
                rate,
                seconds,
                talk,
            },
            ..definition.clone()
        })
        .collect()
}

/// Every program that a task starts must be there before anything starts.
fn is_program(name: &str) -> bool {
    which::which(name).is_ok()
}

/// The models that `--model` names, as (name, variant where one is named).
///
/// # Errors
///
/// A usage error for a model that is neither the project's nor added with `--runner`, and for a
/// `--runner` that takes the name of one of the project's.
pub(super) fn models<'a>(
    args: &'a CompareArgs,
    builtin: &[String],
) -> Result<Vec<(&'a str, Option<&'a str>)>, Error> {
    for (place, (name, command)) in args.runners.iter().enumerate() {
        if let Some(program) = command.first().filter(|program| !is_program(program)) {
            return Err(Error::Usage(format!(
                "--runner {name}=…: `{program}` is no program; name one that is on PATH, or its path from here"
            )));
        }
        if builtin.contains(name) {
            return Err(Error::Usage(format!(
                "--runner {name}=…: `{name}` is one of the project's own models; give the runner another name"
            )));
        }
        if args.runners[..place].iter().any(|(other, _)| other == name) {
            return Err(Error::Usage(format!(
                "--runner {name}=…: there are two of that name; rename one"
            )));
        }
    }
    args.models
        .iter()
        .map(|model| {
            let (name, variant) = match model.split_once('/') {
                Some((name, variant)) => (name, Some(variant)),
                None => (model.as_str(), None),
            };
            if is_model(name, args, builtin) {
                Ok((name, variant))
            } else {
                Err(Error::Usage(format!(
                    "--model {model}: {}",
                    no_model(name, args, builtin)
                )))
            }
        })
        .collect()
}

fn no_model(name: &str, args: &CompareArgs, builtin: &[String]) -> String {
    let added = args.runners.iter().map(|(name, _)| name.as_str());
    let known: Vec<&str> = builtin.iter().map(String::as_str).chain(added).collect();
    format!(
        "there is no model `{name}`; {}choose among {}",
        did_you_mean(name, known.iter().copied()),
        known.join(", ")
    )
}

/// Refuses `--workers` of a model that there is none of.
///
/// # Errors
///
/// A usage error that lists the models.
pub(super) fn check_workers(args: &CompareArgs, builtin: &[String]) -> Result<(), Error> {
    for model in workers::models(&args.workers) {
        if !is_model(model, args, builtin) {
            return Err(Error::Usage(format!(
                "--workers {model}=…: {}",
                no_model(model, args, builtin)
            )));
        }
    }
    Ok(())
}

fn is_model(name: &str, args: &CompareArgs, builtin: &[String]) -> bool {
    let mut added = args.runners.iter();
    builtin.iter().any(|known| known == name) || added.any(|(known, _)| known == name)
}

/// Refuses a `show` of a model that there is none of.
///
/// # Errors
///
/// A usage error that names the workload and lists the models.
pub(super) fn check_shown_models(
    args: &CompareArgs,
    definitions: &[Definition],
    builtin: &[String],
) -> Result<(), Error> {
    for definition in definitions {
        for shown in &definition.show {
            let name = shown
                .split_once('/')
                .map_or(shown.as_str(), |(name, _)| name);
            if !is_model(name, args, builtin) {
                return Err(Error::Usage(format!(
                    "the workload `{}` shows `{shown}`, but {}",
                    definition.name,
                    no_model(name, args, builtin)
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli::{self, Command, Parsed};

    #[test]
    fn numbers_of_tasks_that_a_smoke_run_makes_equal_are_one_table() {
        let line = ["xtask", "compare", "gcd", "--smoke", "--tasks=300,10,400"];
        let parsed = cli::parse(line.map(OsString::from)).unwrap();
        let Parsed::Command(Command::Compare(args)) = parsed else {
            panic!("{parsed:?}");
        };
        let tables = tables(&args, None).unwrap();
        let sizes: Vec<usize> = tables.iter().map(|table| table.tasks).collect();
        assert_eq!(sizes, [40, 10]);
    }

    #[test]
    fn a_smoke_run_and_rates_change_how_many_requests_there_are() {
        let tables = |more: &[&str]| {
            let line = ["xtask", "compare", "guess"].iter().chain(more);
            let parsed = cli::parse(line.map(OsString::from)).unwrap();
            let Parsed::Command(Command::Compare(args)) = parsed else {
                panic!("{parsed:?}");
            };
            tables(&args, None)
        };
        let pattern = |more: &[&str]| match tables(more).unwrap()[0].pattern {
            Pattern::Serve { rate, seconds, .. } => (rate, seconds),
            other => panic!("{other:?}"),
        };
        assert_eq!(pattern(&[]), (1000.0, 0.1));
        assert_eq!(pattern(&["--smoke"]), (1000.0, SMOKE_SECONDS));
        assert_eq!(pattern(&["--rate", "50"]), (50.0, 0.1));
        let swept = tables(&["--rate", "100,400,100"]).unwrap();
        let sizes: Vec<usize> = swept.iter().map(|table| table.tasks).collect();
        assert_eq!(sizes, [10, 40]);
        for more in ["--smoke", "--tasks=5"] {
            let swept = tables(&["--rate", "500,600", more]).unwrap();
            let of = |table: &Definition| match table.pattern {
                Pattern::Serve { rate, .. } => (table.tasks, rate),
                other => panic!("{other:?}"),
            };
            let [one, other] = &swept[..] else {
                panic!("{swept:?}");
            };
            assert_eq!(of(one).0, of(other).0, "{more}");
            assert_eq!((of(one).1, of(other).1), (500.0, 600.0), "a table each");
        }
        let error = tables(&["gcd", "--rate", "50"]).unwrap_err().to_string();
        assert!(
            error.contains("`gcd`") && error.contains("`guess`"),
            "{error}"
        );
    }
}
