//! Models of the protocols between threads, for the model checker loom.
//!
//! They need private parts of the crate, so they are compiled into it, with `--cfg model_check`
//! only. `tests/model_check.rs` turns each of them into a test.

mod check;
mod growth;
mod maps;
mod scopes;
mod tasks;
mod workers;

/// Calls the macro `$with` with the names of all models, by file. A model that is missing here is
/// dead code, which the compiler reports.
#[macro_export]
macro_rules! all_models {
    ($with:ident) => {
        $with! {
            growth {
                pool_grows_for_jobs_that_need_each_other,
                jobs_submitted_while_a_worker_retires_get_two_workers,
                two_submitters_at_once_both_get_a_worker,
                jobs_run_on_the_existing_worker_when_a_thread_is_refused,
                worker_that_retires_while_the_pool_closes_is_joined,
            }
            maps {
                waiter_gets_every_result_of_two_workers_in_order,
                stopped_map_has_a_result_or_an_error_per_input,
                map_ends_when_all_helpers_are_dropped_unused,
                stream_of_a_closed_pool_is_complete_or_has_an_error,
            }
            scopes {
                scope_ends_after_job_whose_handle_is_forgotten,
                scope_ends_after_forgotten_job_that_panics,
                scope_reports_panic_of_job_whose_handle_is_dropped,
                scope_whose_closure_panics_waits_for_its_job,
                cancel_of_scoped_job_against_its_start_repays_once,
                last_of_two_workers_to_repay_wakes_the_owner,
                job_submitted_by_a_job_extends_the_scope,
                result_of_scoped_job_passes_to_waiter_or_ends_in_scope,
                scope_on_a_worker_of_a_full_pool_runs_its_own_job,
                scoped_map_drops_function_and_inputs_before_it_returns,
            }
            tasks {
                waiter_gets_the_result_early_or_late,
                cancel_during_the_start_cancels_or_runs,
                last_of_worker_and_handle_drops_the_result,
                third_reference_neither_leaks_nor_frees_the_task,
                callback_added_before_or_after_the_end_runs_once,
                waker_is_woken_when_the_job_has_ended,
                removed_waker_is_dropped_once,
            }
            workers {
                job_submitted_while_the_worker_falls_asleep_runs,
                submission_during_shutdown_is_refused_or_runs,
                two_workers_with_one_spinner_run_all_jobs_and_exit,
                two_jobs_that_need_each_other_get_a_worker_each,
            }
        }
    };
}

macro_rules! publish {
    ($($file:ident { $($model:ident,)* })*) => {
        $($(
            #[allow(missing_docs, reason = "only the tests call it")]
            pub fn $model() {
                $file::$model();
            }
        )*)*
    };
}
all_models!(publish);
