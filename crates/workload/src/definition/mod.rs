//! Workload definitions, and their parser.
//!
//! The types hold a validated definition. [`parse`] and [`load`] make one from text; an error is
//! one line that says what is wrong and what to do.

pub(crate) mod builtin;
pub(crate) mod distribution;
pub(crate) mod limits;
mod parse;
pub(crate) mod replay;
pub(crate) mod scale;
pub(crate) mod types;
mod units;

pub use builtin::{builtin, builtins};
pub use distribution::Distribution;
pub use limits::{
    LARGEST_BUFFER, LARGEST_BYTES, LAST_STAGE, LONGEST_NS, LONGEST_SECONDS, MOST_ARGUMENT_BYTES,
    MOST_GENERATIONS, MOST_KEYS, MOST_RECORDED, MOST_SESSIONS, MOST_STEPS,
};
pub use parse::{DefinitionError, load, load_with_programs, of_trace, parse, read_trace};
pub use replay::{Recorded, Replay};
pub use scale::Scale;
pub use types::{Action, Definition, Pattern, Step, Talk, requests};
