//! [`Names`]: the subjects, the stream and the consumers of a namespace.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};

/// The maximum length of an encoded job name: the server limits the names of consumers to 255
/// bytes.
const MAX_ENCODED: usize = 200;

/// The names of a namespace on the server.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The beginning of all subjects.
    prefix: String,
    pub(super) stream: String,
    pub(super) bucket: String,
}

impl Names {
    pub(super) fn new(namespace: &str) -> Self {
        Self {
            prefix: format!("cluster.{namespace}"),
            stream: format!("cluster-{namespace}"),
            bucket: format!("cluster-{namespace}"),
        }
    }

    /// The subjects of all jobs.
    pub(super) fn all_jobs(&self) -> String {
        format!("{}.job.>", self.prefix)
    }

    /// The subject of a job, whose name is encoded.
    pub(super) fn job(&self, encoded: &str) -> String {
        format!("{}.job.{encoded}", self.prefix)
    }

    /// Where workers that know a job answer.
    pub(super) fn know(&self, encoded: &str) -> String {
        format!("{}.know.{encoded}", self.prefix)
    }

    /// Where a caller gets its reports.
    pub(super) fn reports(&self, caller: &str) -> String {
        format!("{}.caller.{caller}.report", self.prefix)
    }

    /// Where a caller is asked whether another attempt may begin.
    pub(super) fn questions(&self, caller: &str) -> String {
        format!("{}.caller.{caller}.ask", self.prefix)
    }

    /// The beginning of the subjects on which a caller or a worker gets answers.
    pub(super) fn inbox(&self, role: &str) -> String {
        format!("{}.inbox.{role}", self.prefix)
    }

    /// The subject of a call about the stream.
    pub(super) fn api(&self, call: &str) -> String {
        format!("$JS.API.{call}.{}", self.stream)
    }

    /// Whether a subject acknowledges a message of this stream that came through this consumer.
    pub(super) fn is_ack(&self, subject: &str, consumer: &str) -> bool {
        let Some(rest) = subject.strip_prefix("$JS.ACK.") else {
            return false;
        };
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'*' && byte != b'>';
        // stream.consumer.delivered.… or domain.account.stream.consumer.delivered.…
        let mut tokens = rest.split('.').skip(if is_long(subject) { 2 } else { 0 });
        rest.bytes().all(is_plain)
            && tokens.next() == Some(self.stream.as_str())
            && tokens.next() == Some(consumer)
    }
}

/// Whether an acknowledgement names a domain and an account.
fn is_long(ack: &str) -> bool {
    ack.bytes().filter(|&byte| byte == b'.').count() >= 10
}

/// The number of a message in its stream, from the subject that acknowledges it.
pub(super) fn sequence(ack: &str) -> Option<u64> {
    let at = if is_long(ack) { 7 } else { 5 };
    ack.split('.').nth(at)?.parse().ok()
}

/// How often a message was delivered, from the subject that acknowledges it.
pub(super) fn delivery(ack: &str) -> Option<u64> {
    let at = if is_long(ack) { 6 } else { 4 };
    ack.split('.').nth(at)?.parse().ok()
}

/// A job name as a token of a subject and the name of a consumer: letters, digits, `-` and `_` as
/// they are, other bytes in hexadecimal. A long name is cut and told apart by a hash.
pub(super) fn encoded(name: &str) -> String {
    let mut token = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            token.push(char::from(byte));
        } else {
            let _ = write!(token, "={byte:02x}");
        }
    }
    if token.len() > MAX_ENCODED {
        token.truncate(MAX_ENCODED - 18);
        let _ = write!(token, "=={:016x}", fnv(name.as_bytes()));
    }
    token
}

/// FNV-1a, 64 bits: the same in every build, which std's hashers do not promise.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A name that no other process has: 128 random bits.
pub(super) fn unique() -> String {
    let [high, low] = [0, 1].map(|at| RandomState::new().hash_one((std::process::id(), at)));
    format!("{high:016x}{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_names_become_tokens() {
        assert_eq!(encoded("crate::double"), "crate=3a=3adouble");
        assert_eq!(encoded("geometry/area/1"), "geometry=2farea=2f1");
        let (long, other) = ("x.".repeat(300), "x.".repeat(301));
        assert!(encoded(&long).len() <= MAX_ENCODED);
        assert_ne!(encoded(&long), encoded(&other));
    }

    #[test]
    fn only_acks_of_stream_and_consumer_pass() {
        let names = Names::new("n");
        let short = "$JS.ACK.cluster-n.job.2.17.3.1700000000.0";
        let long = "$JS.ACK.hub.ACCOUNT.cluster-n.job.2.17.3.1700000000.0";
        assert!(names.is_ack(short, "job") && names.is_ack(long, "job"));
        assert_eq!((delivery(short), delivery(long)), (Some(2), Some(2)));
        assert_eq!((sequence(short), sequence(long)), (Some(17), Some(17)));
        for forged in [
            "$JS.ACK.other.job.2.17.3.1700000000.0",
            "$JS.ACK.cluster-n.other.2.17.3.1700000000.0",
            "$JS.API.STREAM.DELETE.cluster-n",
            "$JS.ACK.cluster-n.job.>",
            "$JS.ACK.cluster-n.job.2 5\r\nPUB x 1",
            "",
        ] {
            assert!(!names.is_ack(forged, "job"), "{forged}");
        }
    }
}
