//! Two pipes, with one message per system call.

use std::fs::File;
use std::io::{ErrorKind, Read, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::echo::arguments;

/// A process that echoes.
pub struct Pipe {
    child: Child,
    to: Option<File>,
    from: File,
}

/// The chunk size of a large transfer.
const CHUNK: usize = 64 * 1024;

impl Pipe {
    /// Starts the process.
    pub fn start() -> Self {
        let mut child = Command::new("/proc/self/exe")
            .args(arguments("pipe"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let to = child.stdin.take().expect("piped");
        let from = child.stdout.take().expect("piped");
        Self {
            child,
            to: Some(File::from(std::os::fd::OwnedFd::from(to))),
            from: File::from(std::os::fd::OwnedFd::from(from)),
        }
    }

    /// Sends a number.
    pub fn send(&mut self, number: u64) {
        let to = self.to.as_mut().expect("open");
        to.write_all(&number.to_le_bytes()).expect("it lives");
    }

    /// Receives a number.
    pub fn receive(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes).expect("it lives");
        u64::from_le_bytes(bytes)
    }

    /// Sends these bytes and receives as many.
    pub fn exchange(&mut self, bytes: &[u8], into: &mut [u8]) {
        let mut to = self.to.as_ref().expect("open");
        thread::scope(|scope| {
            scope.spawn(move || {
                bytes
                    .chunks(CHUNK)
                    .for_each(|chunk| to.write_all(chunk).expect("it lives"));
            });
            for chunk in into.chunks_mut(CHUNK) {
                self.from.read_exact(chunk).expect("it lives");
            }
        });
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}

/// Runs the other side.
pub(crate) fn echo() {
    // Bypasses the buffers of the standard library.
    let mut input = File::from(stdin().as_fd().try_clone_to_owned().expect("a descriptor"));
    let mut output = File::from(stdout().as_fd().try_clone_to_owned().expect("a descriptor"));
    let mut bytes = vec![0; CHUNK];
    loop {
        // A message is 8 bytes; a large one is many such messages.
        match input.read(&mut bytes[..8]) {
            Ok(0) => return,
            Ok(8) => {}
            Ok(read) => input
                .read_exact(&mut bytes[read..8])
                .expect("the rest of it"),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        }
        let number = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
        if number == u64::MAX {
            stream(&mut input, &mut output, &mut bytes);
        } else if output.write_all(&(number + 1).to_le_bytes()).is_err() {
            return;
        }
    }
}

/// After a message of `u64::MAX`, echoes bytes as they come.
fn stream(input: &mut File, output: &mut File, bytes: &mut [u8]) {
    while let Ok(read @ 1..) = input.read(bytes) {
        if output.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
}
