//! What a workload file may say, and the one line that answers what it may not.

use std::path::Path;

use workload::definition::{
    Action, Definition, Distribution, Pattern, Step, load, load_with_programs, parse,
};
use workload::value::Rng;

/// The first example of the page on workloads, which uses the whole grammar.
fn orders() -> &'static str {
    include_str!("orders.toml")
}

/// A small good file with this step and these other lines.
fn with(top: &str, step: &str) -> String {
    format!("name = \"small\"\npattern = \"map\"\ntasks = 5\n{top}\n[[step]]\n{step}\n")
}

/// A small good pipeline with these steps.
fn pipeline(steps: &[&str]) -> String {
    let mut text = "name = \"small\"\npattern = \"pipeline\"\ntasks = 5\n".to_owned();
    for step in steps {
        text += &format!("[[step]]\n{step}\n");
    }
    text
}

#[track_caller]
fn good(text: &str) -> Definition {
    parse(text, "good.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn error(text: &str) -> String {
    let error = parse(text, "bad.toml").expect_err(text).to_string();
    assert_is_one_line(&error);
    error
}

#[track_caller]
fn assert_is_one_line(error: &str) {
    assert!(
        !error
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')),
        "{error:?}"
    );
}

/// Each text is refused at that line and column with a message that holds all the parts.
#[track_caller]
fn assert_refused(cases: &[(&str, &str, &[&str])]) {
    for (text, place, parts) in cases {
        let error = error(text);
        assert!(
            error.starts_with(&format!("bad.toml:{place}: ")),
            "not at {place}: {error}\n{text}"
        );
        assert!(error.contains("; "), "no remedy: {error}");
        for part in *parts {
            assert!(error.contains(part), "no {part:?} in: {error}\n{text}");
        }
    }
}

/// Each step, in a small file whose line 5 is `[[step]]`, is refused at that place.
#[track_caller]
fn assert_step_refused(cases: &[(&str, &str, &[&str])]) {
    for (step, place, parts) in cases {
        assert_refused(&[(&with("", step), place, parts)]);
    }
}

/// Each line, as line 4 of a small file, is refused at that place.
#[track_caller]
fn assert_top_refused(cases: &[(&str, &str, &[&str])]) {
    for (top, place, parts) in cases {
        assert_refused(&[(&with(top, "wait = \"1ms\""), place, parts)]);
    }
}

fn every_task(action: Action) -> Step {
    Step {
        action,
        kind: None,
        weight: 1.0,
        stage: None,
    }
}

#[test]
fn the_whole_grammar_is_read() {
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
    };
    assert_eq!(good(orders()), expected);
}

#[test]
fn what_is_left_out_has_its_default() {
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
            seconds: 1.0
        }
    );
}

#[test]
fn a_pattern_has_its_own_settings() {
    let of = |pattern: &str, table: &str| {
        let text = with("", "wait = \"1ms\"").replace("\"map\"", &format!("\"{pattern}\""));
        good(&format!("{text}[{pattern}]\n{table}\n")).pattern
    };
    assert_eq!(
        of("rounds", "generations = 3"),
        Pattern::Rounds { generations: 3 }
    );
    assert_eq!(
        of("pipeline", "buffer = 1"),
        Pattern::Pipeline { buffer: 1 }
    );
    assert_eq!(
        of("serve", "sessions = 7\nrate = 0.5\nseconds = 4"),
        Pattern::Serve {
            sessions: 7,
            rate: 0.5,
            seconds: 4.0
        }
    );
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
fn the_step_may_be_an_array_of_inline_tables() {
    let text = "name = \"n\"\npattern = \"map\"\ntasks = 1\nstep = [{ wait = \"1ms\" }, { read = \"1B\" }]\n";
    assert_eq!(good(text).steps.len(), 2);
}

#[test]
fn a_windows_file_and_a_byte_order_mark_are_read() {
    assert_eq!(good(&orders().replace('\n', "\r\n")), good(orders()));
    assert_eq!(good(&format!("\u{feff}{}", orders())), good(orders()));
}

#[test]
fn what_is_no_toml_is_refused_where_it_breaks() {
    assert_refused(&[
        ("", "1:1", &["empty", "write at least name"]),
        ("# nothing here\n\n", "1:1", &["empty", "[[step]]"]),
        ("hello world", "1:7", &["not TOML", "correct"]),
        (
            "name = \"a\"\ntasks = = 3\n",
            "2:9",
            &["not TOML", "correct"],
        ),
        (
            "name = \"a\"\nname = \"b\"\n",
            "2:1",
            &["duplicate key", "`name`"],
        ),
        ("name = \"a\npattern = 3", "1:10", &["not TOML"]),
        ("{\"name\": 3}", "1:1", &["not TOML"]),
        ("a = [[[[", "1:9", &["not TOML"]),
    ]);
    error(&"a = [".repeat(100_000));
    error(&("a = ".to_owned() + &"[".repeat(100_000)));
    error(&("a".to_owned() + &".a".repeat(100_000) + " = 1"));
}

#[test]
fn unknown_keys_are_refused_everywhere() {
    assert_top_refused(&[
        (
            "sed = 3",
            "4:1",
            &["unknown key `sed`", "`seed`", "name, about, pattern"],
        ),
        ("\"\\n\" = 3", "4:1", &["unknown key `…`", "allowed"]),
        (
            "rounds.generation = 3",
            "4:1",
            &["`rounds`", "pattern = \"map\"", "remove"],
        ),
        (
            "serve.x = 3",
            "4:1",
            &["`serve`", "pattern = \"map\"", "remove"],
        ),
    ]);
    assert_step_refused(&[
        (
            "wiat = \"1ms\"",
            "6:1",
            &["unknown key `wiat`", "`wait`", "compute"],
        ),
        (
            "wait = \"1ms\"\nzzzzzzzz = 1\nyyyyyyyy = 2",
            "7:1",
            &["unknown key `zzzzzzzz`", "allowed: wait"],
        ),
        (
            "wait = { normal = [\"1ms\", 1] }",
            "6:10",
            &["unknown key `normal`", "lognormal", "uniform"],
        ),
        (
            "wait = { uniform = [\"1ms\", \"2ms\"], x = 1 }",
            "6:36",
            &["unknown key `x`", "uniform"],
        ),
    ]);
    for (pattern, key) in [
        ("rounds", "generation"),
        ("pipeline", "bufer"),
        ("serve", "second"),
    ] {
        let text = with("", "wait = \"1ms\"").replace("\"map\"", &format!("\"{pattern}\""));
        let text = format!("{text}[{pattern}]\n{key} = 1\n");
        assert_refused(&[(&text, "8:1", &["unknown key", key, "did you mean"])]);
    }
}

#[test]
fn required_keys_are_named_when_missing() {
    let whole = with("", "wait = \"1ms\"");
    for key in [
        "name = \"small\"\n",
        "pattern = \"map\"\n",
        "tasks = 5\n",
        "[[step]]\nwait = \"1ms\"\n",
    ] {
        let name = key
            .trim_start_matches('[')
            .split([' ', ']'])
            .next()
            .expect("a split has a first part");
        let missing = format!("`{name}` is missing");
        assert_refused(&[(&whole.replace(key, ""), "1:1", &[&missing, "add"])]);
    }
    assert_refused(&[
        (
            "name = \"n\"\npattern = \"map\"\ntasks = 1\nstep.wait = 3\n",
            "4:1",
            &["`step` is a table", "two brackets"],
        ),
        (
            "name = \"n\"\npattern = \"map\"\ntasks = 1\nstep = []\n",
            "4:8",
            &["`step`", "at least one"],
        ),
        (
            "name = \"n\"\npattern = \"map\"\ntasks = 1\nstep = [3]\n",
            "4:9",
            &["`step` is 3", "[[step]]"],
        ),
        (
            "name = \"n\"\npattern = \"map\"\ntasks = 1\n[step]\nwait = \"1ms\"\n",
            "4:1",
            &["a table", "two brackets"],
        ),
    ]);
}

#[test]
fn a_bad_name_is_refused() {
    let long = format!("\"{}\"", "a".repeat(65));
    for name in [
        "\"\"",
        "\"Orders\"",
        "\"my orders\"",
        "\"a_b\"",
        "\"é\"",
        "\"../x\"",
        "3",
        "[\"a\"]",
        &long,
    ] {
        let text = with("", "wait = \"1ms\"").replace("\"small\"", name);
        assert_refused(&[(&text, "1:8", &["`name` is", "a-z, 0-9 and -"])]);
    }
}

#[test]
fn a_bad_count_is_refused() {
    for tasks in [
        "0",
        "-1",
        "10_000_001",
        "99999999999999999999999",
        "1.5",
        "nan",
        "inf",
        "\"5\"",
        "true",
        "[5]",
    ] {
        let text = with("", "wait = \"1ms\"").replace("tasks = 5", &format!("tasks = {tasks}"));
        assert_refused(&[(&text, "3:9", &["`tasks` is", tasks, "from 1 to 10_000_000"])]);
    }
    assert_top_refused(&[
        ("seed = -1", "4:8", &["`seed` is -1", "whole number from 0"]),
        (
            "seed = 9223372036854775808",
            "4:8",
            &["`seed`", "9_223_372_036_854_775_807"],
        ),
        ("seed = 1.0", "4:8", &["`seed`", "whole number"]),
        ("items = 60", "4:9", &["`items`", "[53, 60]"]),
        ("items = [60, 51]", "4:14", &["`items` is 51", "52 to 79"]),
        ("items = [80]", "4:10", &["`items` is 80", "52 to 79"]),
        ("items = [316]", "4:10", &["`items` is 316", "52 to 79"]),
        (
            "show = \"threads/limited\"",
            "4:8",
            &["`show`", "model/variant"],
        ),
        ("show = [\"threads\"]", "4:9", &["`show`", "model/variant"]),
        ("show = [\"threads/\"]", "4:9", &["`show`", "model/variant"]),
        ("show = [\"a/b/c\"]", "4:9", &["`show`", "model/variant"]),
        ("show = [3]", "4:9", &["`show` is 3", "model/variant"]),
        ("about = 3", "4:9", &["`about` is 3", "sentence"]),
        (
            "about = \"\"\"one\ntwo\"\"\"",
            "4:9",
            &["`about`", "one line"],
        ),
    ]);
}

#[test]
fn a_bad_pattern_or_its_settings_are_refused() {
    let of = |pattern: &str, more: &str| {
        format!("name = \"n\"\npattern = {pattern}\ntasks = 1\n[[step]]\nwait = \"1ms\"\n{more}")
    };
    assert_refused(&[
        (
            &of("\"mpa\"", ""),
            "2:11",
            &["`pattern` is \"mpa\"", "map, rounds, pipeline, fold, serve"],
        ),
        (
            &of("3", ""),
            "2:11",
            &["`pattern` is 3", "map, rounds, pipeline, fold, serve"],
        ),
        (
            &of("\"map\"", "[rounds]\n"),
            "6:2",
            &["`rounds`", "pattern = \"map\"", "remove"],
        ),
        (
            &of("\"rounds\"", "[pipeline]\n"),
            "6:2",
            &["`pipeline`", "pattern = \"rounds\"", "remove"],
        ),
        (
            &of("\"fold\"", "[serve]\n"),
            "6:2",
            &["`serve`", "pattern = \"fold\"", "remove"],
        ),
        (
            &of("\"rounds\"", "[rounds]\ngenerations = 0\n"),
            "7:15",
            &["`generations` is 0", "from 1 to"],
        ),
        (
            &of("\"rounds\"", "[rounds]\ngenerations = 1000001\n"),
            "7:15",
            &["`generations`", "1_000_000"],
        ),
        (
            &of("\"rounds\"", "[[rounds]]\n"),
            "6:1",
            &["`rounds`", "[rounds]"],
        ),
        (
            &of("\"pipeline\"", "[pipeline]\nbuffer = 0\n"),
            "7:10",
            &["`buffer` is 0", "from 1 to"],
        ),
        (
            &of("\"pipeline\"", "[pipeline]\nbuffer = 1.5\n"),
            "7:10",
            &["`buffer` is 1.5", "from 1 to"],
        ),
        (
            &of("\"serve\"", "[serve]\nsessions = -1\n"),
            "7:12",
            &["`sessions` is -1", "from 1 to"],
        ),
        (
            &of("\"serve\"", "[serve]\nrate = 0\n"),
            "7:8",
            &["`rate` is 0", "above 0"],
        ),
        (
            &of("\"serve\"", "[serve]\nrate = nan\n"),
            "7:8",
            &["`rate` is nan", "above 0"],
        ),
        (
            &of("\"serve\"", "[serve]\nrate = 1e9\n"),
            "7:8",
            &["`rate` is 1e9", "up to 10000000"],
        ),
        (
            &of("\"serve\"", "[serve]\nseconds = -1.0\n"),
            "7:11",
            &["`seconds` is -1.0", "above 0"],
        ),
        (
            &of("\"serve\"", "[serve]\nseconds = 3601\n"),
            "7:11",
            &["`seconds` is 3601", "up to 3600"],
        ),
        (
            &of("\"serve\"", "[serve]\nrate = 0.1\n"),
            "6:1",
            &["0.1 requests", "change `rate`"],
        ),
        (
            &of("\"serve\"", "[serve]\nrate = 1e6\nseconds = 60\n"),
            "6:1",
            &["60000000 requests", "change"],
        ),
    ]);
}

#[test]
fn a_step_does_exactly_one_thing() {
    assert_step_refused(&[
        (
            "",
            "5:1",
            &["does nothing", "wait, compute, fetch, read, exec, kernel"],
        ),
        ("kind = \"a\"", "5:1", &["does nothing", "give it one of"]),
        (
            "wait = \"1ms\"\ncompute = \"1ms\"",
            "7:1",
            &["both `wait` and `compute`", "for each"],
        ),
        (
            "read = \"1B\"\nfetch = \"1B\"",
            "7:1",
            &["both `read` and `fetch`", "for each"],
        ),
        (
            "wait = \"1ms\"\ndelay = \"1ms\"",
            "7:1",
            &["`delay` stands beside `wait`", "`fetch`"],
        ),
        (
            "exec = [\"true\"]\ndelay = \"1ms\"",
            "7:1",
            &["`delay` stands beside `exec`", "`fetch`"],
        ),
        (
            "timeout = \"1ms\"\nfetch = \"1B\"",
            "6:1",
            &["`timeout` stands beside `fetch`", "`exec`"],
        ),
    ]);
    let many = "[[step]]\nwait = \"1ms\"\n".repeat(1000);
    assert!(error(&(with("", "wait = \"1ms\"") + &many)).contains("1001 steps"));
}

#[test]
fn a_bad_duration_or_size_is_refused() {
    let units = "ns, us, ms, s";
    assert_step_refused(&[
        (
            "wait = 3",
            "6:8",
            &["`wait` is 3", "duration", "\"3ms\"", "uniform"],
        ),
        (
            "wait = [\"1ms\"]",
            "6:8",
            &["`wait` is [\"1ms\"]", "\"3ms\""],
        ),
        ("wait = \"3\"", "6:8", &["\"3\"", "unit is missing", units]),
        ("wait = \"3min\"", "6:8", &["\"3min\"", "`min`", units]),
        ("wait = \"-3ms\"", "6:8", &["\"-3ms\"", "negative", units]),
        ("wait = \"soon\"", "6:8", &["\"soon\"", "number", units]),
        (
            "wait = \"3601s\"",
            "6:8",
            &["\"3601s\"", "more than an hour", units],
        ),
        (
            "wait = \"16KiB\"",
            "6:8",
            &["\"16KiB\"", "no unit of a duration", units],
        ),
        ("compute = \"1h\"", "6:11", &["`compute`", "`h`", units]),
        (
            "fetch = \"3ms\"",
            "6:9",
            &["\"3ms\"", "no unit of a size", "B, KiB, MiB"],
        ),
        ("fetch = \"1KB\"", "6:9", &["`KB`", "B, KiB, MiB"]),
        (
            "read = \"2000MiB\"",
            "6:8",
            &["\"2000MiB\"", "more than 1024MiB", "B, KiB, MiB"],
        ),
        (
            "read = \"0.5B\"",
            "6:8",
            &["\"0.5B\"", "whole number of bytes"],
        ),
        (
            "fetch = \"1B\"\ndelay = \"x\"",
            "7:9",
            &["`delay` is \"x\"", units],
        ),
        (
            "exec = [\"true\"]\ntimeout = 5",
            "7:11",
            &["`timeout` is 5", "duration"],
        ),
        ("wait = \"\\u0007\\nms\"", "6:8", &["number", units]),
    ]);
}

#[test]
fn a_bad_distribution_is_refused() {
    assert_step_refused(&[
        (
            "wait = {}",
            "6:8",
            &["`wait` is {}", "uniform | exponential | lognormal | choice"],
        ),
        (
            "wait = { exponential = \"1ms\", uniform = [\"1ms\", \"2ms\"] }",
            "6:31",
            &["both `exponential` and `uniform`", "keep one"],
        ),
        (
            "wait = { uniform = [\"2ms\", \"1ms\"] }",
            "6:20",
            &["above the second", "smaller one first"],
        ),
        (
            "wait = { uniform = [\"2ms\"] }",
            "6:20",
            &["`uniform` is [\"2ms\"]", "least and the most"],
        ),
        (
            "wait = { uniform = [\"1ms\", \"2ms\", \"3ms\"] }",
            "6:20",
            &["`uniform`", "least and the most"],
        ),
        (
            "wait = { uniform = \"2ms\" }",
            "6:20",
            &["`uniform` is \"2ms\"", "least and the most"],
        ),
        (
            "wait = { uniform = [\"2ms\", \"2h\"] }",
            "6:28",
            &["`uniform` is \"2h\"", "ns, us, ms, s"],
        ),
        (
            "wait = { exponential = 3 }",
            "6:24",
            &["`exponential` is 3", "ns, us, ms, s"],
        ),
        (
            "wait = { exponential = \"2000000s\" }",
            "6:24",
            &["more than an hour"],
        ),
        (
            "wait = { lognormal = [\"1ms\", -0.1] }",
            "6:30",
            &["`lognormal` is -0.1", "from 0 to 10", "sigma"],
        ),
        (
            "wait = { lognormal = [\"1ms\", 11] }",
            "6:30",
            &["`lognormal` is 11", "from 0 to 10"],
        ),
        (
            "wait = { lognormal = [\"1ms\", nan] }",
            "6:30",
            &["`lognormal` is nan", "from 0 to 10"],
        ),
        (
            "wait = { lognormal = [\"1ms\", \"1\"] }",
            "6:30",
            &["`lognormal` is \"1\"", "from 0 to 10"],
        ),
        (
            "wait = { lognormal = [0.5, \"1ms\"] }",
            "6:23",
            &["`lognormal` is 0.5", "ns, us, ms, s"],
        ),
        (
            "wait = { choice = [] }",
            "6:19",
            &["`choice` is []", "probabilities"],
        ),
        (
            "wait = { choice = \"1ms\" }",
            "6:19",
            &["`choice`", "probabilities"],
        ),
        (
            "wait = { choice = [\"1ms\", \"2ms\"] }",
            "6:20",
            &["`choice` is \"1ms\"", "probabilities"],
        ),
        (
            "wait = { choice = [[\"1ms\", 0.5]] }",
            "6:19",
            &["add up to 0.5", "change"],
        ),
        (
            "wait = { choice = [[\"1ms\", 0.5], [\"2ms\", 0.500002]] }",
            "6:19",
            &["add up to 1.000002", "change"],
        ),
        (
            "wait = { choice = [[\"1ms\", 1.5]] }",
            "6:28",
            &["`choice` is 1.5", "from 0 to 1"],
        ),
        (
            "wait = { choice = [[\"1ms\", -0.5], [\"1ms\", 1.5]] }",
            "6:28",
            &["`choice` is -0.5", "from 0 to 1"],
        ),
        (
            "wait = { choice = [[\"1ms\", nan]] }",
            "6:28",
            &["`choice` is nan", "from 0 to 1"],
        ),
        (
            "fetch = { choice = [[\"1ms\", 1]] }",
            "6:22",
            &["`choice` is \"1ms\"", "B, KiB, MiB"],
        ),
    ]);
}

#[test]
fn the_edges_of_distributions_are_accepted() {
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
fn a_bad_program_or_kernel_is_refused() {
    assert_step_refused(&[
        (
            "exec = \"sort -r\"",
            "6:8",
            &["`exec` is \"sort -r\"", "[\"sort\", \"-r\"]"],
        ),
        ("exec = []", "6:8", &["`exec` is []", "non-empty"]),
        ("exec = [\"\"]", "6:9", &["`exec` is \"\"", "non-empty"]),
        ("exec = [\"sort\", 3]", "6:17", &["`exec` is 3", "strings"]),
        (
            "exec = [\"sort\", \"a\\u0000b\"]",
            "6:17",
            &["NUL", "remove"],
        ),
        (
            "kernel = \"gdc\"",
            "6:10",
            &["`kernel` is \"gdc\"", "no such kernel", "`gcd`", "allowed"],
        ),
        ("kernel = 3", "6:10", &["`kernel` is 3", "gcd"]),
    ]);
}

#[test]
fn a_bad_kind_weight_or_stage_is_refused() {
    let step = |more: &str| format!("kind = \"a\"\n{more}\nwait = \"1ms\"");
    assert_step_refused(&[
        (
            "wait = \"1ms\"\nkind = \"A b\"",
            "7:8",
            &["`kind` is \"A b\"", "a-z, 0-9 and -"],
        ),
        (
            "wait = \"1ms\"\nkind = \"\"",
            "7:8",
            &["`kind` is \"\"", "a-z, 0-9 and -"],
        ),
        (&step("weight = 0"), "7:10", &["`weight` is 0", "above 0"]),
        (
            &step("weight = -1.5"),
            "7:10",
            &["`weight` is -1.5", "above 0"],
        ),
        (
            &step("weight = inf"),
            "7:10",
            &["`weight` is inf", "above 0"],
        ),
        (
            &step("weight = nan"),
            "7:10",
            &["`weight` is nan", "above 0"],
        ),
        (
            &step("weight = 1e10"),
            "7:10",
            &["`weight` is 1e10", "up to 1e9"],
        ),
        (
            &step("weight = \"3\""),
            "7:10",
            &["`weight` is \"3\"", "above 0"],
        ),
        (
            "wait = \"1ms\"\nweight = 2",
            "7:1",
            &["without a `kind`", "add a `kind`"],
        ),
        (
            "wait = \"1ms\"\nstage = 0",
            "7:1",
            &["no pipeline", "remove it", "\"pipeline\""],
        ),
    ]);
    let twice = with(
        "",
        &format!("{}\n[[step]]\n{}", step("weight = 2"), step("weight = 3")),
    );
    assert_refused(&[
        (
            &twice,
            "11:10",
            &[
                "`weight` is 3",
                "kind \"a\" already has the weight 2",
                "once",
            ],
        ),
        (
            &pipeline(&["wait = \"1ms\"\nstage = -1"]),
            "6:9",
            &["`stage` is -1", "from 0 to 1_000"],
        ),
        (
            &pipeline(&["wait = \"1ms\"\nstage = 1001"]),
            "6:9",
            &["`stage` is 1001", "from 0 to 1_000"],
        ),
        (
            &pipeline(&["wait = \"1ms\"\nstage = 0.5"]),
            "6:9",
            &["`stage` is 0.5", "whole number"],
        ),
        (
            &pipeline(&["wait = \"1ms\"\nstage = 1", "wait = \"1ms\"\nstage = 0"]),
            "9:9",
            &["`stage` is 0", "in stage 1", "order"],
        ),
    ]);
}

#[test]
fn a_kind_has_one_weight_wherever_it_is_written() {
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

#[test]
fn a_file_is_loaded_under_its_own_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("orders.toml");
    std::fs::write(&path, orders()).expect("the folder can be written");
    assert_eq!(load(&path).as_ref(), Ok(&good(orders())));

    std::fs::write(&path, "nam = 3").expect("the folder can be written");
    let error = load(&path).expect_err("a wrong key").to_string();
    assert!(
        error.starts_with(&format!("{}:1:1: unknown key `nam`", path.display())),
        "{error}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = |path: &Path| {
        let error = load(path).expect_err("nothing to read").to_string();
        assert_is_one_line(&error);
        assert!(error.contains("; "), "no remedy: {error}");
        error
    };
    let missing = folder.path().join("mis\nsing.toml");
    let missing = error(&missing);
    assert!(
        missing.contains("mis\\nsing.toml: cannot read it") && missing.contains("os error"),
        "{missing}"
    );
    assert!(error(folder.path()).contains("cannot read it"));

    let path = folder.path().join("bytes.toml");
    std::fs::write(&path, b"name = \"a\"\nabout = \"caf\xe9\"\n")
        .expect("the folder can be written");
    let bytes = error(&path);
    assert!(
        bytes.contains("bytes.toml:2:13: ") && bytes.contains("UTF-8"),
        "{bytes}"
    );

    std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).expect("the folder can be written");
    assert!(error(&path).contains("larger than 1 MiB"));
    std::fs::write(&path, "").expect("the folder can be written");
    assert!(error(&path).contains("bytes.toml:1:1: the file is empty"));
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_refused() {
    let error = load(Path::new("/dev/zero"))
        .expect_err("no definition")
        .to_string();
    assert!(error.contains("larger than 1 MiB"), "{error}");
}

#[test]
fn a_missing_program_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("orders.toml");
    std::fs::write(&path, orders()).expect("the folder can be written");
    assert!(load_with_programs(&path, |program| program == "sha256sum").is_ok());

    let line = orders()
        .lines()
        .position(|line| line.starts_with("exec"))
        .expect("a program")
        + 1;
    let error = load_with_programs(&path, |_| false)
        .expect_err("no program exists")
        .to_string();
    assert!(
        error.contains(&format!("orders.toml:{line}:9: `exec` is \"sha256sum\"")),
        "{error}"
    );
    assert!(
        error.contains("no such program") && error.contains("install it"),
        "{error}"
    );
}

/// Cuts, copies and overwrites parts of a good file: whatever comes out is read or refused in one line.
#[test]
fn no_mutation_of_a_good_file_panics() {
    let pieces = [
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        "\n",
        "\r",
        ".",
        "#",
        "-",
        "0",
        "9",
        "e",
        "nan",
        "inf",
        "é",
        "\u{0}",
        "\u{feff}",
        "[[step]]\n",
        "stage = 1\n",
        "\"\"\"",
        "'",
        "\\",
        "\\u2028",
        "ms",
        "KiB",
        "1979-05-27",
        "true",
        "99999999999",
        "\"pipeline\"",
        "\"serve\"",
        "[serve]\n",
        "kind = \"a\"\n",
        "weight = 1\n",
    ];
    let mut rng = Rng::new(56);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..4000 {
        let mut text: Vec<char> = orders().chars().collect();
        for _ in 0..=rng.below(3) {
            let at = rng.below(text.len() as u64) as usize;
            let to = (at + 1 + rng.below(12) as usize).min(text.len());
            let piece = pieces[rng.below(pieces.len() as u64) as usize];
            match rng.below(4) {
                0 => drop(text.drain(at..to)),
                1 => drop(text.splice(at..at, piece.chars())),
                2 => drop(text.splice(at..to, piece.chars())),
                _ => {
                    let copied = text[at..to].to_vec();
                    let into = rng.below(text.len() as u64) as usize;
                    drop(text.splice(into..into, copied));
                }
            }
        }
        let text: String = text.into_iter().collect();
        match parse(&text, "mutated.toml") {
            Ok(_) => accepted += 1,
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.starts_with("mutated.toml:") && error.contains("; "),
                    "{error}\n{text}"
                );
                assert_is_one_line(&error);
                refused += 1;
            }
        }
    }
    // Both must happen often, or the mutations test nothing.
    assert!(
        accepted > 200 && refused > 2000,
        "{accepted} accepted, {refused} refused"
    );
}
