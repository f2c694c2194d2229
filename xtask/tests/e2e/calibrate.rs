//! The calibration from end to end, as short as it can be, and the comparison that goes by it.

use std::fs;
use std::time::SystemTime;

use rustix::process::Signal;
use xtask::calibration::{self, Calibration, ENOUGH_TRIALS};

use crate::support::{Comparison, WORK, wait_until};

const DOCUMENT: &str = "before\n<!-- begin: calibrated -->\nold\n<!-- end: calibrated -->\nafter\n";

#[test]
fn calibration_is_printed_kept_put_in_and_quoted() {
    let command = Comparison::calibration().args(["--budget", "2s"]);
    let document = command.file("page.md", DOCUMENT);
    let finished = command
        .args(["--into".into(), document.clone().into_os_string()])
        .run();
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    for part in [
        "the same program twice",
        "CPU work, 3 %",
        "This machine resolves",
    ] {
        assert!(finished.stdout.contains(part), "{}", finished.stdout);
    }
    let page = fs::read_to_string(&document).unwrap();
    assert!(
        page.starts_with("before\n<!-- begin: calibrated -->\n```text\nCalibration of")
            && page.ends_with("```\n<!-- end: calibrated -->\nafter\n"),
        "{page}"
    );

    let output = finished.results.parent().unwrap().to_owned();
    let text = fs::read_to_string(output.join(calibration::NAME)).unwrap();
    let kept: Calibration = serde_json::from_str(&text).unwrap();
    let read = calibration::read(&output, &kept.machine, SystemTime::now()).unwrap();
    assert_eq!(read, kept);
    assert!(
        kept.same.trials >= 3 && kept.same.trials < ENOUGH_TRIALS,
        "{kept:#?}"
    );
    assert!(
        kept.relinked.is_some() != kept.not_relinked.is_some(),
        "{kept:#?}"
    );
    assert!(!output.join(WORK).exists());

    // A comparison that writes there as well goes by it.
    let compared = Comparison::tiny()
        .output(output.clone().into_os_string())
        .run();
    assert_eq!(compared.code(), 0, "{}", compared.stderr);
    assert!(
        compared.stderr.contains(&kept.quoted()),
        "{}",
        compared.stderr
    );
    let results = xtask::results::read(&output.join("results.json")).unwrap();
    assert_eq!(results.settings.floor, Some(kept.floor));
    assert_eq!(results.settings.calibrated, Some(kept.started));
}

#[test]
fn interrupted_calibration_leaves_nothing() {
    let running = Comparison::calibration().args(["--budget", "60s"]).start();
    let output = running.comparison().path("out");
    wait_until("it has inputs", || {
        output.join(WORK).join("relinked").exists()
    });
    running.signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(finished.code(), 130, "{}", finished.stderr);
    assert!(!output.join(calibration::NAME).exists());
    finished.nothing_left();
}

#[test]
fn bad_document_costs_no_calibration() {
    let command = Comparison::calibration();
    let document = command.file("page.md", "no marker\n");
    let finished = command
        .args(["--into".into(), document.into_os_string()])
        .run();
    assert_eq!(finished.code(), 2, "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("`<!-- begin: calibrated -->` is missing"),
        "{}",
        finished.stderr
    );
}
