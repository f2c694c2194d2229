//! Ctrl-Z while a program starts one child after another.

mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command as StdCommand, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use effective_child_process::Command;
use rustix::process::{Pid, Signal, kill_process_group};
use support::inside::{INSIDE, is_inside};
use support::within;

const STOPS: u32 = 300;
const MOMENT: Duration = Duration::from_millis(3);

#[test]
fn starts_continue_after_the_program_was_stopped() {
    if is_inside() {
        // The outer program ends this one by closing its input.
        let end = thread::spawn(|| std::io::stdin().lines().count());
        while !end.is_finished() {
            assert!(Command::new("true").run().unwrap().success());
            eprintln!("one more");
        }
        return;
    }
    within(Duration::from_secs(100), || {
        let mut program = StdCommand::new(std::env::current_exe().unwrap());
        program
            .args(["--exact", "starts_continue_after_the_program_was_stopped"])
            .args(["--nocapture", "--test-threads=1"])
            .env(INSIDE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own, as a shell gives every job.
            .process_group(0);
        let mut program = program.spawn().unwrap();
        let group = Pid::from_child(&program);
        let (sender, received) = channel();
        let lines = BufReader::new(program.stderr.take().unwrap()).lines();
        let reader = thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| drop(sender.send(line)));
        });
        let progress = |what: &str| {
            let line = received.recv_timeout(Duration::from_secs(30));
            line.unwrap_or_else(|_| panic!("no child has started {what}"));
        };
        progress("before any stop");
        for _ in 0..STOPS {
            kill_process_group(group, Signal::TSTP).unwrap();
            thread::sleep(MOMENT);
            kill_process_group(group, Signal::CONT).unwrap();
            thread::sleep(MOMENT);
        }
        while received.try_recv().is_ok() {}
        for _ in 0..5 {
            progress("after the last stop");
        }
        drop(program.stdin.take());
        assert!(program.wait().unwrap().success());
        reader.join().unwrap();
    });
}
