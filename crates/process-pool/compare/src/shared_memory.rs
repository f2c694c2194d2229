//! Memory shared by the parent and all workers: the context of the tasks, and when and where each
//! ran.

use std::time::Duration;

use effective_process_pool::Buffer;
use serde::{Deserialize, Serialize};
use workload::model::Batch;
use workload::task::{Failure, Surroundings};
use workload::trace::{Elsewhere, clock_ns};

/// The longest context: a path takes 4 KiB at most, and JSON may take six bytes for one.
const TEXT: usize = 32 * 1024;
const WORD: usize = size_of::<u64>();

/// The record of a task: its start and end by the clock that all processes share, and the id of the
/// worker; all 0 if it has not ended.
const RECORD: usize = 3 * WORD;

/// The parent writes only while no task runs. Each job carries the version, which tells a worker to
/// read again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SharedMemory {
    /// A length, and a [`Context`] as JSON.
    text: Buffer,
    /// The values of the previous generation.
    snapshot: Buffer,
    /// A [`RECORD`] of each task, written in the untimed trace only.
    records: Buffer,
}

/// The data that a worker needs besides the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) surroundings: Surroundings,
    /// Whether to record when and where tasks run.
    pub(crate) traced: bool,
    /// The number of values in the snapshot.
    pub(crate) cells: usize,
    /// The hash of the inputs of a job: the worker makes them itself.
    pub(crate) job: Option<u64>,
}

impl Context {
    pub(crate) fn of(batch: &Batch) -> Context {
        Context {
            surroundings: batch.surroundings().clone(),
            traced: batch.is_traced(),
            cells: batch.snapshot().len(),
            job: batch
                .surroundings()
                .job
                .calls()
                .map(|calls| calls.inputs_hash()),
        }
    }
}

impl SharedMemory {
    pub(crate) fn new(tasks: usize) -> Result<SharedMemory, Failure> {
        let buffer = |bytes: usize| Buffer::new(bytes.max(WORD)).map_err(Failure::new);
        Ok(SharedMemory {
            text: buffer(TEXT)?,
            snapshot: buffer(tasks * WORD)?,
            records: buffer(tasks * RECORD)?,
        })
    }

    pub(crate) fn write(&self, context: &Context, snapshot: &[u64]) -> Result<(), Failure> {
        let json = serde_json::to_vec(context).map_err(Failure::new)?;
        self.text
            .write_at(0, &(json.len() as u64).to_le_bytes())
            .and_then(|()| self.text.write_at(WORD, &json))
            .and_then(|()| self.snapshot.write_at(0, &to_bytes(snapshot)))
            .map_err(Failure::new)?;
        if context.traced {
            let none = vec![0; self.records.len()];
            self.records.write_at(0, &none).map_err(Failure::new)?;
        }
        Ok(())
    }

    pub(crate) fn read(&self) -> Result<(Context, Vec<u64>), String> {
        let length = read_bytes(&self.text, 0, WORD).map(|bytes| from_bytes(&bytes)[0])?;
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        let json = read_bytes(&self.text, WORD, length)?;
        let context: Context = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        let snapshot = from_bytes(&read_bytes(&self.snapshot, 0, context.cells * WORD)?);
        Ok((context, snapshot))
    }

    /// In the worker: records that this task, which began then, is done now.
    pub(crate) fn note_done(&self, index: usize, begin_ns: u64) {
        let record = [begin_ns, clock_ns(), u64::from(std::process::id())];
        // There is room for every task of the inputs.
        let _ = self.records.write_at(index * RECORD, &to_bytes(&record));
    }

    /// In the parent, after the last task: passes the workers' records on.
    pub(crate) fn forward_records(&self, batch: &Batch) {
        let now_ns = clock_ns();
        let words = from_bytes(&self.records.to_vec());
        let (records, _) = words.as_chunks::<3>();
        let mut spans = Vec::new();
        for (index, &[start_ns, end_ns, worker]) in records.iter().take(batch.len()).enumerate() {
            if end_ns > 0 {
                batch.note_ago(index, Duration::from_nanos(now_ns.saturating_sub(end_ns)));
                spans.push(Elsewhere {
                    worker: u32::try_from(worker).ok(),
                    start_ns,
                    end_ns,
                });
            }
        }
        batch.ran_elsewhere(spans);
    }
}

fn read_bytes(buffer: &Buffer, offset: usize, length: usize) -> Result<Vec<u8>, String> {
    // Checked first: the length comes from memory that other processes can write.
    if length > buffer.len() {
        return Err(format!("the shared memory has no {length} bytes"));
    }
    let mut bytes = vec![0; length];
    buffer
        .read_at(offset, &mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn to_bytes(values: &[u64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<u64> {
    let (values, _) = bytes.as_chunks();
    values.iter().copied().map(u64::from_le_bytes).collect()
}
