//! Accepted work at process exit: nothing is lost after `close` or `shutdown_timeout`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use effective_bridge::Offload;
use futures::AsyncWriteExt as _;
use futures::executor::block_on;

const PATH: &str = "BRIDGE_TEST_PATH";
const BYTES: usize = 100_000;

/// A writer whose writes take a while, as on a slow disk.
struct Slow(File);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(2));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Runs `body` in a child process, which then exits at once, and returns how many bytes it wrote.
fn written_by_child(test: &str, body: impl FnOnce(&Offload, Slow)) -> usize {
    if let Some(path) = std::env::var_os(PATH) {
        let offload = Offload::new();
        body(&offload, Slow(File::create(path).unwrap()));
        process::exit(0);
    }
    let path: PathBuf = std::env::temp_dir().join(format!("bridge-exit-{test}-{}", process::id()));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(PATH, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let written = fs::read(&path).unwrap().len();
    fs::remove_file(&path).unwrap();
    written
}

#[test]
fn close_before_exit_loses_no_byte() {
    let written = written_by_child("close_before_exit_loses_no_byte", |offload, file| {
        let mut writer = offload.async_writer(file);
        block_on(async {
            writer.write_all(&[b'x'; BYTES]).await.unwrap();
            writer.close().await.unwrap();
        });
    });
    assert_eq!(written, BYTES);
}

#[test]
fn shutdown_before_exit_loses_no_byte() {
    let written = written_by_child("shutdown_before_exit_loses_no_byte", |offload, file| {
        let mut writer = offload.async_writer(file);
        block_on(writer.write_all(&[b'x'; BYTES])).unwrap();
        drop(writer);
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
    assert_eq!(written, BYTES);
}

#[test]
fn shutdown_before_exit_finishes_detached_job() {
    let name = "shutdown_before_exit_finishes_detached_job";
    let written = written_by_child(name, |offload, mut file| {
        let call = offload.try_run(move || file.write_all(&[b'x'; BYTES]));
        call.unwrap_or_else(|refused| panic!("{refused}")).detach();
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
    assert_eq!(written, BYTES);
}
