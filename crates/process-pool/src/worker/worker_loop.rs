//! The worker loop: claim a batch, run its jobs, write the results, wake the parent.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::parent_link::ParentLink;
use crate::codec::Descriptors;
use crate::program::CallError;
use crate::transport::bell::{published, spin_until};
use crate::transport::bytes;
use crate::transport::descriptor::memory_file;
use crate::transport::layout::{RESERVED, SLOTS, SPILL, WORDS, flag, head, status};
use crate::transport::slot::{Claim, Slot};

/// The number of uncollected result words from which checking for collected ones pays.
const PLENTY: u64 = (WORDS / 4) as u64;

/// A worker's loop and its own view of the rings.
struct WorkerLoop {
    link: ParentLink,
    next: u64,
    input: u64,
    output: u64,
    /// The result words of each batch that the parent has not collected yet, oldest first, and the
    /// number of batches it has.
    uncollected: VecDeque<u64>,
    collected: u64,
    used: u64,
    jobs_done: u64,
    hot: bool,
    inputs: Vec<u8>,
    result: Vec<u8>,
    /// Closed to make room for the memory file of a result when a job has left no descriptor free.
    spare: Option<OwnedFd>,
    /// Whether a descriptor was lacking: a fresh worker has all of them again.
    must_retire: bool,
}

/// The worker's next step after a batch.
#[derive(PartialEq, Eq)]
enum After {
    Continue,
    Retire,
}

/// Runs the loop, and ends the process when no more batches will come.
pub(super) fn serve(link: ParentLink) -> ! {
    let mut worker = WorkerLoop {
        link,
        next: 0,
        input: 0,
        output: 0,
        uncollected: VecDeque::with_capacity(SLOTS),
        collected: 0,
        used: 0,
        jobs_done: 0,
        hot: false,
        inputs: Vec::new(),
        result: Vec::new(),
        spare: File::open("/dev/null").ok().map(OwnedFd::from),
        must_retire: false,
    };
    let code = match worker.run() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("process-pool: a worker gives up: {error}");
            1
        }
    };
    process::exit(code)
}

impl WorkerLoop {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let index = self.next as usize % SLOTS;
            match self.link.region.slots[index].claim() {
                Claim::Work => {
                    if self.run_batch(index)? == After::Retire || self.must_recycle() {
                        self.retire();
                        return Ok(());
                    }
                }
                Claim::Passed => {
                    if self.pass_over(index) == After::Retire {
                        self.retire();
                        return Ok(());
                    }
                }
                Claim::Nothing => {
                    published();
                    if self.link.region.bells.0.idle.take() && !self.link.ring() {
                        self.retire();
                        return Ok(());
                    }
                    if !self.wait(index) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Announces that this worker takes no more batches.
    fn retire(&mut self) {
        let status = &self.link.region.worker.0.status;
        status.store(status::RETIRED, Ordering::Release);
        // Its exit may take long: the parent should take back the remaining batches.
        self.wake_waiters();
    }

    /// Waits for the next batch. Returns `false` if none will come.
    fn wait(&mut self, index: usize) -> bool {
        let region = &self.link.region;
        let slot = &region.slots[index];
        if self.hot && self.link.config.spin && spin_until(|| slot.is_waiting()) {
            return true;
        }
        loop {
            region.work.0.arm();
            if slot.is_waiting() {
                region.work.0.disarm();
                return true;
            }
            if region.parent.0.closing.load(Ordering::Acquire) != 0 {
                // A batch that was pushed before the closing may have come after the check above.
                region.work.0.disarm();
                return slot.is_waiting();
            }
            region.work.0.sleep(None);
        }
    }

    /// Passes over a withdrawn batch. Its words and descriptors have been sent all the same.
    fn pass_over(&mut self, index: usize) -> After {
        let slot = &self.link.region.slots[index];
        let flags = slot.flags.load(Ordering::Relaxed);
        if flags & flag::DESCRIPTORS != 0 {
            // Descriptors lost to a full table do not matter: they are not needed.
            let lost = self.link.receive().err();
            if lost.is_some_and(|error| error.raw_os_error() != Some(Errno::MFILE.raw_os_error())) {
                return After::Retire;
            }
        }
        if flags & flag::SPILLED == 0 {
            self.input += bytes::words(slot.input_len.load(Ordering::Relaxed) as usize) as u64;
        }
        self.free_collected();
        self.finished(0);
        // No thread waits for it, but the supervisor may wait for the end of everything.
        self.wake_waiters();
        self.after()
    }

    /// Whether this worker can go on.
    fn after(&self) -> After {
        if self.must_retire {
            After::Retire
        } else {
            After::Continue
        }
    }

    fn run_batch(&mut self, index: usize) -> io::Result<After> {
        let slot = &self.link.region.slots[index];
        let flags = slot.flags.load(Ordering::Relaxed);
        let count = slot.count.load(Ordering::Relaxed);
        self.hot = flags & flag::HOT != 0;
        let descriptors = match self.take_inputs(index, flags) {
            Ok(descriptors) => descriptors,
            Err(error) => return Ok(self.cannot_take(index, &error)),
        };
        // The parent writes this word with each result, so reading it rarely avoids slowing the
        // parent down.
        if self.used > PLENTY {
            self.free_collected();
        }
        let first = self.output;
        let mut at = 0;
        let mut done = 0;
        let inputs = std::mem::take(&mut self.inputs);
        while done < count {
            let slot = &self.link.region.slots[index];
            if count > 1 && !self.may_begin(slot, done, first) {
                break;
            }
            if flags & flag::LIMITED != 0 {
                slot.stamp(now());
            }
            let input = next_input(&inputs, &mut at)?;
            let may_continue = self.run_input(index, input, &descriptors, first);
            done += 1;
            self.link.region.slots[index].progress(done, (self.output - first) as u32);
            if !may_continue {
                break;
            }
        }
        self.inputs = inputs;
        self.jobs_done += u64::from(done);
        self.finished(self.output - first);
        self.link.region.slots[index].finish();
        self.wake_waiters();
        Ok(self.after())
    }

    /// Ends a batch of one input whose descriptors could not be received. An earlier job may have
    /// closed the socket or left no descriptor free: then the batch goes to another worker; the
    /// parent still has it.
    fn cannot_take(&mut self, index: usize, error: &io::Error) -> After {
        let slot = &self.link.region.slots[index];
        if self.jobs_done > 0 {
            slot.give_back();
            return After::Retire;
        }
        let first = self.output;
        self.write_refusal(error);
        let slot = &self.link.region.slots[index];
        slot.progress(1, (self.output - first) as u32);
        self.finished(self.output - first);
        self.link.region.slots[index].finish();
        After::Retire
    }

    fn take_inputs(&mut self, index: usize, flags: u32) -> io::Result<Descriptors> {
        let slot = &self.link.region.slots[index];
        let len = slot.input_len.load(Ordering::Relaxed) as usize;
        let mut descriptors = Vec::new();
        if flags & flag::DESCRIPTORS != 0 {
            descriptors = self.link.receive()?;
        }
        self.inputs.clear();
        if flags & flag::SPILLED == 0 {
            bytes::read(
                &self.link.region.inputs.0,
                self.input,
                len,
                &mut self.inputs,
            );
            self.input += bytes::words(len) as u64;
        } else if descriptors.is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        } else {
            let file = File::from(descriptors.remove(0));
            self.inputs = vec![0; len];
            file.read_exact_at(&mut self.inputs, 0)?;
        }
        Ok(descriptors.into_iter().map(Arc::new).collect())
    }

    /// In a batch of several inputs: announces that the next one starts, unless the parent wants to
    /// end this worker or the ring is full. The rest runs later, in a batch of its own.
    fn may_begin(&self, slot: &Slot, done: u32, first: u64) -> bool {
        // The first input always runs: there is room for the header of its result.
        let taken = self.output - first;
        if done > 0 && self.room_for_unit() < taken + bytes::words(SPILL) as u64 + 1 {
            return false;
        }
        let jobs = self.jobs_done + u64::from(done);
        if done > 0 && self.link.config.recycle_jobs.is_some_and(|max| jobs >= max) {
            return false;
        }
        slot.begin(done + 1, &self.link.region.parent.0.stop)
    }

    /// Runs the job on one input and writes the result. Returns `false` if it must be the last of
    /// its batch.
    fn run_input(&mut self, index: usize, input: &[u8], given: &Descriptors, first: u64) -> bool {
        let number = self.link.region.slots[index].job.load(Ordering::Relaxed);
        let mut result = std::mem::take(&mut self.result);
        result.clear();
        let called = match self.link.jobs.get(number as usize) {
            Some(job) => job.call(input, given.clone(), &mut result),
            None => Err(CallError::Input(format!(
                "is for job number {number}, which the worker does not have"
            ))),
        };
        let (kind, descriptors) = match called {
            Ok(descriptors) => (head::OK, descriptors),
            Err(error) => {
                let (kind, text) = match &error {
                    CallError::Panicked(panic) => (head::PANICKED, panic.message()),
                    CallError::Input(why) => (head::INPUT, why.as_str()),
                    CallError::Output(why) => (head::OUTPUT, why.as_str()),
                };
                result.clear();
                result.extend_from_slice(text.as_bytes());
                (kind, Vec::new())
            }
        };
        let more = self.write(kind, &result, &descriptors, first);
        self.result = if result.capacity() > SPILL {
            Vec::new()
        } else {
            result
        };
        more
    }

    /// Writes a result, or the system's refusal of a resource that it needs to travel. Returns
    /// `false` if it must be the last of its batch.
    fn write(&mut self, kind: u8, result: &[u8], descriptors: &Descriptors, first: u64) -> bool {
        let start = self.output;
        match self.write_whole(kind, result, descriptors, first) {
            Ok(more) => more,
            Err(error) => {
                self.output = start;
                self.write_refusal(&error);
                self.must_retire = true;
                false
            }
        }
    }

    fn write_refusal(&mut self, error: &io::Error) {
        let ring = &self.link.region.outputs.0;
        let number = error.raw_os_error().unwrap_or(Errno::IO.raw_os_error());
        let number = number.to_le_bytes();
        bytes::write_word(
            ring,
            self.output,
            head::pack(head::TRANSPORT, 0, number.len()),
        );
        bytes::write(ring, self.output + 1, &number);
        self.output += 2;
    }

    fn write_whole(
        &mut self,
        kind: u8,
        result: &[u8],
        descriptors: &Descriptors,
        first: u64,
    ) -> io::Result<bool> {
        let ring = &self.link.region.outputs.0;
        let words = bytes::words(result.len()) as u64 + 1;
        let pending = self.output - first;
        let count = descriptors.len() as u8;
        if result.len() <= SPILL && pending + words <= self.room_for_unit() {
            bytes::write_word(ring, self.output, head::pack(kind, count, result.len()));
            bytes::write(ring, self.output + 1, result);
            self.output += words;
            if descriptors.is_empty() {
                return Ok(true);
            }
            self.link.send(descriptors)?;
            return Ok(false);
        }
        let file = self.result_file()?;
        file.write_all_at(result, 0)?;
        let mut all: Vec<_> = vec![file.as_fd()];
        all.extend(descriptors.iter().map(|descriptor| descriptor.as_fd()));
        bytes::write_word(
            ring,
            self.output,
            head::pack(kind | head::SPILLED, count, result.len()),
        );
        self.output += 1;
        self.link.send(&all)?;
        Ok(false)
    }

    /// Creates the memory file of a large result. If jobs have left no descriptor free, the spare
    /// one is closed.
    fn result_file(&mut self) -> io::Result<File> {
        let create = || memory_file("process-pool-result", MemfdFlags::empty());
        let mut created = create();
        if created.is_err() && self.spare.take().is_some() {
            self.must_retire = true;
            created = create();
        }
        Ok(created?.into())
    }

    /// The number of words that the running batch may use, besides the reserved ones.
    fn room_for_unit(&self) -> u64 {
        ((WORDS - RESERVED) as u64).saturating_sub(self.used)
    }

    fn finished(&mut self, words: u64) {
        self.uncollected.push_back(words);
        self.used += words;
        self.next += 1;
    }

    fn free_collected(&mut self) {
        let collected = self.link.region.parent.0.collected.load(Ordering::Acquire);
        while self.collected < collected {
            let Some(words) = self.uncollected.pop_front() else {
                break;
            };
            self.used -= words;
            self.collected += 1;
        }
    }

    /// Wakes the threads that wait for this worker.
    fn wake_waiters(&mut self) {
        published();
        let bells = &self.link.region.bells.0;
        if bells.done.take() {
            bells.done.wake();
        }
        if bells.event.take() && !self.link.ring() {
            // Only the end of this process can wake the supervisor now.
            self.must_retire = true;
        }
    }

    fn must_recycle(&self) -> bool {
        let config = &self.link.config;
        config.recycle_jobs.is_some_and(|max| self.jobs_done >= max)
            || config
                .recycle_memory
                .is_some_and(|max| resident().is_some_and(|bytes| bytes > max))
    }
}

/// The next input of a batch: its length, then that many bytes.
fn next_input<'a>(inputs: &'a [u8], at: &mut usize) -> io::Result<&'a [u8]> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let (length, rest) = inputs[*at..].split_first_chunk::<4>().ok_or_else(bad)?;
    let length = u32::from_le_bytes(*length) as usize;
    *at += 4 + length;
    rest.get(..length).ok_or_else(bad)
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // Never 0, which means that nothing has started.
    (now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64).max(1)
}

/// The resident memory of this process, in bytes.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
