//! The loop of a worker: claim, run, write the result, tell.

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

use super::desk::Desk;
use crate::codec::Descriptors;
use crate::program::CallError;
use crate::transport::bell::published;
use crate::transport::descriptor::memory_file;
use crate::transport::layout::{RESERVED, SLOTS, SPILL, WORDS, flag, head, status};
use crate::transport::slot::{Claim, Slot};
use crate::transport::{bytes, futex, spin};

/// How many words of results may be uncollected before it is worth while to look whether they still are.
const PLENTY: u64 = (WORDS / 4) as u64;

/// The worker's own view of the rings.
struct Serving {
    desk: Desk,
    next: u64,
    input: u64,
    output: u64,
    /// The words of the results that the parent has not collected yet, oldest first, and the first of these units.
    uncollected: VecDeque<u64>,
    collected: u64,
    used: u64,
    jobs_done: u64,
    hot: bool,
    inputs: Vec<u8>,
    result: Vec<u8>,
    /// Given up for the memory file of a result when a job has left no descriptor free.
    spare: Option<OwnedFd>,
    /// Whether a descriptor was lacking: the next worker has all of them again.
    is_worn_out: bool,
}

/// What becomes of the worker after a unit.
#[derive(PartialEq, Eq)]
enum After {
    GoOn,
    Retire,
}

/// Ends the process when no more work is to come.
pub(super) fn serve(desk: Desk) -> ! {
    let mut serving = Serving {
        desk,
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
        is_worn_out: false,
    };
    let code = match serving.all() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("process-pool: a worker gives up: {error}");
            1
        }
    };
    process::exit(code)
}

impl Serving {
    fn all(&mut self) -> io::Result<()> {
        loop {
            let place = self.next as usize % SLOTS;
            match self.desk.region.slots[place].claim() {
                Claim::Work => {
                    if self.unit(place)? == After::Retire || self.is_used_up() {
                        self.retire();
                        return Ok(());
                    }
                }
                Claim::Passed => {
                    if self.pass(place) == After::Retire {
                        self.retire();
                        return Ok(());
                    }
                }
                Claim::Nothing => {
                    published();
                    if self.desk.region.wanted.0.idle.take() && !self.desk.ring() {
                        self.retire();
                        return Ok(());
                    }
                    if !self.wait(place) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Says that this worker takes no more units.
    fn retire(&mut self) {
        let status = &self.desk.region.worker.0.status;
        status.store(status::RETIRED, Ordering::Release);
        // Its exit may take long: the parent should take back what is left here.
        self.tell();
    }

    /// Waits for the next unit; `false` if there will be none.
    fn wait(&mut self, place: usize) -> bool {
        let region = &self.desk.region;
        let slot = &region.slots[place];
        if self.hot && self.desk.config.spin && spin::until(|| slot.is_waiting()) {
            return true;
        }
        loop {
            region.work.0.arm();
            if slot.is_waiting() {
                region.work.0.disarm();
                return true;
            }
            if region.parent.0.closing.load(Ordering::Acquire) != 0 {
                // What was pushed before the closing may have come after the look above.
                region.work.0.disarm();
                return slot.is_waiting();
            }
            futex::sleep(&region.work.0, None);
        }
    }

    /// A unit that was withdrawn. Its words and descriptors are there all the same.
    fn pass(&mut self, place: usize) -> After {
        let slot = &self.desk.region.slots[place];
        let flags = slot.flags.load(Ordering::Relaxed);
        if flags & flag::DESCRIPTORS != 0 {
            // That some of them found no place here does not matter: they are not needed.
            let lost = self.desk.receive().err();
            if lost.is_some_and(|error| error.raw_os_error() != Some(Errno::MFILE.raw_os_error())) {
                return After::Retire;
            }
        }
        if flags & flag::SPILLED == 0 {
            self.input += bytes::words(slot.input_len.load(Ordering::Relaxed) as usize) as u64;
        }
        self.free_collected();
        self.finished(0);
        // Nobody waits for it, but the supervisor may wait for the end of all.
        self.tell();
        self.after()
    }

    /// Whether this worker can go on.
    fn after(&self) -> After {
        if self.is_worn_out {
            After::Retire
        } else {
            After::GoOn
        }
    }

    fn unit(&mut self, place: usize) -> io::Result<After> {
        let slot = &self.desk.region.slots[place];
        let flags = slot.flags.load(Ordering::Relaxed);
        let count = slot.count.load(Ordering::Relaxed);
        self.hot = flags & flag::HOT != 0;
        let descriptors = match self.take_inputs(place, flags) {
            Ok(descriptors) => descriptors,
            Err(error) => return Ok(self.cannot_take(place, &error)),
        };
        // The parent writes there with each result: who does not look does not slow it down.
        if self.used > PLENTY {
            self.free_collected();
        }
        let first = self.output;
        let mut at = 0;
        let mut done = 0;
        let inputs = std::mem::take(&mut self.inputs);
        while done < count {
            let slot = &self.desk.region.slots[place];
            if count > 1 && !self.may_begin(slot, done, first) {
                break;
            }
            if flags & flag::LIMITED != 0 {
                slot.stamp(now());
            }
            let input = item(&inputs, &mut at)?;
            let more = self.item(place, input, &descriptors, first);
            done += 1;
            self.desk.region.slots[place].progress(done, (self.output - first) as u32);
            if !more {
                break;
            }
        }
        self.inputs = inputs;
        self.jobs_done += u64::from(done);
        self.finished(self.output - first);
        self.desk.region.slots[place].finish();
        self.tell();
        Ok(self.after())
    }

    /// Ends a unit, of one input, whose descriptors could not be received. An earlier job may have closed the socket or
    /// have left no descriptor free: then another worker gets the unit, which the parent still has.
    fn cannot_take(&mut self, place: usize, error: &io::Error) -> After {
        let slot = &self.desk.region.slots[place];
        if self.jobs_done > 0 {
            slot.give_back();
            return After::Retire;
        }
        let first = self.output;
        self.write_refusal(error);
        let slot = &self.desk.region.slots[place];
        slot.progress(1, (self.output - first) as u32);
        self.finished(self.output - first);
        self.desk.region.slots[place].finish();
        After::Retire
    }

    fn take_inputs(&mut self, place: usize, flags: u32) -> io::Result<Descriptors> {
        let slot = &self.desk.region.slots[place];
        let len = slot.input_len.load(Ordering::Relaxed) as usize;
        let mut descriptors = Vec::new();
        if flags & flag::DESCRIPTORS != 0 {
            descriptors = self.desk.receive()?;
        }
        self.inputs.clear();
        if flags & flag::SPILLED == 0 {
            bytes::read(
                &self.desk.region.inputs.0,
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

    /// In a unit of several inputs: says that the next one begins, unless the parent wants to end this worker or the
    /// ring is full. What is left over comes again in a unit of its own.
    fn may_begin(&self, slot: &Slot, done: u32, first: u64) -> bool {
        // The first input always runs: for a word of its result there is room.
        let taken = self.output - first;
        if done > 0 && self.room_for_unit() < taken + bytes::words(SPILL) as u64 + 1 {
            return false;
        }
        let jobs = self.jobs_done + u64::from(done);
        if done > 0
            && self
                .desk
                .config
                .recycle_jobs
                .is_some_and(|most| jobs >= most)
        {
            return false;
        }
        slot.begin(done + 1, &self.desk.region.parent.0.stop)
    }

    /// Runs the job on one input and writes the result; `false` if it has to be the last of its unit.
    fn item(&mut self, place: usize, input: &[u8], given: &Descriptors, first: u64) -> bool {
        let index = self.desk.region.slots[place].job.load(Ordering::Relaxed);
        let mut result = std::mem::take(&mut self.result);
        result.clear();
        let called = match self.desk.jobs.get(index as usize) {
            Some(job) => job.call(input, given.clone(), &mut result),
            None => Err(CallError::Input(format!(
                "is for the job number {index}, which the worker does not have"
            ))),
        };
        let (kind, descriptors) = match called {
            Ok(descriptors) => (head::OK, descriptors),
            Err(error) => {
                let (kind, words) = match error {
                    CallError::Panicked(words) => (head::PANICKED, words),
                    CallError::Input(words) => (head::INPUT, words),
                    CallError::Output(words) => (head::OUTPUT, words),
                };
                result.clear();
                result.extend_from_slice(words.as_bytes());
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

    /// Writes a result, or that the system refused what it needs to travel; `false` if it has to be the last of its unit.
    fn write(&mut self, kind: u8, result: &[u8], descriptors: &Descriptors, first: u64) -> bool {
        let start = self.output;
        match self.write_whole(kind, result, descriptors, first) {
            Ok(more) => more,
            Err(error) => {
                self.output = start;
                self.write_refusal(&error);
                self.is_worn_out = true;
                false
            }
        }
    }

    fn write_refusal(&mut self, error: &io::Error) {
        let ring = &self.desk.region.outputs.0;
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
        let ring = &self.desk.region.outputs.0;
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
            self.desk.send(descriptors)?;
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
        self.desk.send(&all)?;
        Ok(false)
    }

    /// A memory file for a large result. If jobs have left no descriptor free, the spare one is given up.
    fn result_file(&mut self) -> io::Result<File> {
        let create = || memory_file("process-pool-result", MemfdFlags::empty());
        let mut created = create();
        if created.is_err() && self.spare.take().is_some() {
            self.is_worn_out = true;
            created = create();
        }
        Ok(created?.into())
    }

    /// The words that the unit at hand may use, but for what is reserved.
    fn room_for_unit(&self) -> u64 {
        ((WORDS - RESERVED) as u64).saturating_sub(self.used)
    }

    fn finished(&mut self, words: u64) {
        self.uncollected.push_back(words);
        self.used += words;
        self.next += 1;
    }

    fn free_collected(&mut self) {
        let collected = self.desk.region.parent.0.collected.load(Ordering::Acquire);
        while self.collected < collected {
            let Some(words) = self.uncollected.pop_front() else {
                break;
            };
            self.used -= words;
            self.collected += 1;
        }
    }

    /// Wakes the threads that wait for news of this worker.
    fn tell(&mut self) {
        published();
        let wanted = &self.desk.region.wanted.0;
        if wanted.done.take() {
            futex::wake(&wanted.done);
        }
        if wanted.event.take() && !self.desk.ring() {
            // The supervisor cannot be woken any more, except by the end of this process.
            self.is_worn_out = true;
        }
    }

    fn is_used_up(&self) -> bool {
        let config = &self.desk.config;
        config
            .recycle_jobs
            .is_some_and(|most| self.jobs_done >= most)
            || config
                .recycle_memory
                .is_some_and(|most| resident().is_some_and(|bytes| bytes > most))
    }
}

/// The next input of a unit: its length, and so many bytes.
fn item<'a>(inputs: &'a [u8], at: &mut usize) -> io::Result<&'a [u8]> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let (length, rest) = inputs[*at..].split_first_chunk::<4>().ok_or_else(bad)?;
    let length = u32::from_le_bytes(*length) as usize;
    *at += 4 + length;
    rest.get(..length).ok_or_else(bad)
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // Never 0, which says that nothing has begun.
    (now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64).max(1)
}

/// The resident bytes of this process.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
