//! Programs that the tasks of a model run: their values, and their processes after a time limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use workload::definition::parse;
use workload::inputs::make;
use workload::model::{Batch, Model, Outputs};
use workload::sequential::Sequential;
use workload::task::Surroundings;

fn outputs<M: Model>(model: &M, variant: &str, command: &str, timeout: &str) -> Outputs {
    let text = format!(
        "name = \"exec\"\npattern = \"map\"\ntasks = 2\n[[step]]\nexec = [\"sh\", \"-c\", \"{command}\"]\ntimeout = \"{timeout}\"\n"
    );
    let inputs = make(&parse(&text, "test").unwrap(), 1);
    let mut ready = model.prepare(variant, &inputs, 2).unwrap();
    model.run(
        &mut ready,
        &Arc::new(Batch::new(Arc::new(inputs), Surroundings::default())),
    )
}

/// Programs end with the same value as under `sequential`.
///
/// # Panics
/// If they do not.
pub fn programs_have_the_value_of_sequential<M: Model>(model: &M, variant: &str) {
    for (command, timeout) in [
        ("cat", "60s"),
        ("exit 3", "60s"),
        ("kill -TERM $$", "60s"),
        ("sleep 59.3", "50ms"),
        ("exec >&-; sleep 59.3", "50ms"),
    ] {
        let right = outputs(&Sequential, "", command, timeout);
        assert!(right.iter().all(Result::is_ok), "{command}: {right:?}");
        let outputs = outputs(model, variant, command, timeout);
        assert_eq!(outputs, right, "`{variant}`: {command}");
    }
}

/// A time limit ends the processes that a program has started, too.
///
/// # Panics
/// If one is left.
pub fn time_limit_ends_all_processes<M: Model>(model: &M, variant: &str) {
    let mark = format!("60.{}", std::process::id());
    outputs(model, variant, &format!("sleep {mark} & wait"), "50ms");
    let deadline = Instant::now() + Duration::from_secs(10);
    while alive(&mark) {
        assert!(Instant::now() < deadline, "`sleep {mark}` is still alive");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process has this argument. A zombie shows none.
fn alive(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|word| word == argument.as_bytes())
    })
}
