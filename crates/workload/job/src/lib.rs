//! A function of your own as a job: it is compared under every model.
//!
//! `cargo xtask new job DIR` writes a crate that uses this one, and `cargo xtask compare --job DIR`
//! builds it into one program with all models and compares them. `docs/your-job.md` explains both.
//!
//! ```no_run
//! fn inputs(tasks: usize, seed: u64) -> Vec<String> {
//!     (0..tasks).map(|task| format!("line {task} of {seed}")).collect()
//! }
//!
//! fn run(line: &String) -> usize {
//!     line.split(' ').count()
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     job::Job::new(inputs, run).tasks(200).main()
//! }
//! ```
//!
//! # How outputs are hashed
//!
//! Models agree if the outputs of all tasks have the same hash, in a process of each model's own.
//! So an output has to be a [`Value`], which are the types whose content is the same everywhere:
//! numbers, text, bytes, and tuples, lists and sorted maps of these. The order of a `HashMap` does
//! not repeat, so it is none: collect it into a `BTreeMap`. A type of your own becomes one by
//! [`value!`], and [`Hashed`] takes any type that implements [`Hash`](std::hash::Hash).

#![forbid(unsafe_code)]

mod builder;
mod calling;
mod check;
mod digest;
mod hashed;
mod loaded;
mod outcome;
mod program;
mod value;

pub use builder::Job;
pub use calling::AsyncCall;
pub use digest::Digest;
pub use hashed::Hashed;
pub use outcome::Outcome;
pub use value::Value;
/// Random numbers that follow from a seed, for `inputs`.
pub use workload::value::Rng;
