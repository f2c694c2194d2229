//! [`JobHead`]: how a job travels to a worker. The framed inputs follow the head.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::fnv;
use crate::codec::encode;
use crate::order::Order;

/// The version of the format. A worker leaves jobs of another one to others.
const VERSION: u8 = 1;
/// The inputs of a job, at most: what a chunk of 64 KiB holds, many times over.
const MAX_COUNT: u32 = 65_536;
/// The bytes of most heads, at most.
const HEAD_BYTES: usize = 96;

/// Where reports about a job go, and how they name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) caller: Arc<str>,
    pub(super) id: u64,
    pub(super) nonce: u64,
}

impl Address {
    /// The address of a job with a key: the same for every caller that has the key.
    pub(super) fn of_key(job: &str, key: &str) -> Self {
        let [first, second, id, nonce] = [b'1', b'2', b'3', b'4'].map(|salt| {
            let salted = [&[salt], job.as_bytes(), &[0], key.as_bytes()].concat();
            fnv(&salted)
        });
        Self {
            caller: format!("{first:016x}{second:016x}").into(),
            id,
            nonce,
        }
    }
}

/// The head of a job's message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobHead<'a> {
    version: u8,
    pub(super) id: u64,
    pub(super) nonce: u64,
    /// The unique name of the caller.
    pub(super) caller: &'a str,
    pub(super) count: u32,
    pub(super) attempts: u32,
    time_limit_us: Option<u64>,
    /// The object that holds the inputs, if they are too large for a message.
    pub(super) object: Option<&'a str>,
}

impl<'a> JobHead<'a> {
    pub(super) fn new(address: &'a Address, order: &Order) -> Self {
        Self {
            version: VERSION,
            id: address.id,
            nonce: address.nonce,
            caller: &address.caller,
            count: order.count,
            attempts: order.attempts,
            time_limit_us: order
                .time_limit
                .map(|limit| u64::try_from(limit.as_micros()).unwrap_or(u64::MAX)),
            object: None,
        }
    }

    pub(super) fn time_limit(&self) -> Option<Duration> {
        self.time_limit_us.map(Duration::from_micros)
    }

    /// The message with these inputs.
    pub(super) fn encode(&self, inputs: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEAD_BYTES + inputs.len());
        // It cannot fail: the types are plain, and memory is the only limit.
        let _ = encode(self, &mut message);
        message.extend_from_slice(inputs);
        message
    }

    /// The head, and where the inputs start. `None` if the message is malformed, or of another
    /// version.
    pub(super) fn decode(message: &'a [u8]) -> Option<(Self, usize)> {
        let (head, inputs) = postcard::take_from_bytes::<JobHead<'a>>(message).ok()?;
        let is_sound = head.version == VERSION
            && (1..=MAX_COUNT).contains(&head.count)
            && head.caller.len() == 32
            && head.caller.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = head.object.is_some() || fits(head.count, inputs);
        (is_sound && fits).then(|| (head, message.len() - inputs.len()))
    }
}

/// Whether the framed inputs can be as many as the head says: each takes at least its length.
pub(super) fn fits(count: u32, inputs: &[u8]) -> bool {
    inputs.len() / 4 >= count as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: &str = "0123456789abcdef0123456789abcdef";

    fn head() -> JobHead<'static> {
        JobHead {
            version: VERSION,
            id: 7,
            nonce: 8,
            caller: CALLER,
            count: 1,
            attempts: 3,
            time_limit_us: Some(5),
            object: None,
        }
    }

    #[test]
    fn head_comes_back_before_its_inputs() {
        let message = head().encode(&[1, 0, 0, 0, 9]);
        let (back, start) = JobHead::decode(&message).expect("it is sound");
        assert_eq!((back.id, back.nonce, back.count), (7, 8, 1));
        assert_eq!(back.time_limit(), Some(Duration::from_micros(5)));
        assert_eq!(message[start..], [1, 0, 0, 0, 9]);
    }

    #[test]
    fn malformed_messages_are_refused() {
        let message = head().encode(&[1, 0, 0, 0, 9]);
        for length in 0..message.len() - 5 {
            assert!(
                JobHead::decode(&message[..length]).is_none(),
                "{length} bytes"
            );
        }
        let many = JobHead {
            count: u32::MAX,
            ..head()
        };
        assert!(JobHead::decode(&many.encode(&[0; 8])).is_none());
        // An object may hold anything, so the number itself is limited.
        let many = JobHead {
            object: Some("x"),
            ..many
        };
        assert!(JobHead::decode(&many.encode(&[])).is_none());
        let elsewhere = JobHead {
            caller: "x.>",
            ..head()
        };
        assert!(JobHead::decode(&elsewhere.encode(&[0; 8])).is_none());
    }
}
