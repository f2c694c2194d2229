//! The tests that every model passes, called by `tests/conformance.rs` of each runner.
//!
//! The tests of a runner are one call of [`conformance_tests!`](crate::conformance_tests), which
//! makes a test of each check.

mod checks;
mod files;
mod manifest;
mod origin;
mod programs;
mod quiet;
mod serving;
mod timeline;

pub use checks::*;
pub use manifest::*;
pub use programs::*;
pub use serving::*;
pub use timeline::*;

/// Makes a test of each check, for a model.
///
/// The second argument is the largest number of tasks: 100,000 for models that run them in this
/// process on a limited number of threads, 1,000 for those that take a thread or a child process
/// for each.
#[macro_export]
macro_rules! conformance_tests {
    ($model:expr, $most:expr) => {
        $crate::conformance_tests!(@tests $model, $most;
            builtin_workloads_match_sequential,
            every_kind_of_step_matches_sequential,
            lying_server_is_an_error_and_costs_little,
            outputs_are_in_input_order,
            declared_concurrency_is_reached_and_kept,
            panicking_task_affects_no_other,
            failing_task_affects_no_other,
            any_number_of_tasks_is_done,
            rounds_read_the_previous_generation,
            fold_adds_up,
            histogram_counts_keys,
            thousand_sessions_are_served,
            timeline_has_every_task,
            timeline_shows_the_declared_concurrency,
            timeline_shows_the_threads,
            no_thread_or_descriptor_is_leaked
        );

        #[test]
        fn manifest_lists_the_variants() {
            let folder = env!("CARGO_MANIFEST_DIR");
            $crate::manifest_lists_the_variants(&$model, folder);
        }
    };
    (@tests $model:expr, $most:expr; $($check:ident),*) => {
        $(
            #[test]
            fn $check() {
                $crate::$check(&$model, $most);
            }
        )*
    };
}
