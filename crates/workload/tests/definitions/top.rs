//! Errors outside steps: invalid TOML, keys, names, counts, patterns.

use crate::support::{assert_refused, assert_step_refused, assert_top_refused, error, good, with};

#[test]
fn invalid_toml_is_refused_with_its_place() {
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
        ("fold", "key"),
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
fn invalid_name_is_refused() {
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
fn invalid_count_is_refused() {
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
fn invalid_pattern_or_settings_are_refused() {
    let of = |pattern: &str, more: &str| {
        format!("name = \"n\"\npattern = {pattern}\ntasks = 1\n[[step]]\nwait = \"1ms\"\n{more}")
    };
    assert_refused(&[
        (
            &of("\"mpa\"", ""),
            "2:11",
            &[
                "`pattern` is \"mpa\"",
                "map, rounds, pipeline, fold, merge, serve",
            ],
        ),
        (
            &of("3", ""),
            "2:11",
            &[
                "`pattern` is 3",
                "map, rounds, pipeline, fold, merge, serve",
            ],
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
            &of("\"map\"", "[fold]\nkeys = 3\n"),
            "6:2",
            &["`fold`", "pattern = \"map\"", "remove"],
        ),
        (
            &of("\"fold\"", "[fold]\nkeys = 0\n"),
            "7:8",
            &["`keys` is 0", "from 1 to"],
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
            &of("\"serve\"", "[serve]\ntalk = \"gess\"\n"),
            "7:8",
            &["`talk` is \"gess\"", "did you mean `guess`", "tasks, guess"],
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
fn merge_needs_one_log_per_task() {
    let of = |steps: &str| with("", steps).replace("\"map\"", "\"merge\"");
    let tail = "tail = \"1KiB\"";
    good(&of(&format!("wait = \"1ms\"\n[[step]]\n{tail}")));
    for steps in [
        "wait = \"1ms\"".to_owned(),
        format!("{tail}\nkind = \"a\""),
        format!("{tail}\n[[step]]\n{tail}"),
        format!("{tail}\n[[step]]\n{tail}\nkind = \"a\""),
    ] {
        assert_refused(&[(
            &of(&steps),
            "2:11",
            &[
                "one log from each task",
                "one [[step]] with `tail`, without a `kind`",
            ],
        )]);
    }
}
