//! The messages and bounds of the errors.

mod support;

use std::error::Error;
use std::time::Duration;

use effective_bridge::{BuildError, CallError, Offload, OffloadError, Refused, WouldDeadlock};

fn is_error<E: Error + Send + Sync + 'static>() {}

#[test]
fn errors_are_send_sync_and_static() {
    is_error::<BuildError>();
    is_error::<OffloadError>();
    is_error::<CallError>();
    is_error::<WouldDeadlock>();
    is_error::<effective_bridge::TaskPanic>();
    is_error::<effective_bridge::StillRunning>();
    is_error::<effective_bridge::Refusal>();
    is_error::<Refused<fn()>>();
}

#[test]
fn invalid_settings_are_one_line_errors() {
    let builder = Offload::builder;
    let bad = [
        (builder().max_threads(0), "at least 1"),
        (builder().max_threads(2).min_threads(3), "from 0 to 2"),
        (builder().max_pending(0), "`max_pending` must be at least 1"),
        (builder().name_prefix("a\0b"), "NUL"),
        (builder().min_threads(1).stack_size(1 << 60), "`stack_size`"),
    ];
    for (builder, says) in bad {
        let error = builder.build().unwrap_err();
        let line = error.to_string();
        assert!(line.contains(says) && !line.contains('\n'), "{line}");
        assert!(error.source().is_none());
    }
}

#[test]
fn errors_are_one_line_with_advice() {
    let lines = [
        OffloadError::Closed.to_string(),
        OffloadError::WouldDeadlock.to_string(),
        OffloadError::TimedOut {
            after: Duration::from_secs(1),
            started: true,
        }
        .to_string(),
        CallError::RuntimeGone.to_string(),
        CallError::TimedOut {
            after: Duration::from_secs(1),
            started: false,
        }
        .to_string(),
        WouldDeadlock::TokioContext.to_string(),
        WouldDeadlock::AsyncStdTask.to_string(),
        WouldDeadlock::OffloadExhausted.to_string(),
        WouldDeadlock::InsideCall.to_string(),
        WouldDeadlock::FuturesExecutor.to_string(),
    ];
    for line in lines {
        assert!(line.contains(": ") && !line.contains('\n'), "{line}");
    }
}

#[test]
fn debug_output_needs_no_bounds() {
    struct Plain;
    let offload = Offload::new();
    let run = offload.run(|| Plain);
    assert_eq!(format!("{run:?}"), "Run { .. }");
    assert!(format!("{offload:?}").starts_with("Offload { threads: 0"));
    let portal = support::portal();
    let call = portal.call(|| async { Plain });
    assert!(format!("{call:?} {portal:?}").starts_with("Call { is_done: "));
}
