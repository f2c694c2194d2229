//! The faults of a hostile contestant.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process, setsid};
use serde_json::{Value, json};
use workload::protocol::{Concurrency, Recorded, Reply, Sample, Usage, Variant};

use super::say;

/// Added to a time, or claimed as one: ten seconds.
const TEN_SECONDS_NS: u64 = 10_000_000_000;

/// The CPU time of an orphan that uses some: half a second.
const BURNT_NS: u64 = 500_000_000;

/// The metric that servers are judged by.
const RESPONSE: &str = "response_p99_ns";

/// Does it, and returns what is left to reply.
pub(crate) fn deed(what: &str, mut reply: Reply, tag: &str) -> Option<Reply> {
    match what {
        "exit" => std::process::exit(3),
        "end" => std::process::exit(0),
        "abort" => std::process::abort(),
        "segv" => loop {
            // The handler that Rust installs gives the first one back.
            let _ = kill_process(getpid(), Signal::SEGV);
        },
        "panic" => panic!("no luck today"),
        "silent" => sleep_forever(),
        "close" => {
            // The same process goes on as another program, with its output elsewhere.
            let error = own("descendant", "sleep", tag).stdout(Stdio::null()).exec();
            panic!("{error}");
        }
        "rubbish" => say("Hello, world!"),
        "shape" => say(r#"{"reply":"banana","digest":7}"#),
        "list" => say("[1, 2, 3]"),
        "escape" => say("\u{1b}[2J\u{1b}[31mboo"),
        "bytes" => {
            let _ = std::io::stdout().write_all(b"\xff\xfe{}\n");
        }
        "endless" => {
            while std::io::stdout().write_all(&[b'x'; 4096]).is_ok() {}
            sleep_forever();
        }
        "twice" => {
            say(&serde_json::to_string(&reply).expect("JSON"));
            return Some(reply);
        }
        "fail" => {
            return Some(Reply::Failed {
                error: "the model said no".to_owned(),
            });
        }
        "unsupported" => {
            return Some(Reply::Unsupported {
                reason: "this one only waits".to_owned(),
            });
        }
        // Done already, where the values are made and where files are damaged.
        "plant" | "remember" | "early" | "delete" | "overwrite" | "spoil" | "squat" => {
            return Some(reply);
        }
        "seconds_long" => {
            sleep(Duration::from_secs(6));
            return Some(reply);
        }
        "mistake" => {
            return Some(Reply::Loaded {
                setup_ns: 0,
                calls: None,
            });
        }
        "flood" => {
            for _ in 0..64 {
                let _ = std::io::stderr().write_all(&[b'e'; 64 * 1024]);
            }
            return Some(reply);
        }
        "fork" => loop {
            leave("child", tag);
        },
        "forksession" => loop {
            leave("session", tag);
        },
        kind @ ("child" | "session" | "orphan" | "wiped") => {
            leave(kind, tag);
            return Some(reply);
        }
        _ => {
            twist(what, &mut reply);
            return Some(reply);
        }
    }
    None
}

/// Makes a right reply wrong.
fn twist(what: &str, reply: &mut Reply) {
    match (what, reply) {
        ("wrong", Reply::Trace { digest, .. }) => *digest ^= 1,
        ("wrong", Reply::Sample(sample)) => sample.digest ^= 1,
        ("zero", Reply::Sample(sample)) => sample.wall_ns = 0,
        ("instant", Reply::Sample(sample)) => sample.wall_ns = 1,
        ("late", Reply::Sample(sample)) => sample.wall_ns += TEN_SECONDS_NS,
        ("ever", Reply::Sample(sample)) => sample.wall_ns = u64::MAX,
        ("foreign_metric", Reply::Sample(sample)) => {
            sample.metrics.insert(RESPONSE.to_owned(), 1.0);
        }
        ("divided", Reply::Sample(sample)) => {
            let response = sample.metrics.get_mut(RESPONSE).expect("a response");
            *response /= 1000.0;
        }
        ("negative", Reply::Sample(sample)) => {
            sample.metrics.insert(RESPONSE.to_owned(), -7.0);
        }
        ("missing", Reply::Sample(sample)) => sample.metrics.clear(),
        ("many_metrics", Reply::Sample(Sample { metrics, .. }) | Reply::Trace { metrics, .. }) => {
            metrics.insert("loop_lag_max_ns".to_owned(), 1.0e291);
            metrics.extend((0..10_000).map(|number| (format!("m{number}"), 1.0)));
        }
        (what, Reply::Trace { timeline, .. }) if what.ends_with("timeline") => {
            *timeline = Some(Recorded::Other(told(what)));
        }
        ("long_name", Reply::Hello(hello)) => hello.variants.push(Variant {
            name: "x".repeat(10_000),
            about: String::new(),
            concurrency: Concurrency::Tasks,
            ignores_workers: true,
        }),
        ("many_own_threads", Reply::Hello(hello)) => hello.own_threads = 1_000_000,
        ("same_names", Reply::Hello(hello)) => {
            let variant = Variant {
                name: "twice".to_owned(),
                about: String::new(),
                concurrency: Concurrency::Tasks,
                ignores_workers: true,
            };
            hello.variants.extend([variant.clone(), variant]);
        }
        ("greedy", Reply::Sample(sample)) => {
            sample.usage = Some(Usage {
                cpu_ns: u64::MAX,
                user_ns: u64::MAX,
                system_ns: u64::MAX,
                voluntary_switches: u64::MAX,
                involuntary_switches: u64::MAX,
            });
        }
        ("late", Reply::Loaded { setup_ns, .. }) => *setup_ns += TEN_SECONDS_NS,
        ("noversion", Reply::Hello(hello)) => hello.version = " ".to_owned(),
        ("protocol", Reply::Hello(hello)) => hello.protocol += 1,
        (what, reply) => panic!("there is no deed {what} for {reply:?}"),
    }
}

/// A timeline that is right, or wrong in one respect.
fn told(what: &str) -> Value {
    let lane = json!({ "process": 0, "thread": 3, "spans": [[0, 1_000, 5]], "beyond": true });
    let mut timeline = json!({ "tasks": 5, "wall_ns": 1_000, "lanes": [lane] });
    match what {
        "right_timeline" => {}
        "shapeless_timeline" => timeline = json!("\u{1b}[2J".repeat(1_000)),
        "crowded_timeline" => timeline["lanes"] = vec![lane; 65].into(),
        "endless_timeline" => {
            let spans = (0..20_000).map(|at| json!([at, at, 1]));
            timeline["lanes"][0]["spans"] = spans.collect();
        }
        "late_timeline" => timeline["wall_ns"] = TEN_SECONDS_NS.into(),
        "backward_timeline" => timeline["lanes"][0]["spans"] = json!([[7, 3, 1]]),
        "huge_timeline" => timeline["lanes"][0]["spans"] = json!([[0, 1.0e300, 1]]),
        what => panic!("there is no deed {what}"),
    }
    timeline
}

/// A child that outlives this process if it can, and holds its output.
fn leave(kind: &str, tag: &str) {
    let mut command = own("descendant", kind, tag);
    if kind == "wiped" {
        command.env_clear();
    }
    // A refusal is what a machine that has had enough answers.
    if let Ok(mut child) = command.stdin(Stdio::null()).spawn()
        && matches!(kind, "orphan" | "wiped")
    {
        let _ = child.wait();
    }
}

/// Has an orphan use the CPU, and waits until it has ended.
pub(crate) fn burn_in_an_orphan() {
    let mut command = own("descendant", "parent_of_burner", "");
    let mut parent = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut output = parent.stdout.take().expect("a pipe");
    parent.wait().expect("it ends at once");
    // The orphan holds the other end.
    let _ = std::io::copy(&mut output, &mut std::io::sink());
}

/// The work of such a child: it sleeps, after it has left its parent where its kind wants that.
pub(crate) fn descendant(kind: &str, tag: &str) -> ExitCode {
    match kind {
        "session" => {
            setsid().expect("a new session");
        }
        "orphan" | "wiped" => {
            // The parent of the sleeper ends at once, and nobody that is left knows its number.
            let sleeper = own("descendant", "session", tag).spawn();
            return ExitCode::from(u8::from(sleeper.is_err()));
        }
        "parent_of_burner" => {
            let burner = own("descendant", "burner", tag).spawn();
            return ExitCode::from(u8::from(burner.is_err()));
        }
        "burner" => {
            let id = std::process::id();
            while workload::usage::process_cpu_ns(id).expect("a clock") < BURNT_NS {
                std::hint::spin_loop();
            }
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    sleep_forever()
}

/// From now on SIGTERM does nothing.
pub(crate) fn ignore_terminate() {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, flag).expect("a handler");
}

/// Until it is killed.
pub(crate) fn sleep_forever() -> ! {
    loop {
        sleep(Duration::from_secs(1000));
    }
}

fn own(role: &str, kind: &str, tag: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([role, kind, tag]);
    command
}
