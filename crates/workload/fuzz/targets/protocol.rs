//! Any text as a line of the protocol: no line, or one that says the same when it is written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use workload::protocol::{Reply, Request};
use workload::serve::{Order, Report};

macro_rules! round_trips {
    ($text:expr, $($line:ty),*) => {
        $(
            if let Ok(line) = serde_json::from_str::<$line>($text) {
                let written = serde_json::to_string(&line).expect("a line can be written");
                assert!(!written.contains('\n'), "{written:?}");
                let read: $line = serde_json::from_str(&written).expect("its own line can be read");
                // Fractions lose digits on the first write; after that they are stable.
                let again = serde_json::to_string(&read).expect("a line can be written");
                assert_eq!(again, written);
            }
        )*
    };
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        round_trips!(text, Request, Reply, Order, Report);
    }
});
