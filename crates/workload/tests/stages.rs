//! A task done stage by stage has the same value as the whole task.

use std::sync::Arc;

use workload::definition::parse;
use workload::inputs::{Inputs, make};
use workload::model::Batch;
use workload::task::Surroundings;

const PIPELINE: &str = r#"
name = "staged"
pattern = "pipeline"
tasks = 40
seed = 3
[[step]]
kernel = "gcd"
stage = 0
[[step]]
compute = "1us"
kind = "long"
stage = 2
[[step]]
exec = ["cat"]
stage = 2
[[step]]
exec = ["cat"]
stage = 5
[[step]]
compute = "2us"
kind = "short"
stage = 7
"#;

fn batch(inputs: Inputs) -> Batch {
    Batch::new(Arc::new(inputs), Surroundings::default())
}

#[test]
fn stages_give_the_same_value_as_the_whole_task() {
    let batch = batch(make(&parse(PIPELINE, "staged").unwrap(), 5));
    assert_eq!(batch.stages(), [0, 1, 2, 3]);
    for index in 0..batch.len() {
        let mut carried = batch.begin(index);
        for stage in batch.stages() {
            carried = batch.run_stage(index, stage, carried).unwrap();
        }
        assert_eq!(Ok(batch.end(index, &carried)), batch.run(index), "{index}");
    }
}

#[test]
fn stage_without_steps_changes_nothing() {
    let batch = batch(make(&parse(PIPELINE, "staged").unwrap(), 5));
    let carried = batch.begin(0);
    assert_eq!(batch.run_stage(0, 9, carried.clone()), Ok(carried));
}

#[test]
fn other_patterns_have_no_stages() {
    let text = "name = \"flat\"\npattern = \"map\"\ntasks = 2\n[[step]]\nkernel = \"gcd\"\n";
    assert!(
        batch(make(&parse(text, "flat").unwrap(), 1))
            .stages()
            .is_empty()
    );
}
