//! Folders that are no job of this checkout, and code that does not compile.

use std::fs;

use crate::built::{folder, new_job};
use crate::support::Comparison;

fn comparison(folder: &std::path::Path) -> Comparison {
    Comparison::new().args(["--job".into(), folder.as_os_str().to_owned()])
}

#[test]
fn missing_folder_is_refused() {
    let nowhere = Comparison::new();
    let folder = nowhere.path("nowhere");
    comparison(&folder)
        .run()
        .refused(&["there is no Cargo.toml", "cargo xtask new job"]);
}

#[test]
fn crate_that_is_no_job_is_refused() {
    let own = Comparison::new();
    let folder = own.path("own");
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("src/main.rs"), "fn main() {}").expect("a file");
    let manifest =
        "[package]\nname = \"own\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).expect("a file");
    comparison(&folder).run().refused(&["it is no job"]);
    let other = format!("{manifest}[dependencies]\nworkload-job = {{ path = \"/elsewhere\" }}\n");
    fs::write(folder.join("Cargo.toml"), other).expect("a file");
    comparison(&folder)
        .run()
        .refused(&["/elsewhere, not that of this checkout"]);
}

#[test]
fn other_work_beside_a_job_is_refused() {
    for (args, word) in [
        (&["gcd"][..], "WORKLOAD"),
        (&["--runner", "mine=cat"], "--runner"),
        (&["--rate", "5"], "--rate"),
        (&["--model", "thread"], "there is no model `thread`"),
    ] {
        comparison(folder())
            .args(args.iter().copied())
            .run()
            .refused(&[word]);
    }
}

#[test]
fn errors_of_the_compiler_are_shown() {
    let own = Comparison::new();
    let folder = own.path("broken");
    let told = new_job(&folder);
    assert!(
        told.contains("src/main.rs") && told.contains("compare --job"),
        "{told}"
    );
    let program = folder.join("src/main.rs");
    assert!(program.is_file());
    let text = r#"
        use std::collections::HashMap;
        fn inputs(tasks: usize, _: u64) -> Vec<usize> { vec![1; tasks] }
        fn run(input: &usize) -> HashMap<usize, usize> { HashMap::from([(*input, 1)]) }
        fn main() -> std::process::ExitCode { job::Job::new(inputs, run).main() }
    "#;
    fs::write(&program, text).expect("it is ours");
    let finished = comparison(&folder).run();
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    for words in [
        "error[E0",
        "cannot be hashed alike in every process",
        "collect it into a BTreeMap",
    ] {
        assert!(
            finished.stderr.contains(words),
            "no {words:?} in {}",
            finished.stderr
        );
    }
    let last = finished.stderr.lines().last().unwrap_or_default();
    assert!(last.contains("does not build, see above"), "{last}");
    assert!(!folder.join("target").exists());
    finished.nothing_left();
}
