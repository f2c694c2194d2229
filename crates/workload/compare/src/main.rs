//! The runner of the baseline `sequential`. It is also the referee: it calibrates, and computes the
//! digest that all must share.

use std::process::ExitCode;

use workload::runner::{Extras, serve};
use workload::sequential::Sequential;

fn main() -> ExitCode {
    serve(Sequential, Extras { referee: true })
}
