//! Jobs as names and bytes, for programs that send them to other machines.
//!
//! A job is a name; its input and output are bytes in the format of
//! [postcard](https://docs.rs/postcard). [`ProcessPool::submit_bytes`] runs it in a pool,
//! [`Program::call`] in this process. The transport in between is up to the caller.
//!
//! [`ProcessPool::submit_bytes`]: crate::ProcessPool::submit_bytes
//! [`Program::call`]: crate::Program::call

use crate::codec;
use crate::error::{JobError, SubmitError};
use crate::job::Job;
use crate::transfer::{self, BUFFER_STAYS};

/// The name of a job.
pub fn name<J: Job>() -> &'static str {
    J::NAME
}

/// The input of a job as bytes.
///
/// # Errors
/// [`SubmitError::Input`] if it cannot be encoded, or holds a [`Buffer`](crate::Buffer), which
/// cannot leave the machine.
pub fn input<J: Job>(input: &J::Input) -> Result<Vec<u8>, SubmitError> {
    let mut bytes = Vec::new();
    let descriptors = codec::encode(input, &mut bytes).map_err(SubmitError::Input)?;
    if descriptors.is_empty() {
        Ok(bytes)
    } else {
        Err(SubmitError::Input(BUFFER_STAYS.to_owned()))
    }
}

/// The output of a job from bytes.
///
/// # Errors
/// [`JobError::Output`] if the bytes do not decode to this output.
pub fn output<J: Job>(bytes: &[u8]) -> Result<J::Output, JobError> {
    transfer::output(bytes, Vec::new())
}
