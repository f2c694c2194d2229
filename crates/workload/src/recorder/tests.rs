//! Tests of the recorder, without a clock and without threads.

use super::*;

fn own(thread: u32) -> Place {
    Place {
        process: Process::Own,
        thread,
        stage: None,
    }
}

fn spans(lane: &Lane) -> &[(u64, u64, u32)] {
    &lane.spans
}

#[test]
fn overlapping_tasks_of_a_thread_take_its_lowest_free_lane() {
    let mut recorder = Recorder::default();
    let first = recorder.open(own(7), 0);
    let second = recorder.open(own(7), 1);
    recorder.close(first, 5);
    let third = recorder.open(own(7), 6);
    recorder.close(second, 8);
    recorder.close(third, 9);
    let timeline = recorder.finish(20);
    assert_eq!(timeline.check(), Ok(()));
    assert_eq!((timeline.tasks, timeline.wall_ns), (3, 20));
    let [one, two] = &timeline.lanes[..] else {
        panic!("{timeline:?}");
    };
    assert_eq!(spans(one), [(0, 5, 1), (6, 9, 1)]);
    assert_eq!(spans(two), [(1, 8, 1)]);
    // Numbered from 0, whatever the index of the thread.
    assert!(timeline.lanes.iter().all(|lane| lane.thread == 0));
}

#[test]
fn lanes_beyond_the_limit_are_counted() {
    let mut recorder = Recorder::default();
    let tokens: Vec<Token> = (0..100).map(|at| recorder.open(own(0), at)).collect();
    for token in tokens {
        recorder.close(token, 200);
    }
    let timeline = recorder.finish(200);
    assert_eq!(timeline.check(), Ok(()));
    assert_eq!(timeline.lanes.len(), Timeline::MAX_LANES);
    assert_eq!((timeline.tasks, timeline.lanes_left_out), (100, 36));
}

#[test]
fn thread_with_many_tasks_hides_no_other() {
    let mut recorder = Recorder::default();
    let mut tokens: Vec<Token> = (0..1_000).map(|at| recorder.open(own(0), at)).collect();
    tokens.push(recorder.open(own(1), 2_000));
    tokens.extend((0..1_000).map(|at| recorder.open(own(2), 3_000 + at)));
    for token in tokens {
        recorder.close(token, 5_000);
    }
    let timeline = recorder.finish(5_000);
    assert_eq!(timeline.check(), Ok(()));
    let of = |thread| {
        let lanes = timeline.lanes.iter();
        lanes.filter(|lane| lane.thread == thread).count()
    };
    assert_eq!((of(0), of(1), of(2)), (42, 1, 21));
    assert_eq!(timeline.lanes.len() as u64 + timeline.lanes_left_out, 2_001);
}

#[test]
fn hundred_threads_have_a_lane_each_up_to_the_limit() {
    let mut recorder = Recorder::default();
    for thread in 0..100 {
        let token = recorder.open(own(thread), u64::from(thread));
        recorder.close(token, 1_000);
    }
    let timeline = recorder.finish(1_000);
    assert_eq!(timeline.check(), Ok(()));
    assert_eq!((timeline.lanes.len(), timeline.lanes_left_out), (64, 36));
}

#[test]
fn spans_beyond_the_limit_merge_across_the_smallest_gaps() {
    let mut recorder = Recorder::default();
    // Bursts of 500 tasks, a gap of 10 between tasks, and of 1,000,000 between bursts.
    let mut now = 0;
    for _ in 0..40 {
        for _ in 0..500 {
            let token = recorder.open(own(0), now);
            recorder.close(token, now + 90);
            now += 100;
        }
        now += 1_000_000;
    }
    let timeline = recorder.finish(now);
    assert_eq!(timeline.check(), Ok(()));
    assert_eq!(timeline.tasks, 20_000);
    assert_eq!(timeline.merged_below_ns, 11);
    let spans = spans(&timeline.lanes[0]);
    assert_eq!(spans.len(), 40);
    assert!(spans.iter().all(|span| span.2 == 500), "{spans:?}");
}

#[test]
fn processes_and_threads_are_numbered_by_their_first_task() {
    let mut recorder = Recorder::default();
    let worker = |pid| Place {
        process: Process::Worker(pid),
        ..own(3)
    };
    recorder.add(worker(900), 0, 10);
    recorder.add(worker(100), 5, 10);
    recorder.add(worker(900), 10, 20);
    // It overlaps the last one of this worker.
    recorder.add(worker(900), 15, 30);
    let timeline = recorder.finish(10);
    assert_eq!(timeline.check(), Ok(()));
    let places: Vec<_> = timeline
        .lanes
        .iter()
        .map(|l| (l.process, l.thread))
        .collect();
    assert_eq!(places, [(1, 0), (1, 0), (2, 0)]);
    assert_eq!(spans(&timeline.lanes[0]), [(0, 10, 1), (10, 20, 1)]);
    assert_eq!(timeline.wall_ns, 30, "no span ends after the sample");
}

#[test]
fn stages_of_one_thread_have_lanes_of_their_own() {
    let mut recorder = Recorder::default();
    for stage in [1, 0, 1] {
        let place = Place {
            stage: Some(stage),
            ..own(0)
        };
        let token = recorder.open(place, 10 - u64::from(stage));
        recorder.close(token, 10);
    }
    let timeline = recorder.finish(20);
    let stages: Vec<_> = timeline.lanes.iter().map(|lane| lane.stage).collect();
    assert_eq!(stages, [Some(0), Some(1)]);
}
