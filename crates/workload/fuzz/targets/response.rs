//! Any bytes as the answer of an origin server, and as the request to it.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use workload::task::{Fetch, Log};

fuzz_target!(|bytes: &[u8]| {
    let Some((length, response)) = bytes.split_first() else {
        return;
    };
    let asked = u64::from(*length);
    let (delay_ns, over_ns, seed) = (0, 0, 1);
    let fetch = Fetch {
        bytes: asked,
        delay_ns,
        seed,
    };
    if let Ok(body) = fetch.body(response.to_vec()) {
        assert_eq!(body.len() as u64, asked);
    }
    let log = Log {
        bytes: 32 * (1 + asked),
        over_ns,
        seed,
    };
    let folder = Path::new("/no/such/folder");
    if let Ok(tail) = log.tail(response.to_vec(), folder) {
        assert_eq!(tail.path().parent(), Some(folder));
        assert!(tail.look().is_err(), "there is no such folder");
    }
    if let Ok(target) = std::str::from_utf8(response) {
        let written = |request: Vec<u8>| String::from_utf8(request).expect("ASCII");
        if let Some(fetch) = Fetch::from_target(target) {
            let again = written(fetch.request());
            assert_eq!(
                Fetch::from_target(again.split(' ').nth(1).expect("a target")),
                Some(fetch)
            );
        }
        if let Some(log) = Log::from_target(target) {
            let again = written(log.request());
            assert_eq!(
                Log::from_target(again.split(' ').nth(1).expect("a target")),
                Some(log)
            );
        }
    }
});
