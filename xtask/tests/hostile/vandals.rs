//! Contestants that damage the files of the comparison. Their row is the only one that suffers.

use std::fs;

use libtest_mimic::Trial;

use crate::contestant::VICTIM;
use crate::scene::{fails, trial, with, with_files};
use crate::support::{Finished, TINY, WORK};

/// Expects the warning that files were made again.
#[track_caller]
fn warns(finished: &Finished) {
    let warnings = finished.results().warnings;
    let warned = |line: &String| line.starts_with("tiny: ") && line.contains("made again");
    assert!(warnings.iter().any(warned), "{warnings:?}");
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("inputs_deleted_by_a_crashing_contestant_are_remade", || {
            let finished = with("delete@sample,exit@sample").budget("2s").run();
            fails(&finished, "crashed: ");
            warns(&finished);
        }),
        trial("inputs_deleted_by_a_cheating_contestant_are_remade", || {
            let finished = with("delete@sample,wrong@sample").budget("2s").run();
            fails(&finished, "wrong answer: ");
            warns(&finished);
        }),
        trial("inputs_overwritten_while_loading_spoil_one_row", || {
            let finished = with("overwrite@load").budget("2s").run();
            fails(&finished, "its inputs were changed");
            warns(&finished);
        }),
        trial("files_of_tasks_overwritten_spoil_one_row", || {
            let finished = with_files("spoil@sample,exit@sample").budget("2s").run();
            fails(&finished, "crashed: ");
            warns(&finished);
        }),
        trial("names_taken_in_the_work_folder_are_taken_back", || {
            let comparison = with("squat@sample");
            let out = comparison.path("out");
            fs::create_dir(&out).expect("a folder");
            fs::write(out.join(VICTIM), "mine").expect("a file");
            let mut comparison = comparison;
            for name in ["fifo", "link"] {
                let file = comparison.file(name, &TINY.replace("tiny", name));
                comparison = comparison.args(["--workload-file".into(), file.into_os_string()]);
            }
            let finished = comparison.run();
            let results = finished.results();
            assert_eq!(finished.code(), 0, "{}", finished.stderr);
            assert_eq!(results.cells.len(), 6, "{:#?}", results.cells);
            assert!(results.cells.iter().all(|cell| cell.verified));
            let victim = fs::read_to_string(out.join(VICTIM)).expect("it is still there");
            assert_eq!(victim, "mine");
            assert!(!out.join(WORK).exists());
        }),
    ]
}
