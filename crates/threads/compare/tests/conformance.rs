//! The conformance tests of every model, for `threads`.

workload_conformance::conformance_tests!(threads_compare::ThreadsModel, 1_000);

#[test]
fn tasks_at_once_are_on_threads_of_their_own_in_the_timeline() {
    let inputs = workload_conformance::waiting(12, "\"map\"", "[[step]]\nwait = \"200ms\"");
    for variant in ["", "limited", "cores"] {
        let nowhere = workload::task::Surroundings::default();
        let model = threads_compare::ThreadsModel;
        let found = workload_conformance::timeline(&model, variant, &inputs, &nowhere);
        let found = found.expect("it waits");
        let threads = workload_conformance::threads_of(&found);
        assert!(threads.len() > 1, "{found:?}");
        assert_eq!(threads.len(), found.lanes.len(), "{found:?}");
        let own = threads.iter().all(|(process, _)| *process == 0);
        assert!(own, "{found:?}");
    }
}
