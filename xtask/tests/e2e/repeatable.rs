//! The same seed, the same inputs, the same answers, on every run and every machine.

use std::fs;

use crate::support::Comparison;

/// Ten tasks of every built-in workload at a hundred iterations a microsecond. Whatever changes one
/// of these makes all earlier results incomparable: a kernel, a distribution, the making of inputs,
/// the digest.
const KNOWN: [(&str, &str); 15] = [
    ("children", "742f58e3817a0bed"),
    ("counter", "d20e593ad1341199"),
    ("fan-out", "adafb617d0800c7f"),
    ("fetch", "6c7e129f3ef71cd1"),
    ("files", "94f513100de651d5"),
    ("gcd", "5aaa0719f9493e0c"),
    ("guess", "491592a29da4309b"),
    ("histogram", "a67ed1f77f1c84dc"),
    ("life", "5b6fb58e61fa4759"),
    ("life-io", "5b6fb58e61fa4759"),
    ("mandelbrot", "762557a2dc443254"),
    ("merge-logs", "48b475aaed94c969"),
    ("mixed", "5051c794d3c3b0ac"),
    ("pipeline", "11247785e19eabf0"),
    ("waits", "b01e52e4ef2de6d4"),
];

/// The inputs file and the digests of a run over these workloads.
fn run(workloads: &[&str], seed: &str) -> (Vec<u8>, Vec<(String, String)>) {
    let comparison = Comparison::new();
    let inputs = comparison.path("inputs.jsonl");
    let finished = comparison
        .args(workloads)
        .args(["--model", "sequential", "--budget", "0s"])
        .args(["--tasks", "10", "--iterations-per-us", "100"])
        .args(if seed.is_empty() {
            vec![]
        } else {
            vec!["--seed", seed]
        })
        .args(["--inputs".into(), inputs.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    let digests = finished.results().workloads;
    let digests = digests
        .into_iter()
        .map(|workload| (workload.name, workload.digest));
    let inputs = fs::read(inputs).expect("the inputs are kept");
    (inputs, digests.collect())
}

#[test]
fn equal_seeds_give_equal_inputs_and_digests() {
    let workloads = ["files", "gcd", "waits"];
    let first = run(&workloads, "7");
    assert_eq!(
        first.0.iter().filter(|byte| **byte == b'\n').count(),
        3 * 11
    );
    assert!(first == run(&workloads, "7"));
    let other = run(&workloads, "8");
    assert_ne!(first.0, other.0);
    for (mine, others) in first.1.iter().zip(&other.1) {
        assert_ne!(mine.1, others.1, "{}", mine.0);
    }
}

#[test]
fn the_built_in_workloads_have_the_digests_they_always_had() {
    let names: Vec<&str> = workload::definition::builtins()
        .iter()
        .map(|workload| workload.name.as_str())
        .collect();
    let known = KNOWN.map(|(name, digest)| (name.to_owned(), digest.to_owned()));
    let mut found = run(&names, "").1;
    found.sort();
    assert_eq!(found, known);
}

/// The referee started threads for each generation, and their CPU time counted as the work.
#[test]
fn many_tiny_generations_do_not_make_sequential_a_cheat() {
    let comparison = Comparison::new();
    let file = comparison.path("tiny.toml");
    let text = "name = \"tiny\"\npattern = \"rounds\"\ntasks = 4\nrounds.generations = 2000\n\
                [[step]]\nkernel = \"life\"\n";
    fs::write(&file, text).expect("a file");
    let finished = comparison
        .args(["--model", "sequential", "--budget", "0s"])
        .args(["--workload-file".into(), file.into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert_eq!(finished.results().cells[0].error, None);
}
