//! The conformance tests of the model `pipeline`.

workload_conformance::conformance_tests!(pipeline_compare::PipelineModel, 100_000);
