//! Inputs are equal for equal seeds on every machine, and the same after they were written and
//! read.

use std::fs;

use workload::definition::{Definition, Scale, builtins, parse};
use workload::inputs::{FILE_POOL, Inputs, Step, file_sizes, make, read, write};

fn definition(text: &str) -> Definition {
    parse(text, "test").unwrap()
}

fn lines(inputs: &Inputs) -> String {
    let mut text = Vec::new();
    write(inputs, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

const SHOP: &str = r#"
name = "shop"
pattern = "map"
tasks = 3
seed = 7
[[step]]
wait = { lognormal = ["2ms", 0.5] }
[[step]]
compute = { uniform = ["10us", "20us"] }
[[step]]
fetch = "1KiB"
delay = { exponential = "1ms" }
[[step]]
read = "4KiB"
[[step]]
exec = ["cat", "-"]
timeout = "1s"
[[step]]
kernel = "gcd"
"#;

#[test]
fn lines_are_the_same_on_every_machine() {
    let expected = include_str!("shop.jsonl");
    assert_eq!(lines(&make(&definition(SHOP), 600)), expected);
}

#[test]
fn another_seed_gives_other_inputs() {
    let shop = definition(SHOP);
    let other = Definition {
        seed: 8,
        ..shop.clone()
    };
    assert_ne!(make(&shop, 600).tasks, make(&other, 600).tasks);
}

#[test]
fn more_tasks_begin_with_the_same_ones() {
    let shop = definition(SHOP);
    let more = Definition {
        tasks: 50,
        ..shop.clone()
    };
    assert_eq!(make(&shop, 600).tasks[..], make(&more, 600).tasks[..3]);
}

#[test]
fn calibration_scales_only_computation() {
    let shop = definition(SHOP);
    let (slow, fast) = (make(&shop, 100), make(&shop, 1000));
    for (slow, fast) in slow.tasks.iter().zip(&fast.tasks) {
        for (slow, fast) in slow.steps.iter().zip(&fast.steps) {
            match (slow, fast) {
                (Step::Compute { iterations: slow }, Step::Compute { iterations: fast }) => {
                    assert!(
                        (10 * slow..=10 * slow + 9).contains(fast),
                        "{slow} and {fast}"
                    );
                }
                (slow, fast) => assert_eq!(slow, fast),
            }
        }
    }
}

#[test]
fn inputs_come_back_from_a_file_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inputs.jsonl");
    for workload in builtins() {
        let inputs = make(workload, 600);
        write(&inputs, fs::File::create(&path).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), inputs, "{}", workload.name);
    }
}

#[test]
fn truncated_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inputs.jsonl");
    let good = lines(&make(&definition(SHOP), 600));
    let cut = good.lines().take(3).collect::<Vec<_>>().join("\n");
    let swapped = {
        let mut lines: Vec<&str> = good.lines().collect();
        lines.swap(1, 2);
        lines.join("\n")
    };
    let cases = [
        ("", "the file is empty"),
        ("{}", ":1: "),
        (cut.as_str(), "announces 3 tasks, but it has 2"),
        (swapped.as_str(), ":2: task 1 is in the place of task 0"),
        (&good.replace("gcd", "lcm"), "no kernel `lcm`"),
        (
            &good.replace(r#""cat","-""#, ""),
            ":2: an `exec` step without a program",
        ),
        (&good[..good.len() - 20], ":4: "),
    ];
    for (text, part) in cases {
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
    assert!(
        read(&folder.path().join("none"))
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

#[test]
fn kinds_come_in_proportion_to_their_weights() {
    let text = r#"
name = "kinds"
pattern = "map"
tasks = 10000
[[step]]
kind = "common"
weight = 9
wait = "1ms"
[[step]]
kind = "rare"
weight = 1
compute = "1us"
[[step]]
kernel = "gcd"
"#;
    let inputs = make(&definition(text), 600);
    let common = inputs
        .tasks
        .iter()
        .filter(|task| matches!(task.steps[0], Step::Wait { .. }))
        .count();
    assert!((8_800..=9_200).contains(&common), "{common} of 10,000");
    assert!(inputs.tasks.iter().all(|task| task.steps.len() == 2));
}

#[test]
fn stages_go_with_the_steps_of_a_pipeline_only() {
    let text = |pattern: &str| {
        format!(
            "name = \"p\"\npattern = \"{pattern}\"\ntasks = 1\n[[step]]\nwait = \"1ms\"\n[[step]]\ncompute = \"1us\"\n"
        )
    };
    assert_eq!(
        make(&definition(&text("pipeline")), 600).tasks[0].stages,
        [0, 1]
    );
    assert!(
        make(&definition(&text("map")), 600).tasks[0]
            .stages
            .is_empty()
    );
}

#[test]
fn many_tasks_share_a_bounded_number_of_files() {
    let text = "name = \"f\"\npattern = \"map\"\ntasks = 1000\n[[step]]\nread = { uniform = [\"1KiB\", \"9KiB\"] }\n";
    let inputs = make(&definition(text), 600);
    let sizes = file_sizes(&inputs);
    assert_eq!(sizes.len(), FILE_POOL);
    for step in inputs.tasks.iter().flat_map(|task| &task.steps) {
        let Step::Read { file, bytes } = step else {
            panic!("{step:?}")
        };
        assert!(sizes[file.as_str()] >= *bytes);
    }
}

#[test]
fn logs_are_whole_lines_and_wait_as_long_as_they_grow() {
    let text = "name = \"l\"\npattern = \"merge\"\ntasks = 100\n[[step]]\ntail = { uniform = [\"0B\", \"100B\"] }\n\
                over = \"3ms\"\n";
    for task in make(&definition(text), 600).tasks {
        let [Step::Tail { bytes, over_ns }] = task.steps.as_slice() else {
            panic!("{task:?}")
        };
        assert!([32, 64, 96, 128].contains(bytes), "{bytes}");
        assert_eq!((*over_ns, task.waiting_ns()), (3_000_000, 3_000_000));
    }
}

#[test]
fn unbounded_draws_are_limited() {
    let text = "name = \"l\"\npattern = \"map\"\ntasks = 1000\n[[step]]\nwait = { lognormal = [\"1h\", 9] }\n";
    let text = text.replace("1h", "3600s");
    let inputs = make(&definition(&text), 600);
    let longest = inputs
        .tasks
        .iter()
        .map(workload::inputs::Task::waiting_ns)
        .max();
    assert_eq!(longest, Some(3_600_000_000_000));
}

/// A file of one task, with this pattern and these steps.
fn file(pattern: &str, steps: &str) -> String {
    format!(
        "{{\"workload\":\"w\",\"pattern\":{pattern},\"tasks\":1,\"seed\":\"0000000000000000\",\"iterations_per_us\":1,\
         \"actions\":[]}}\n{{\"index\":0,\"seed\":\"0000000000000000\",\"steps\":[{steps}]}}\n"
    )
}

#[test]
fn number_beyond_its_limit_is_refused_with_one_line() {
    let huge = u64::MAX;
    let pattern = |text: &str| (file(text, ""), ":1: ");
    let step = |text: &str| (file("\"map\"", text), ":2: ");
    let serve = |sessions: u64, rate: &str, seconds: &str| {
        pattern(&format!(
            "{{\"serve\":{{\"sessions\":{sessions},\"rate\":{rate},\"seconds\":{seconds}}}}}"
        ))
    };
    let cases = [
        pattern("{\"histogram\":{\"keys\":0}}"),
        pattern(&format!("{{\"histogram\":{{\"keys\":{huge}}}}}")),
        pattern("{\"rounds\":{\"generations\":0}}"),
        pattern("{\"rounds\":{\"generations\":4294967295}}"),
        pattern("{\"pipeline\":{\"buffer\":0}}"),
        pattern(&format!("{{\"pipeline\":{{\"buffer\":{huge}}}}}")),
        serve(0, "1000.0", "1.0"),
        serve(huge, "1000.0", "1.0"),
        serve(1, "0.0", "1.0"),
        serve(1, "-1.0", "1.0"),
        serve(1, "1e-300", "1.0"),
        serve(1, "1e7", "3600.0"),
        serve(1, "1.0", "1e300"),
        step(&format!(
            "{{\"wait\":{{\"ns\":{huge}}}}},{{\"wait\":{{\"ns\":{huge}}}}}"
        )),
        step(&format!(
            "{{\"fetch\":{{\"bytes\":{},\"delay_ns\":0}}}}",
            1_u64 << 46
        )),
        step(&format!(
            "{{\"fetch\":{{\"bytes\":1,\"delay_ns\":{huge}}}}}"
        )),
        step(&format!("{{\"read\":{{\"file\":\"0\",\"bytes\":{huge}}}}}")),
        step(&format!(
            "{{\"tail\":{{\"bytes\":{},\"over_ns\":0}}}}",
            huge - 31
        )),
        step("{\"tail\":{\"bytes\":0,\"over_ns\":0}}"),
        step("{\"tail\":{\"bytes\":33,\"over_ns\":0}}"),
        step(&format!(
            "{{\"exec\":{{\"command\":[\"true\"],\"timeout_ns\":{huge}}}}}"
        )),
        (
            file("{\"pipeline\":{\"buffer\":1}}", "{\"wait\":{\"ns\":1}}"),
            ":2: ",
        ),
        (file("\"merge\"", "{\"wait\":{\"ns\":1}}"), ":2: "),
        (
            file("\"map\"", "").replace("\"tasks\":1", "\"tasks\":10000001"),
            ":1: ",
        ),
        (
            file("\"map\"", "").replace("[]}\n{", "[]}\n{\"stages\":[18446744073709551615],"),
            ":2: ",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inputs.jsonl");
    for (text, place) in cases {
        fs::write(&path, &text).unwrap();
        let error = read(&path).expect_err(&text).to_string();
        assert!(error.contains(place), "{error} for {text}");
    }
    fs::write(&path, file("\"map\"", "{\"wait\":{\"ns\":1}}")).unwrap();
    assert!(read(&path).is_ok(), "the shape is right");
}

#[test]
fn line_without_an_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inputs.jsonl");
    // A sparse file, which takes no room on the disk.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(
        error.contains(":1: a line of more than 16777216 bytes"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn pipe_or_device_instead_of_inputs_is_refused() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    for path in [pipe.as_path(), "/dev/zero".as_ref(), folder.path()] {
        let error = read(path).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }
}

#[test]
fn scaled_inputs_have_the_same_draws_with_other_times() {
    let shop = definition(SHOP);
    let twin = Definition {
        scale: Scale {
            work: 0.5,
            wait: 2.0,
        },
        ..shop.clone()
    };
    let half = |amount: u64| (amount as f64 / 2.0).round() as u64;
    for (task, other) in make(&shop, 600).tasks.iter().zip(&make(&twin, 600).tasks) {
        assert_eq!(task.seed, other.seed);
        for (step, other) in task.steps.iter().zip(&other.steps) {
            let expected = match step.clone() {
                Step::Wait { ns } => Step::Wait { ns: 2 * ns },
                Step::Compute { iterations } => Step::Compute {
                    iterations: half(iterations),
                },
                Step::Fetch { bytes, delay_ns } => Step::Fetch {
                    bytes,
                    delay_ns: 2 * delay_ns,
                },
                unscaled => unscaled,
            };
            assert_eq!(*other, expected);
        }
    }
}
