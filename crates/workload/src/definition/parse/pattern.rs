//! The pattern of a workload, and its table of settings.

use super::super::limits::{
    LARGEST_BUFFER, LONGEST_SECONDS, MOST_GENERATIONS, MOST_KEYS, MOST_SESSIONS,
};
use super::super::types::{Definition, Pattern, Talk};
use super::error::DefinitionError;
use super::nearest::use_one_of;
use super::table::Table;

const PATTERNS: [&str; 6] = ["map", "rounds", "pipeline", "fold", "merge", "serve"];

/// The patterns with a table of settings, which has the name of the pattern.
const WITH_TABLE: [&str; 4] = ["rounds", "pipeline", "fold", "serve"];

pub(super) fn pattern(root: &Table<'_>) -> Result<Pattern, DefinitionError> {
    let entry = root.require("pattern", "pattern = \"map\"")?;
    let name = entry.text(&use_one_of("", &PATTERNS))?;
    for owner in WITH_TABLE {
        if owner != name
            && PATTERNS.contains(&name)
            && let Some(table) = root.get(owner)
        {
            return Err(table.misplaced(
                format!("`{owner}` is not allowed with pattern = \"{name}\""),
                format!("remove it, or write pattern = \"{owner}\""),
            ));
        }
    }
    match name {
        "map" => Ok(Pattern::Map),
        "fold" => {
            let table = settings(root, name, &["keys"])?;
            let keys = table.as_ref().and_then(|table| table.get("keys"));
            keys.map_or(Ok(Pattern::Fold), |entry| {
                let keys = entry.whole(1..=MOST_KEYS)? as usize;
                Ok(Pattern::Histogram { keys })
            })
        }
        "merge" => Ok(Pattern::Merge),
        "rounds" => {
            let table = settings(root, name, &["generations"])?;
            let generations = whole_or(table.as_ref(), "generations", MOST_GENERATIONS, 10)?;
            Ok(Pattern::Rounds {
                generations: generations as u32,
            })
        }
        "pipeline" => {
            let table = settings(root, name, &["buffer"])?;
            Ok(Pattern::Pipeline {
                buffer: whole_or(table.as_ref(), "buffer", LARGEST_BUFFER, 16)? as usize,
            })
        }
        "serve" => serve(settings(root, name, &["sessions", "rate", "seconds", "talk"])?.as_ref()),
        _ => Err(entry.wrong(use_one_of(name, &PATTERNS))),
    }
}

/// The table of the pattern's settings, if present, after a check of its keys.
fn settings<'a>(
    root: &Table<'a>,
    name: &str,
    keys: &[&str],
) -> Result<Option<Table<'a>>, DefinitionError> {
    let Some(entry) = root.get(name) else {
        return Ok(None);
    };
    let table = entry.table(&format!(
        "write a table [{name}] with any of {}",
        keys.join(", ")
    ))?;
    table.allow(keys)?;
    Ok(Some(table))
}

fn whole_or(
    table: Option<&Table<'_>>,
    key: &str,
    most: u64,
    default: u64,
) -> Result<u64, DefinitionError> {
    table
        .and_then(|table| table.get(key))
        .map_or(Ok(default), |entry| entry.whole(1..=most))
}

fn serve(table: Option<&Table<'_>>) -> Result<Pattern, DefinitionError> {
    let sessions = whole_or(table, "sessions", MOST_SESSIONS, 100)? as usize;
    let (mut rate, mut seconds) = (1000.0, 1.0);
    let Some(table) = table else {
        return Ok(Pattern::Serve {
            sessions,
            rate,
            seconds,
            talk: Talk::default(),
        });
    };
    let mut talk = Talk::default();
    if let Some(entry) = table.get("talk") {
        const TALKS: [&str; 2] = ["tasks", "guess"];
        talk = match entry.text(&use_one_of("", &TALKS))? {
            "tasks" => Talk::Tasks,
            "guess" => Talk::Guess,
            other => return Err(entry.wrong(use_one_of(other, &TALKS))),
        };
    }

    let most = Definition::MAX_TASKS as f64;
    if let Some(entry) = table.get("rate") {
        let remedy = format!(
            "write how many requests arrive in a second, a number above 0 and up to {most}"
        );
        rate = entry.number(|rate| rate > 0.0 && rate <= most, &remedy)?;
    }
    if let Some(entry) = table.get("seconds") {
        let remedy = format!(
            "write for how many seconds requests arrive, a number above 0 and up to {LONGEST_SECONDS}"
        );
        seconds = entry.number(
            |seconds| seconds > 0.0 && seconds <= LONGEST_SECONDS,
            &remedy,
        )?;
    }
    let arrivals = rate * seconds;
    if !(1.0..=most).contains(&arrivals) {
        return Err(table.source.error(
            table.span.clone(),
            format!("{rate} requests a second for {seconds} seconds are {arrivals} requests"),
            format!("change `rate` or `seconds` so that it is 1 to {most} requests"),
        ));
    }
    Ok(Pattern::Serve {
        sessions,
        rate,
        seconds,
        talk,
    })
}
