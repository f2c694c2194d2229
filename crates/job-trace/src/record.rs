//! One recorded task, and its line in the trace.

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Panicked,
    /// The future was dropped before it was ready.
    Cancelled,
}

impl Outcome {
    fn name(self) -> &'static [u8] {
        match self {
            Outcome::Done => b"done",
            Outcome::Panicked => b"panicked",
            Outcome::Cancelled => b"cancelled",
        }
    }
}

/// A recorded task. Times are in nanoseconds since the recorder was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) cpu_ns: u64,
    /// Ready to go on, but without a processor, or not polled.
    pub(crate) queued_ns: u64,
    /// Voluntary context switches.
    pub(crate) switches: u64,
    /// How often the future was not ready; `None` for a closure.
    pub(crate) pendings: Option<u64>,
    pub(crate) outcome: Outcome,
}

impl Record {
    /// Appends the line, without its end. Written by hand: the formatting of the standard library
    /// would be the larger part of the price of a recording, beside system calls.
    pub(crate) fn write(&self, thread: u32, line: &mut Vec<u8>) {
        let mut number = |key: &[u8], value: u64| {
            line.extend_from_slice(key);
            push_number(line, value);
        };
        number(b"{\"start_ns\":", self.start_ns);
        number(b",\"end_ns\":", self.end_ns);
        number(b",\"cpu_ns\":", self.cpu_ns);
        number(b",\"queued_ns\":", self.queued_ns);
        number(b",\"switches\":", self.switches);
        if let Some(pendings) = self.pendings {
            number(b",\"pendings\":", pendings);
        }
        number(b",\"thread\":", u64::from(thread));
        line.extend_from_slice(b",\"outcome\":\"");
        line.extend_from_slice(self.outcome.name());
        line.extend_from_slice(b"\"}");
    }
}

fn push_number(text: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_json_with_every_field() {
        let record = Record {
            start_ns: 0,
            end_ns: u64::MAX,
            cpu_ns: 10,
            queued_ns: 9,
            switches: 100,
            pendings: Some(3),
            outcome: Outcome::Cancelled,
        };
        let mut line = Vec::new();
        record.write(7, &mut line);
        let found: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(
            found,
            serde_json::json!({
                "start_ns": 0, "end_ns": u64::MAX, "cpu_ns": 10, "queued_ns": 9, "switches": 100,
                "pendings": 3, "thread": 7, "outcome": "cancelled",
            })
        );
    }
}
