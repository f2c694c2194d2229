//! A program that blocks signals, like one with a `signalfd` or a signal thread.

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use effective_child_process::{Command, Many};
use futures::executor::block_on;
use nix::sys::signal::{SigSet, Signal};
use support::{sh, within};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on a thread that blocks signals. The threads that it creates inherit the mask.
fn blocking(test: impl FnOnce() + Send + 'static) {
    within(LIMIT, || {
        let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGCONT, Signal::SIGUSR1]);
        mask.thread_block().unwrap();
        test();
        assert_eq!(
            SigSet::thread_get_mask().unwrap(),
            mask,
            "the mask is unchanged"
        );
    });
}

#[test]
fn children_do_not_inherit_blocked_signals() {
    blocking(|| {
        // Unlike a shell, `grep` does not change its mask.
        let mask = Command::new("grep").args(["SigBlk", "/proc/self/status"]);
        let folder = mask.clone().dir("/");
        let path = mask.clone().env("PATH", "/nowhere:/bin:/usr/bin");
        let same_group = mask.clone().foreground();
        let mut outputs = vec![
            mask.run(),
            folder.run(),
            path.run(),
            same_group.run(),
            mask.spawn()
                .and_then(effective_child_process::Child::finish),
            block_on(mask.run_async()),
            block_on(folder.run_async()),
        ];
        outputs.extend(Many::new().map([mask.clone(), mask.clone(), mask.clone()]));
        outputs.extend(block_on(
            Many::new().map_async([mask.clone(), mask.clone()]),
        ));
        outputs.push(Command::new("true").pipe(mask).run().check());
        for finished in outputs {
            assert_eq!(finished.unwrap().stdout, b"SigBlk:\t0000000000000000\n");
        }
    });
}

#[test]
fn sigterm_ends_child_of_program_that_blocks_it() {
    blocking(|| {
        let sleep = Command::new("sleep").arg("60");
        let sleep = sleep.time_limit(Duration::from_millis(100)).grace(LIMIT);
        let error = sleep.run().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let finished = error.into_finished().unwrap();
        assert_eq!(finished.status.signal(), Some(15));
        assert!(finished.took < LIMIT / 2);
    });
}

#[test]
fn settings_apply_if_program_blocks_signals() {
    blocking(|| {
        let script = "pwd; echo $0 $VALUE ${HOME-none}; cat; echo beside >&2; ps -o pgid= -p $$";
        let child = sh(script)
            .arg("an argument")
            .dir("/proc")
            .env_clear()
            .env("VALUE", "set")
            .input("input")
            .spawn()
            .unwrap();
        let id = child.id();
        let finished = child.finish().unwrap();
        let out = finished.stdout_text().unwrap();
        let group = out
            .strip_prefix("/proc\nan argument set none\ninput")
            .expect(out);
        assert!(
            group.trim().is_empty() || group.trim() == id.to_string(),
            "{out}"
        );
        assert!(finished.stderr.starts_with(b"beside\n"));
        let merged = sh("echo a; echo b >&2").stderr(effective_child_process::Output::Merge);
        assert_eq!(merged.run().unwrap().stdout, b"a\nb\n");
        let quiet = sh("read x || echo end").stderr(effective_child_process::Output::Null);
        assert_eq!(quiet.run().unwrap().stdout, b"end\n");
    });
}

#[test]
fn start_errors_have_hints_if_program_blocks_signals() {
    blocking(|| {
        let missing = Command::new("no-such-program-anywhere");
        let cases = [
            (missing.clone(), "install the program"),
            (missing.env("PATH", "/nowhere:/bin"), "install the program"),
            (Command::new("/etc/passwd"), "make the file executable"),
            (
                Command::new("passwd").env("PATH", "/etc"),
                "make the file executable",
            ),
            (
                sh(":").dir("/nowhere"),
                "its working directory does not exist",
            ),
            (Command::new("a\0b"), "remove the NUL bytes"),
        ];
        for (command, hint) in cases {
            let error = command.run().unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
        // A relative path is relative to the child's directory.
        let here = Command::new("./sh").args(["-c", "echo here"]).dir("/bin");
        assert_eq!(here.read().unwrap(), "here");
    });
}
