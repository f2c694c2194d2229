//! The conformance tests of the model `pipeline`.

workload::conformance_tests!(pipeline_compare::PipelineModel, 100_000);
