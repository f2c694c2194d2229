//! Inputs packed to be sent, and outputs decoded on arrival.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::MemfdFlags;

use crate::buffer;
use crate::codec::{self, Descriptors, not_decoded, not_encoded};
use crate::error::{JobError, SubmitError};
use crate::panic::catch;
use crate::parent::batch::end_input;
use crate::parent::map_results::RawOutput;
use crate::transport::descriptor::memory_file;
use crate::transport::layout::SPILL;

/// Why a buffer cannot be part of plain bytes.
pub(crate) const BUFFER_STAYS: &str = "a buffer can only travel between processes of one machine";

/// An encoded input, ready to send.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Descriptors,
    pub(crate) spilled: Option<usize>,
}

impl Packed {
    /// Writes the length in front of the bytes, and moves a large input into a memory file.
    pub(crate) fn new(
        mut bytes: Vec<u8>,
        mut descriptors: Descriptors,
    ) -> Result<Self, SubmitError> {
        if !end_input(&mut bytes, 4) {
            return Err(SubmitError::Input(
                "it takes more than 4 GiB: put large data into a `Buffer`".to_owned(),
            ));
        }
        if bytes.len() <= SPILL {
            return Ok(Self {
                bytes,
                descriptors,
                spilled: None,
            });
        }
        let spilled = Some(bytes.len());
        let write = || {
            let file = File::from(memory_file("process-pool-input", MemfdFlags::empty())?);
            file.write_all_at(&bytes, 0)?;
            Ok(OwnedFd::from(file))
        };
        descriptors.insert(0, Arc::new(write().map_err(SubmitError::Memory)?));
        Ok(Self {
            bytes: Vec::new(),
            descriptors,
            spilled,
        })
    }
}

/// Decodes an output. A panic in its `Deserialize` is an error of this output.
pub(crate) fn value<T: serde::de::DeserializeOwned>(raw: RawOutput) -> Result<T, JobError> {
    buffer::check_memory(&raw.descriptors)?;
    output(&raw.bytes, raw.descriptors)
}

/// Decodes an output from bytes and descriptors.
pub(crate) fn output<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
    descriptors: Descriptors,
) -> Result<T, JobError> {
    let decoded = catch(|| codec::decode(bytes, descriptors));
    let decoded = decoded
        .unwrap_or_else(|panic| Err(format!("its `Deserialize` panicked: {}", panic.message())));
    decoded.map_err(|why| JobError::Output(not_decoded(&why)))
}

/// The output as bytes.
pub(crate) fn plain(raw: RawOutput) -> Result<Vec<u8>, JobError> {
    if raw.descriptors.is_empty() {
        Ok(raw.bytes)
    } else {
        Err(JobError::Output(not_encoded(BUFFER_STAYS)))
    }
}
