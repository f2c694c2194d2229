//! Descriptors that are closed, missing, or in flight.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use effective_process_pool::{Buffer, Handle, JobError, ProcessPool};
use rustix::io::Errno;

use crate::jobs::*;
use crate::support::checks::alone;
use crate::support::rerun::{as_lone_user, inner};

#[track_caller]
fn errno<T>(result: Result<T, JobError>) -> Option<i32> {
    match result.map(drop) {
        Err(JobError::Transport(error)) => error.raw_os_error(),
        other => panic!("{other:?}"),
    }
}

fn buffers(count: usize) -> Vec<Buffer> {
    (0..count).map(|_| Buffer::new(4096).unwrap()).collect()
}

#[test]
fn buffers_wait_while_too_many_descriptors_are_in_flight() {
    let program = program();
    let Some(_deadline) = inner(
        buffers_wait_while_too_many_descriptors_are_in_flight,
        as_lone_user(),
    ) else {
        return;
    };
    limit_descriptors(100);
    let pool = ProcessPool::new(&program, 4).unwrap();
    let given = buffers(20);
    let handles: Vec<_> = (0..400)
        .map(|_| pool.submit::<count>(&given).unwrap())
        .collect();
    for handle in handles {
        assert_eq!(handle.wait().unwrap(), 20);
    }
    // The descriptors in flight belong to another program, which does not receive them.
    let (socket, other) = rustix_pair();
    let mut messages = 0;
    let mut refusals_in_a_row = 0;
    // A withdrawn batch stays in a worker's socket until the worker passes it over, so the limit
    // is reached for good only after a while.
    while refusals_in_a_row < 20 {
        if send_ten(&socket) {
            messages += 1;
            refusals_in_a_row = 0;
        } else {
            refusals_in_a_row += 1;
            thread::sleep(Duration::from_millis(10));
        }
    }
    assert!(messages > 0);
    let waiting = pool.submit::<count>(&given).unwrap();
    thread::sleep(Duration::from_millis(200));
    assert!(!waiting.is_finished(), "nothing is in flight");
    drop((socket, other));
    assert_eq!(waiting.wait().unwrap(), 20);
}

fn rustix_pair() -> (OwnedFd, OwnedFd) {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    socketpair(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap()
}

/// Sends ten descriptors. Returns `false` if the system takes no more.
fn send_ten(socket: &OwnedFd) -> bool {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(10))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sent = [socket.as_fd(); 10];
    assert!(control.push(SendAncillaryMessage::ScmRights(&sent)));
    let text = [std::io::IoSlice::new(b"x")];
    match sendmsg(socket, &text, &mut control, SendFlags::DONTWAIT) {
        Ok(_) => true,
        Err(Errno::TOOMANYREFS) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn buffers_in_results_wait_while_too_many_are_in_flight() {
    let program = program();
    let Some(_deadline) = inner(
        buffers_in_results_wait_while_too_many_are_in_flight,
        as_lone_user(),
    ) else {
        return;
    };
    limit_descriptors(220);
    let pool = ProcessPool::new(&program, 2).unwrap();
    let handles: Vec<_> = (0..256)
        .map(|_| pool.submit::<make_buffers>(1).unwrap())
        .collect();
    for handle in handles {
        match handle.wait() {
            Ok(made) => assert_eq!(made.len(), 1),
            // This process may hold uncollected results, 220 at most.
            result => assert_eq!(errno(result), Some(libc::EMFILE)),
        }
    }
    // Inputs and outputs of several workers together exceed the descriptors that may be in flight.
    let pool = ProcessPool::new(&program, 6).unwrap();
    let given = buffers(30);
    let handles: Vec<_> = (0..60)
        .map(|_| pool.submit::<give_back>(&given).unwrap())
        .collect();
    for handle in handles {
        match handle.wait() {
            Ok(back) => assert_eq!(back.len(), 30),
            // This process holds uncollected results.
            result => assert_eq!(errno(result), Some(libc::EMFILE)),
        }
    }
    drop(pool);
}

#[test]
fn closed_standard_descriptors_stay_closed() {
    let program = program();
    let Some(_deadline) = inner(closed_standard_descriptors_stay_closed, &[]) else {
        return;
    };
    let mut report = File::from(rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 10).unwrap());
    let closed_sets: [&[i32]; 5] = [&[0, 1, 2], &[0], &[1], &[2], &[1, 2]];
    for closed in closed_sets {
        for &descriptor in closed {
            // SAFETY: closing a descriptor affects no memory; a daemoniser does this too.
            unsafe { libc::close(descriptor) };
        }
        let pool = ProcessPool::builder(&program)
            .workers(2)
            .capture_stderr()
            .recycle_after_jobs(100)
            .build()
            .unwrap();
        let handles: Vec<_> = (0..500)
            .map(|number| pool.submit::<chatty>(number).unwrap())
            .collect();
        let results = handles.into_iter().map(Handle::wait);
        let wrong: Vec<_> = (0..)
            .zip(results)
            .filter(|(number, result)| !matches!(result, Ok(value) if *value == number + 1))
            .collect();
        let buffer = Buffer::new(100).unwrap();
        let back = pool.submit::<give_back>(vec![buffer]).unwrap().wait();
        let large = pool.submit::<big>(100_000).unwrap().wait();
        let output = pool.submit::<fd_1_is>(()).unwrap().wait().unwrap();
        let own: Vec<_> = closed
            .iter()
            .map(|descriptor| std::fs::read_link(format!("/proc/self/fd/{descriptor}")))
            .collect();
        writeln!(
            report,
            "{closed:?}: wrong {wrong:?}, {back:?}, fd 1 of a worker is {output}, here {own:?}"
        )
        .unwrap();
        let is_right = wrong.is_empty()
            && back.is_ok_and(|back| back.len() == 1)
            && large.is_ok_and(|large| large.len() == 100_000)
            && own.iter().all(Result::is_err)
            && (!closed.contains(&1) || output == "/dev/null");
        drop(pool);
        if !is_right {
            std::process::exit(3);
        }
        for &descriptor in closed {
            // Restores them: the lowest free number is the one that was closed.
            let null = File::options()
                .read(true)
                .write(true)
                .open("/dev/null")
                .unwrap();
            assert_eq!(null.as_raw_fd(), descriptor);
            std::mem::forget(null);
        }
    }
    std::process::exit(0);
}

#[test]
fn pool_survives_descriptor_shortage() {
    let program = program();
    let Some(_deadline) = inner(pool_survives_descriptor_shortage, &[]) else {
        return;
    };
    limit_descriptors(128);
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .recycle_after_jobs(1)
        .build()
        .unwrap();
    let first = pool.submit::<pid>(()).unwrap();
    let files = hoard();
    first.wait().unwrap();
    // Its worker must be replaced, and there is no descriptor.
    let second = pool.submit::<pid>(()).unwrap();
    thread::sleep(Duration::from_millis(1500));
    assert!(!second.is_finished());
    drop(files);
    second.wait().unwrap();
    pool.submit::<pid>(()).unwrap().wait().unwrap();
}

#[test]
fn result_without_free_descriptor_is_transport_error() {
    let program = program();
    let Some(_deadline) = inner(result_without_free_descriptor_is_transport_error, &[]) else {
        return;
    };
    limit_descriptors(128);
    let pool = ProcessPool::new(&program, 1).unwrap();
    let worker = pool.submit::<pid>(()).unwrap().wait().unwrap();
    let large = pool.submit::<big>(100_000).unwrap();
    let small = pool.submit::<double>(21).unwrap();
    let files = hoard();
    assert_eq!(errno(large.wait()), Some(libc::EMFILE));
    assert_eq!(small.wait().unwrap(), 42);
    let buffers = pool.submit::<make_buffers>(3).unwrap();
    assert_eq!(errno(buffers.wait()), Some(libc::EMFILE));
    drop(files);
    // The worker was not to blame, and lives on.
    assert_eq!(pool.submit::<pid>(()).unwrap().wait().unwrap(), worker);
    assert_eq!(
        pool.submit::<big>(100_000).unwrap().wait().unwrap().len(),
        100_000
    );
    // More results at once than this process has descriptors for: each ends, and the pool works.
    let many: Vec<_> = (0..60)
        .map(|_| pool.submit::<make_buffers>(6).unwrap())
        .collect();
    for handle in many {
        match handle.wait() {
            Ok(buffers) => assert_eq!(buffers.len(), 6),
            result => assert_eq!(errno(result), Some(libc::EMFILE)),
        }
    }
    assert_eq!(pool.submit::<pid>(()).unwrap().wait().unwrap(), worker);
}

#[test]
fn drop_returns_without_free_descriptors() {
    let program = program();
    let Some(_deadline) = inner(drop_returns_without_free_descriptors, &[]) else {
        return;
    };
    let _exclusive = alone();
    limit_descriptors(128);
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .recycle_after_jobs(1)
        .build()
        .unwrap();
    let first = pool.submit::<pid>(()).unwrap();
    let files = hoard();
    first.wait().unwrap();
    let stranded = pool.submit::<pid>(()).unwrap();
    let began = Instant::now();
    drop(pool);
    assert!(began.elapsed() < Duration::from_secs(60));
    assert!(matches!(stranded.wait(), Err(JobError::Broken(_))));
    drop(files);
}
