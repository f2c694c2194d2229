//! The example `build_steps`, started as a program.

#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/build_steps.rs"]
mod build_steps;
#[path = "support/example.rs"]
mod example;

use std::fs;

use example::{Folder, refuses, run, start};

#[test]
fn example_succeeds_with_its_defaults() {
    example::become_or_check(build_steps::run);
}

#[test]
fn stages_run_one_after_another() {
    let folder = Folder::new();
    let made = folder.path().join("made");
    let (a, b) = (made.join("a"), made.join("b"));
    let steps = format!(
        "mkdir {made}\n\n# Both need the folder.\ntouch {a}\ntouch {b}\n\ncat {a} {b}\n",
        made = made.display(),
        a = a.display(),
        b = b.display()
    );
    let ended = run(&[folder.write("steps", steps)]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(ended.stdout.ends_with("4 steps passed\n"), "{ended:?}");
}

#[test]
fn failed_step_shows_its_output_and_ends_the_build() {
    let folder = Folder::new();
    let never = folder.path().join("never");
    let steps = format!(
        "true\necho no such host >&2; exit 7\n\ntouch {}\n",
        never.display()
    );
    let ended = run(&[folder.write("steps", steps)]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("FAILED  echo no such host >&2; exit 7 (exit status: 7)")
    );
    assert!(
        ended.stdout.contains("\n        no such host\n"),
        "{ended:?}"
    );
    assert!(
        ended
            .stdout
            .ends_with("1 of 2 steps of stage 1 of 2 failed\n"),
        "{ended:?}"
    );
    assert!(!never.exists());
}

#[test]
fn late_step_is_ended_with_its_whole_tree() {
    let folder = Folder::new();
    let id = folder.path().join("id");
    // The second `sleep` has left the group and the session of the step.
    let step = format!(
        "setsid sh -c 'echo $$ >{id}; exec sleep 600' & while [ ! -s {id} ]; do sleep 0.1; done; \
         sleep 600",
        id = id.display()
    );
    let mut running = start(&["-", "1", "2"]);
    running.write(&step);
    let ended = running.end();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("LATE    setsid"), "{ended:?}");
    // On a machine so busy that the step did not get to it, there is nothing to look for.
    if let Ok(id) = fs::read_to_string(&id) {
        let command = fs::read(format!("/proc/{}/cmdline", id.trim())).unwrap_or_default();
        assert_ne!(command, b"sleep\x00600\x00", "process {id} is left");
    }
}

#[test]
fn bad_arguments_are_refused() {
    refuses(&["no such file"], "no such file");
    refuses(&["-", "0"], "\"0\" is not a number of at least 1");
    refuses(
        &["-", "1", "soon"],
        "\"soon\" is not a number of at least 1",
    );
    refuses(&["-", "1", "1", "1"], "\"1\" is one argument too many");
}
