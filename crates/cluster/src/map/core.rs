//! [`Core`]: the chunks of a map, their results in order, and the window between the two.

use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::chunk_size::ChunkSize;
use super::inbox::Inbox;
use crate::caller::ledger::{RawResult, Sink};
use crate::codec::not_encoded;
use crate::error::{JobError, Poisoned, SubmitError};
use crate::frames;
use crate::job::Job;
use crate::order::{Order, Outcome};
use crate::registry::Registered;
use crate::retry::Retry;
use crate::shared::{Shared, append_input, output};

/// The attempts of a chunk with several inputs. When they have failed, its inputs are tried one by
/// one, so that one of them cannot take the others along. A chunk has no more than its inputs.
const CHUNK_ATTEMPTS: u32 = 2;

/// The chunks on their way, at most: enough for a thousand slots, and few enough that the size of
/// the later ones is learned from the first.
const MAX_CHUNKS: usize = 1_024;

/// The settings of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) retry: Retry,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) chunk: Option<NonZeroUsize>,
    pub(crate) look_ahead: NonZeroUsize,
}

/// A map under way.
pub(super) struct Core<J: Job> {
    shared: Arc<Shared>,
    settings: Settings,
    size: ChunkSize,
    pub(super) inbox: Arc<Inbox>,
    /// The chunk that is filled, and the index of its first input.
    filling: Vec<u8>,
    filled: u32,
    /// The chunks on their way, with the index of their first input.
    sent: HashMap<u64, Sent>,
    next_chunk: u64,
    /// The results from index `returned` on.
    results: VecDeque<Option<Result<Vec<u8>, JobError>>>,
    returned: u64,
    job: PhantomData<fn() -> J>,
}

struct Sent {
    id: u64,
    first: u64,
    order: Arc<Order>,
}

impl<J: Job> Core<J> {
    pub(super) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        Self {
            shared,
            size: ChunkSize::new(settings.chunk),
            settings,
            inbox: Arc::default(),
            filling: Vec::new(),
            filled: 0,
            sent: HashMap::new(),
            next_chunk: 0,
            results: VecDeque::new(),
            returned: 0,
            job: PhantomData,
        }
    }

    /// Whether another input may be added: the window is not full.
    pub(super) fn has_room(&self) -> bool {
        self.results.len() < self.settings.look_ahead.get() && self.sent.len() < MAX_CHUNKS
    }

    /// Whether every result has been returned.
    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Adds an input, and sends the chunk that it fills.
    pub(super) fn add(&mut self, input: &J::Input) {
        let before = self.filling.len();
        let limit = self.shared.engine.max_input_bytes();
        if let Err(error) = append_input(input, &mut self.filling, limit) {
            let error = match error {
                SubmitError::Input(why) => JobError::Input(not_encoded(&why)),
                other => JobError::Input(format!("was refused: {other}")),
            };
            self.flush();
            self.results.push_back(Some(Err(error)));
            return;
        }
        if self.filled > 0 && self.filling.len() > self.shared.engine.max_chunk_bytes() {
            // It is the first of the next chunk.
            let next = self.filling.split_off(before);
            self.flush();
            self.filling = next;
        }
        self.filled += 1;
        self.results.push_back(None);
        if self.filled as usize >= self.size.get()
            || self.filling.len() > self.shared.engine.max_chunk_bytes()
        {
            self.flush();
        }
    }

    /// Sends the chunk that is being filled.
    pub(super) fn flush(&mut self) {
        if self.filled == 0 {
            return;
        }
        let count = mem::take(&mut self.filled);
        let first = self.returned + self.results.len() as u64 - u64::from(count);
        let inputs = mem::take(&mut self.filling);
        self.send(first, count, inputs, 0);
    }

    fn send(&mut self, first: u64, count: u32, inputs: Vec<u8>, failed_before: u32) {
        let attempts = self.settings.retry.attempts.get();
        let order = Order {
            job: Registered::of::<J>(),
            nonce: 0,
            count,
            inputs,
            time_limit: self.settings.time_limit,
            attempts: if count == 1 {
                attempts
            } else {
                attempts.min(CHUNK_ATTEMPTS)
            },
            failed_before,
            pause: self.settings.retry.pause,
            key: None,
        };
        let chunk = self.next_chunk;
        self.next_chunk += 1;
        let inbox = Arc::clone(&self.inbox);
        let sink: Sink = Box::new(move |result| inbox.push(chunk, result));
        match self.shared.ledger.accept_chunk(order, sink) {
            Ok((id, order)) => {
                let sent = Sent {
                    id,
                    first,
                    order: Arc::clone(&order),
                };
                self.sent.insert(chunk, sent);
                self.shared.engine.send(id, order);
            }
            Err(_) => {
                for index in first..first + u64::from(count) {
                    self.set(index, Err(JobError::Closed));
                }
            }
        }
    }

    fn set(&mut self, index: u64, result: Result<Vec<u8>, JobError>) {
        let at = index - self.returned;
        if let Some(place) = self.results.get_mut(at as usize) {
            *place = Some(result);
        }
    }

    /// Puts the results of ended chunks in their places. Inputs that failed are sent again by
    /// themselves.
    pub(super) fn collect(&mut self) {
        for (chunk, result) in self.inbox.take() {
            if let Some(sent) = self.sent.remove(&chunk) {
                self.settle(&sent, result);
            }
        }
    }

    fn settle(&mut self, sent: &Sent, result: RawResult) {
        let count = sent.order.count;
        match result {
            Ok(batch) => {
                self.size.learn(count as usize, batch.ran);
                for (at, outcome) in (0_u32..).zip(batch.outcomes) {
                    let index = sent.first + u64::from(at);
                    match outcome {
                        Outcome::Done(bytes) => self.set(index, Ok(bytes)),
                        Outcome::NotRun => self.send_again(sent, at, 0),
                        Outcome::Failed(reason) => {
                            if self.settings.retry.attempts.get() > 1 {
                                self.send_again(sent, at, 1);
                            } else {
                                let attempts = 1;
                                let error = JobError::Poisoned(Poisoned { attempts, reason });
                                self.set(index, Err(error));
                            }
                        }
                    }
                }
            }
            // One of the inputs may be to blame.
            Err(JobError::Poisoned(_)) if count > 1 => {
                for at in 0..count {
                    self.send_again(sent, at, 0);
                }
            }
            Err(error) if count == 1 => self.set(sent.first, Err(error)),
            Err(error) => {
                for at in 0..count {
                    self.set(sent.first + u64::from(at), Err(repeated(&error)));
                }
            }
        }
    }

    fn send_again(&mut self, sent: &Sent, at: u32, failed_before: u32) {
        let mut rest = &sent.order.inputs[..];
        let mut input = None;
        for _ in 0..=at {
            input = frames::next(&mut rest);
        }
        let mut inputs = Vec::new();
        frames::push(&mut inputs, input.unwrap_or_default());
        self.send(sent.first + u64::from(at), 1, inputs, failed_before);
    }

    /// The next result, if it is there.
    pub(super) fn next(&mut self) -> Option<Result<J::Output, JobError>> {
        self.results.front()?.as_ref()?;
        let result = self.results.pop_front()??;
        self.returned += 1;
        Some(result.and_then(|bytes| output::<J>(&bytes)))
    }
}

/// The error of a chunk, for each of its inputs.
fn repeated(error: &JobError) -> JobError {
    match error {
        JobError::Unclaimed { name, waited } => JobError::Unclaimed {
            name,
            waited: *waited,
        },
        JobError::Closed => JobError::Closed,
        JobError::Cancelled => JobError::Cancelled,
        other => JobError::Lost(other.to_string()),
    }
}

impl<J: Job> Drop for Core<J> {
    /// Withdraws the chunks that no worker has begun: nothing waits for their results.
    fn drop(&mut self) {
        for sent in self.sent.values() {
            self.shared.cancel(sent.id);
        }
    }
}
