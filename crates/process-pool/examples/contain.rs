//! An untrusted decoder in worker processes: it crashes on some inputs and hangs on others, and
//! every input gets its result or its reason.
//!
//! `cargo run -p effective-process-pool --example contain`

use std::time::Duration;

use effective_process_pool::{JobError, ProcessPool, job, register};

job! {
    /// A stand-in for a C library.
    fn decode(input: String) -> usize {
        match input.as_str() {
            "bomb" => std::process::abort(),
            "loop" => loop { std::hint::spin_loop() },
            "greedy" => vec![1_u8; 4 << 30].len(),
            text => text.len(),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = register![decode];
    let pool = ProcessPool::builder(&program)
        .workers(2)
        .time_limit(Duration::from_secs(2))
        .memory_limit(256 << 20)
        .capture_stderr()
        .build()?;
    let inputs = ["fine", "bomb", "loop", "greedy", "fine as well"].map(str::to_owned);
    for (input, result) in inputs.iter().zip(pool.map::<decode>(&inputs)) {
        match result {
            Ok(length) => println!("{input}: {length} bytes"),
            Err(JobError::TimedOut(limit)) => println!("{input}: gave up after {limit:?}"),
            Err(error) => println!("{input}: {error}"),
        }
    }
    Ok(())
}
