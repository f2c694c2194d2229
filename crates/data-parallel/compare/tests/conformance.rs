//! What every model must do, done by `data-parallel`.

workload::conformance_tests!(data_parallel_compare::DataParallelModel, 100_000);
