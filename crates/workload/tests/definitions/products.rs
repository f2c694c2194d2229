//! The limits on all tasks together, where each line is within its own limit.

use crate::support::{assert_refused, good};

fn workload(tasks: u64, steps: &str) -> String {
    format!("name = \"n\"\npattern = \"map\"\ntasks = {tasks}\n{steps}")
}

fn exec(argument_bytes: usize) -> String {
    format!(
        "[[step]]\nexec = [\"true\", \"{}\"]\n",
        "x".repeat(argument_bytes)
    )
}

#[test]
fn steps_of_all_tasks_are_bounded() {
    let steps = "[[step]]\nwait = \"1ms\"\n".repeat(1000);
    assert_refused(&[(
        &workload(10_000_000, &steps),
        "3:9",
        &[
            "10_000_000 tasks of 1_000 steps are 10_000_000_000 steps",
            "keep to 50_000_000 steps",
            "50_000 tasks",
        ],
    )]);
    good(&workload(50_000, &steps));
    good(&workload(
        10_000_000,
        &"[[step]]\nwait = \"1ms\"\n".repeat(5),
    ));
}

#[test]
fn kinds_count_as_the_largest_of_them() {
    let of_kind =
        |kind: &str, steps| format!("[[step]]\nkind = \"{kind}\"\nwait = \"1ms\"\n").repeat(steps);
    let steps = of_kind("a", 5) + &of_kind("b", 5);
    good(&workload(10_000_000, &steps));
    let more = steps + "[[step]]\nwait = \"1ms\"\n";
    let problem = "10_000_000 tasks of 6 steps are 60_000_000 steps";
    assert_refused(&[(&workload(10_000_000, &more), "3:9", &[problem])]);
}

#[test]
fn arguments_of_all_tasks_are_bounded() {
    let problem =
        "10_000 tasks whose programs and arguments take 1_000_084 bytes are 10_000_840_000 bytes";
    assert_refused(&[(
        &workload(10_000, &exec(1_000_000)),
        "3:9",
        &[problem, "keep to 1_073_741_824 bytes", "1_073 tasks"],
    )]);
    good(&workload(1_073, &exec(1_000_000)));
    // Many short strings take more memory than their letters.
    let many = format!("[[step]]\nexec = [{}]\n", "\"a\",".repeat(200_000));
    assert_refused(&[(&workload(1_000, &many), "3:9", &["8_200_000 bytes"])]);
}
