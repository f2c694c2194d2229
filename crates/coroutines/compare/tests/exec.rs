//! Programs without a runtime end as they do under `sequential`: with the same value, leaving no
//! process.
#![cfg(unix)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use coroutines_compare::CoroutinesModel;
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

#[test]
fn values_equal_those_of_sequential() {
    for (command, timeout) in [
        ("cat", "60s"),
        ("exit 3", "60s"),
        ("kill -TERM $$", "60s"),
        ("sleep 59.3", "50ms"),
        ("exec >&-; sleep 59.3", "50ms"),
    ] {
        let right = outputs(&Sequential, "", command, timeout);
        assert!(right.iter().all(Result::is_ok), "{command}: {right:?}");
        for variant in ["", "smol"] {
            let outputs = outputs(&CoroutinesModel, variant, command, timeout);
            assert_eq!(outputs, right, "{variant}: {command}");
        }
    }
}

#[test]
fn time_limit_ends_processes_that_the_program_started() {
    let mark = format!("60.{}", std::process::id());
    for variant in ["", "smol"] {
        let command = format!("sleep {mark} & wait");
        outputs(&CoroutinesModel, variant, &command, "50ms");
        let deadline = Instant::now() + Duration::from_secs(10);
        while alive(&mark) {
            assert!(Instant::now() < deadline, "`sleep {mark}` is still alive");
            std::thread::sleep(Duration::from_millis(5));
        }
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
