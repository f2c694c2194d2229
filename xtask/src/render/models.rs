//! Facts about the project's own models: their order, their short names, and which of them
//! are no rivals.

use crate::stats::BASELINE;

/// A model, how it is called at the head of a column, and its purpose if it is no rival.
struct Known {
    name: &'static str,
    short: &'static str,
    /// The Items that its purpose is the question of, as `purpose_items` in its manifest. A rival
    /// has `None` and competes everywhere.
    purpose: Option<&'static [u8]>,
}

const fn rival(name: &'static str, short: &'static str) -> Known {
    Known {
        name,
        short,
        purpose: None,
    }
}

/// From the simplest to the most involved: no concurrency; scoped threads, which borrow and leave
/// nothing to shut down; one call into a pool that is global; a pool to keep; queues and workers to
/// wire up and close; async on one thread; an async runtime; a discontinued one; other processes,
/// whose inputs and outputs travel; other machines, with a server between. Last the models that
/// serve a purpose of their own.
const KNOWN: [Known; 15] = [
    rival(BASELINE, "seq"),
    rival("threads", "thr"),
    rival("data-parallel", "ray"),
    rival("thread-pool", "pool"),
    rival("queue", "que"),
    rival("coroutines", "coro"),
    rival("tokio-tasks", "tok"),
    rival("async-std-tasks", "astd"),
    rival("process-pool", "proc"),
    rival("child-process", "chld"),
    rival("cluster", "clus"),
    Known {
        name: "pipeline",
        short: "pipe",
        purpose: Some(&[55, 58]),
    },
    Known {
        name: "locks",
        short: "lock",
        purpose: Some(&[54]),
    },
    Known {
        name: "bridge",
        short: "brdg",
        purpose: Some(&[62]),
    },
    Known {
        name: "stall-watch",
        short: "stal",
        purpose: Some(&[63]),
    },
];

/// The place of a model in the order of simplicity; a user's own models come last.
pub(crate) fn simplicity(model: &str) -> usize {
    let place = KNOWN.iter().position(|known| known.name == model);
    place.unwrap_or(KNOWN.len())
}

/// A name of at most four letters, since a table has a column for each model; `None` for a user's
/// own model.
pub(crate) fn short(model: &str) -> Option<&'static str> {
    let known = KNOWN.iter().find(|known| known.name == model);
    known.map(|known| known.short)
}

/// Whether the model competes in a workload of these Items.
pub(crate) fn is_rival(model: &str, items: &[u8]) -> bool {
    purpose(model).is_none_or(|purpose| purpose.iter().any(|item| items.contains(item)))
}

/// Whether the model is there for some Items only.
pub(crate) fn has_purpose(model: &str) -> bool {
    purpose(model).is_some()
}

fn purpose(model: &str) -> Option<&'static [u8]> {
    KNOWN.iter().find(|known| known.name == model)?.purpose
}

/// A remark on a model that is another one with an addition.
pub(crate) fn described(model: &str) -> Option<&'static str> {
    (model == "stall-watch").then_some("tokio-tasks with a watch")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_short_and_unambiguous() {
        for known in &KNOWN {
            assert!(known.short.len() <= 4, "{}", known.short);
            let same = KNOWN.iter().filter(|other| other.short == known.short);
            assert_eq!(same.count(), 1, "{}", known.short);
        }
    }

    #[test]
    fn every_model_is_known_with_the_purpose_in_its_manifest() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        let folders = std::fs::read_dir(crates).expect("crates/");
        for folder in folders.map(|entry| entry.expect("an entry")) {
            let manifest = folder.path().join("compare/Cargo.toml");
            let Ok(manifest) = std::fs::read_to_string(manifest) else {
                continue;
            };
            let name = folder.file_name().into_string().expect("UTF-8");
            let name = if name == "workload" { BASELINE } else { &name };
            let known = KNOWN.iter().find(|known| known.name == name);
            let known = known.unwrap_or_else(|| panic!("{name} has no place in the order"));
            let purpose = known
                .purpose
                .map(|items| format!("purpose_items = {items:?}"));
            let declared = manifest
                .lines()
                .find(|line| line.starts_with("purpose_items"));
            assert_eq!(declared, purpose.as_deref(), "{name}");
        }
    }

    #[test]
    fn non_rivals_compete_only_where_their_purpose_is_the_question() {
        assert!(is_rival("locks", &[54]));
        assert!(!is_rival("locks", &[53, 64]));
        assert!(!is_rival("stall-watch", &[62]));
        assert!(is_rival("tokio-tasks", &[]));
        assert!(is_rival("python", &[]), "a runner of the user's own");
    }
}
