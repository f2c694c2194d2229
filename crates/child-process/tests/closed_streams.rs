//! A program that has closed its standard streams, like a daemon.

mod support;

use std::time::Duration;

use effective_child_process::{Command, Input, Many};
use futures::executor::block_on;
use nix::unistd::close;
use support::inside::{Where, is_inside, run_inside};
use support::{sh, within};

#[test]
fn prints_reach_no_pipe_after_streams_were_closed() {
    if !is_inside() {
        let name = "prints_reach_no_pipe_after_streams_were_closed";
        return run_inside(Where::Process, name);
    }
    within(Duration::from_secs(60), || {
        let report = std::fs::File::options()
            .write(true)
            .open("/dev/null")
            .unwrap();
        let streams = [0, 1, 2].map(|number| stream(number).try_clone_to_owned().unwrap());
        for closed in 1..8 {
            for number in (0..3).filter(|number| closed & (1 << number) != 0) {
                close(number).unwrap();
            }
            print_during_runs();
            for (number, stream) in (0..).zip(&streams) {
                restore(stream, number);
            }
        }
        drop(report);
    });
}

fn stream(number: i32) -> std::os::fd::BorrowedFd<'static> {
    use std::os::fd::BorrowedFd;
    // SAFETY: 0 to 2 are open when this is called.
    unsafe { BorrowedFd::borrow_raw(number) }
}

fn restore(stream: &std::os::fd::OwnedFd, number: i32) {
    use std::os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd};
    // SAFETY: the number is one of 0 to 2, which no value in this program owns; `into_raw_fd` below
    // gives up the ownership.
    let mut target = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::dup2(stream, &mut target).unwrap();
    let _ = target.into_raw_fd();
}

/// Prints while children are fed and read.
fn print_during_runs() {
    let mut cat = Command::new("cat").stdin(Input::Pipe).spawn().unwrap();
    cat.write("fed\n").unwrap();
    println!("printed");
    eprintln!("printed");
    cat.write("more\n").unwrap();
    assert_eq!(cat.finish().unwrap().stdout, b"fed\nmore\n");
    let both = sh("cat; echo out; echo err >&2").input("in\n");
    let finished = block_on(both.run_async()).unwrap();
    assert_eq!(
        (&finished.stdout[..], &finished.stderr[..]),
        (&b"in\nout\n"[..], &b"err\n"[..])
    );
    let piped = both
        .clone()
        .pipe(Command::new("cat"))
        .run()
        .check()
        .unwrap();
    assert_eq!(piped.stdout, b"in\nout\n");
    for finished in Many::new().map([both.clone(), both.clone(), both]) {
        println!("printed");
        assert_eq!(finished.unwrap().stdout, b"in\nout\n");
    }
}
