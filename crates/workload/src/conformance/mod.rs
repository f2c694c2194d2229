//! The tests that every model passes: called by `tests/conformance.rs` of each runner.
//!
//! A runner's tests are one line, [`conformance_tests!`](crate::conformance_tests), which makes an ordinary
//! test of each of the checks here.

mod checks;
mod files;
mod manifest;
mod origin;
mod quiet;
mod serving;

pub use checks::*;
pub use manifest::*;
pub use serving::*;

/// Makes a test of each check, for a model.
///
/// The second argument is the largest number of tasks: 100,000 where the model runs them in this process on
/// a bounded set of threads, 1,000 where it takes a thread or a child for each.
#[macro_export]
macro_rules! conformance_tests {
    ($model:expr, $most:expr) => {
        $crate::conformance_tests!(@tests $model, $most;
            builtin_workloads_have_the_digest_of_sequential,
            every_kind_of_step_has_the_value_of_sequential,
            server_that_lies_is_an_error_and_costs_little,
            outputs_are_in_input_order,
            as_many_tasks_at_once_as_announced,
            a_panicking_task_harms_no_other,
            a_failing_task_harms_no_other,
            none_one_and_many_tasks_are_all_done,
            rounds_start_from_the_generation_before,
            folds_add_up,
            histograms_count,
            a_thousand_sessions_are_served_to_their_end,
            nothing_is_left_behind
        );

        #[test]
        fn the_manifest_names_the_variants() {
            let folder = env!("CARGO_MANIFEST_DIR");
            $crate::conformance::the_manifest_names_the_variants(&$model, folder);
        }
    };
    (@tests $model:expr, $most:expr; $($check:ident),*) => {
        $(
            #[test]
            fn $check() {
                $crate::conformance::$check(&$model, $most);
            }
        )*
    };
}
