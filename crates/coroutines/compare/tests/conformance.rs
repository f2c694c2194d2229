//! The conformance tests, for `coroutines`.

workload_conformance::conformance_tests!(coroutines_compare::CoroutinesModel, 100_000);

#[test]
fn coroutines_overlap_on_one_thread_in_the_timeline() {
    let inputs = workload_conformance::waiting(12, "\"map\"", "[[step]]\nwait = \"20ms\"");
    for variant in ["", "smol"] {
        let nowhere = workload::task::Surroundings::default();
        let model = coroutines_compare::CoroutinesModel;
        let found = workload_conformance::timeline(&model, variant, &inputs, &nowhere);
        let found = found.expect("it waits");
        let threads = workload_conformance::threads_of(&found);
        assert_eq!(threads.into_iter().collect::<Vec<_>>(), [(0, 0)]);
        // On one thread, all futures are polled once before a timer is looked at.
        assert_eq!(found.lanes.len(), 12, "{found:?}");
    }
}
