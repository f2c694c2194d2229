//! The conformance tests of every model, for `data-parallel`.

workload_conformance::conformance_tests!(data_parallel_compare::DataParallelModel, 100_000);
