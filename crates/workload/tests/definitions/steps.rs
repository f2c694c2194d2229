//! Invalid steps.

use crate::support::{assert_refused, assert_step_refused, error, pipeline, with};

#[test]
fn step_has_exactly_one_action() {
    assert_step_refused(&[
        (
            "",
            "5:1",
            &[
                "does nothing",
                "wait, compute, fetch, read, tail, exec, kernel",
            ],
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
            &["`delay` is not allowed with `wait`", "`fetch`"],
        ),
        (
            "exec = [\"true\"]\ndelay = \"1ms\"",
            "7:1",
            &["`delay` is not allowed with `exec`", "`fetch`"],
        ),
        (
            "read = \"1B\"\nover = \"1ms\"",
            "7:1",
            &["`over` is not allowed with `read`", "`tail`"],
        ),
        (
            "timeout = \"1ms\"\nfetch = \"1B\"",
            "6:1",
            &["`timeout` is not allowed with `fetch`", "`exec`"],
        ),
    ]);
    let many = "[[step]]\nwait = \"1ms\"\n".repeat(1000);
    assert!(error(&(with("", "wait = \"1ms\"") + &many)).contains("1001 steps"));
}

#[test]
fn invalid_duration_or_size_is_refused() {
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
            &["\"16KiB\"", "not a unit of a duration", units],
        ),
        ("compute = \"1h\"", "6:11", &["`compute`", "`h`", units]),
        (
            "fetch = \"3ms\"",
            "6:9",
            &["\"3ms\"", "not a unit of a size", "B, KiB, MiB"],
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
fn invalid_distribution_is_refused() {
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
fn invalid_program_or_kernel_is_refused() {
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
fn invalid_kind_weight_or_stage_is_refused() {
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
            &["only allowed in a pipeline", "remove it", "\"pipeline\""],
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
