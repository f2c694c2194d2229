//! Limits on what contestants report about themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use workload::protocol::{Hello, Recorded};

use crate::results::{Timeline, only_the_load_says};
use crate::text::cut;

/// The number of metrics kept per sample.
const MOST_METRICS: usize = 64;

/// The number of variants that a contestant may have.
const MOST_VARIANTS: usize = 64;

/// The number of threads that a contestant may declare as its own.
const MOST_OWN_THREADS: u64 = 64;

/// The longest name of a variant or a metric, in characters.
const LONGEST_NAME: usize = 64;

/// The longest version and the longest line about a variant.
const LONGEST_LINE: usize = 200;

/// The largest plausible value of a counter (2^53).
const MOST: f64 = 9_007_199_254_740_992.0;

/// The plausible metrics: non-negative, no time longer than the answer took, and none that only the
/// `requests` may report. The others are dropped.
pub(super) fn metrics(said: BTreeMap<String, f64>, elapsed: Duration) -> BTreeMap<String, f64> {
    let longest = (elapsed + Duration::from_millis(1)).as_nanos() as f64;
    said.into_iter()
        .filter(|(name, _)| is_name(name) && !name.is_empty() && !only_the_load_says(name))
        .filter(|(name, value)| {
            let most = if name.ends_with("_ns") { longest } else { MOST };
            (0.0..=most).contains(value)
        })
        .take(MOST_METRICS)
        .collect()
}

/// A timeline that is plausible.
///
/// # Errors
///
/// The fault that was found.
pub(super) fn timeline(said: Recorded, elapsed: Duration) -> Result<Timeline, String> {
    let timeline = match said {
        Recorded::Timeline(timeline) => timeline,
        // For the words of the error.
        Recorded::Other(value) => {
            serde_json::from_value(value).map_err(|error| cut(&error.to_string(), LONGEST_LINE))?
        }
    };
    timeline.check()?;
    let longest = elapsed + Duration::from_millis(1);
    if Duration::from_nanos(timeline.wall_ns) > longest {
        return Err(format!(
            "its sample takes {} ns, longer than the answer took",
            timeline.wall_ns
        ));
    }
    Ok(timeline)
}

/// Checks a hello, and cuts lines that are too long.
///
/// # Errors
///
/// The reason why the contestant is not measured.
pub(super) fn hello(mut hello: Hello) -> Result<Hello, String> {
    if hello.variants.len() > MOST_VARIANTS {
        return Err(format!(
            "it names {} variants; at most {MOST_VARIANTS} are allowed",
            hello.variants.len()
        ));
    }
    if hello.own_threads > MOST_OWN_THREADS {
        return Err(format!(
            "it declares {} threads of its own (`own_threads`); at most {MOST_OWN_THREADS} are allowed",
            hello.own_threads
        ));
    }
    for variant in &mut hello.variants {
        if !is_name(&variant.name) {
            return Err(format!(
                "the name of a variant is over {LONGEST_NAME} characters long or contains control characters"
            ));
        }
        shorten(&mut variant.about);
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = hello.variants.iter().find(|one| !names.insert(&one.name)) {
        return Err(format!(
            "it names two variants {:?}: each needs a name of its own",
            twice.name
        ));
    }
    shorten(&mut hello.version);
    Ok(hello)
}

fn is_name(text: &str) -> bool {
    text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn shorten(line: &mut String) {
    if let Some((end, _)) = line.char_indices().nth(LONGEST_LINE) {
        line.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_metrics_are_dropped() {
        let said = [
            ("response_p99_ns", 1.0),
            ("send_lateness_p50_ns", 1.0),
            ("achieved_rate", 1.0),
            ("loop_lag_max_ns", 1.0e291),
            ("completion_p50_ns", 5.0e6),
            ("negative", -7.0),
            ("odd", f64::NAN),
            ("items_in_flight_peak", 16.0),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let kept = metrics(said.into(), Duration::from_millis(5));
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        assert_eq!(names, ["completion_p50_ns", "items_in_flight_peak"]);
        let many = (0..30_000).map(|i| (format!("m{i}"), 1.0)).collect();
        assert_eq!(metrics(many, Duration::ZERO).len(), MOST_METRICS);
        let long = BTreeMap::from([("x".repeat(10_000), 1.0)]);
        assert!(metrics(long, Duration::ZERO).is_empty());
    }

    fn recorded(said: serde_json::Value) -> Recorded {
        serde_json::from_value(said).unwrap()
    }

    #[test]
    fn implausible_timelines_are_refused_with_the_reason() {
        let said = |wall_ns: u64, spans: serde_json::Value| {
            let lanes = serde_json::json!([{ "process": 0, "thread": 0, "spans": spans }]);
            let said = serde_json::json!({ "tasks": 2, "wall_ns": wall_ns, "lanes": lanes });
            timeline(recorded(said), Duration::from_millis(5))
        };
        let right = serde_json::json!([[0, 10, 1], [20, 30, 1]]);
        let kept = said(5_000_000, right.clone()).unwrap();
        assert_eq!(kept.lanes[0].spans, [(0, 10, 1), (20, 30, 1)]);
        // A millisecond is allowed beyond the answer.
        assert!(said(6_000_000, right.clone()).is_ok());
        let why = said(6_000_001, right).unwrap_err();
        assert!(why.contains("longer than the answer took"), "{why}");
        for spans in [
            serde_json::json!("spans"),
            serde_json::json!([[0, 1]]),
            serde_json::json!([[-1, 1, 1]]),
            serde_json::json!([[0.5, 1.5, 1]]),
            serde_json::json!([[0, 1.0e30, 1]]),
            serde_json::json!([[0, 6_000_000, 1]]),
        ] {
            assert!(said(5_000_000, spans).is_err());
        }
        for odd in [
            serde_json::json!(7),
            serde_json::json!(["x".repeat(10_000)]),
        ] {
            let why = timeline(recorded(odd), Duration::ZERO).unwrap_err();
            assert!(why.chars().count() <= LONGEST_LINE, "{why}");
        }
    }

    #[test]
    fn overlong_names_are_refused_and_lines_are_cut() {
        let said = |name: &str| -> Hello {
            let variant = serde_json::json!({ "name": name, "about": "a".repeat(5000) });
            let hello = serde_json::json!({
                "protocol": 1, "name": "n", "version": "v".repeat(5000), "variants": [variant]
            });
            serde_json::from_value(hello).unwrap()
        };
        let cut = hello(said("limited")).unwrap();
        assert_eq!(cut.version.len(), LONGEST_LINE);
        assert_eq!(cut.variants[0].about.len(), LONGEST_LINE);
        assert!(hello(said(&"x".repeat(10_000))).is_err());
        assert!(hello(said("a\u{1b}[2J")).is_err());
        let mut many = said("");
        many.variants = vec![many.variants[0].clone(); 65];
        assert!(hello(many).unwrap_err().contains("65 variants"));
    }

    #[test]
    fn more_than_64_own_threads_are_refused() {
        let said = |own_threads: u64| -> Hello {
            let hello = serde_json::json!({
                "protocol": 1, "name": "n", "version": "1", "own_threads": own_threads
            });
            serde_json::from_value(hello).unwrap()
        };
        assert!(hello(said(64)).is_ok());
        let why = hello(said(1_000_000)).unwrap_err();
        assert!(
            why.contains("1000000") && why.contains("own_threads"),
            "{why}"
        );
    }

    #[test]
    fn two_variants_of_one_name_are_refused() {
        let said = |names: [&str; 2]| -> Hello {
            let variants = names.map(|name| serde_json::json!({ "name": name }));
            let hello = serde_json::json!({
                "protocol": 1, "name": "n", "version": "1", "variants": variants
            });
            serde_json::from_value(hello).unwrap()
        };
        assert!(hello(said(["", "limited"])).is_ok());
        for name in ["", "limited"] {
            let why = hello(said([name, name])).unwrap_err();
            assert!(why.contains(&format!("two variants {name:?}")), "{why}");
        }
    }
}
