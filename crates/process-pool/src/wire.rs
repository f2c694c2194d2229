//! Jobs as names and bytes, for whoever carries them further than this machine.
//!
//! A job is a name, its input some bytes, its output some bytes. [`ProcessPool::submit_bytes`] runs it in a pool,
//! [`Program::call`] in this process. What stands between the two sides is up to the caller; the format is that of
//! [postcard](https://docs.rs/postcard).
//!
//! [`ProcessPool::submit_bytes`]: crate::ProcessPool::submit_bytes
//! [`Program::call`]: crate::Program::call

use crate::{Job, JobError, SubmitError, codec};

/// The name of a job.
pub fn name<J: Job>() -> &'static str {
    J::NAME
}

/// The input of a job as bytes.
///
/// # Errors
/// [`SubmitError::Input`] if it cannot be encoded, or holds a [`Buffer`](crate::Buffer), which no bytes can carry.
pub fn input<J: Job>(input: &J::Input) -> Result<Vec<u8>, SubmitError> {
    let mut bytes = Vec::new();
    let descriptors = codec::encode(input, &mut bytes).map_err(SubmitError::Input)?;
    if descriptors.is_empty() {
        Ok(bytes)
    } else {
        Err(SubmitError::Input(
            "a buffer travels between the processes of one machine only".to_owned(),
        ))
    }
}

/// The output of a job from bytes.
///
/// # Errors
/// [`JobError::Output`] if the bytes are no such output.
pub fn output<J: Job>(bytes: &[u8]) -> Result<J::Output, JobError> {
    crate::pool::output(bytes, Vec::new())
}
