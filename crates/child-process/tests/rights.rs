//! The README's statements about privileges and CPU quotas.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command as StdCommand;
use std::time::Duration;

use effective_child_process::{Error, Many};
use nix::unistd::{Uid, setresuid};
use support::inside::{INSIDE, Where, is_inside, run_inside};
use support::{sh, within};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn child_of_another_user_is_stuck_at_its_time_limit() {
    if !Uid::effective().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    if !is_inside() {
        return run_inside(
            Where::Process,
            "child_of_another_user_is_stuck_at_its_time_limit",
        );
    }
    within(LIMIT, || {
        // Nothing can kill the child, so it ends by itself, after it was found to be stuck.
        let command = sh("echo started; exec sleep 12").time_limit(Duration::from_secs(1));
        let mut child = command.grace(Duration::ZERO).spawn().unwrap();
        assert_eq!(child.next_line(LIMIT).unwrap().unwrap().bytes, b"started");
        let nobody = Uid::from_raw(65534);
        setresuid(nobody, nobody, nobody).unwrap();
        let error = child.finish().unwrap_err();
        assert!(matches!(error, Error::Stuck { .. }), "{error}");
    });
}

/// A control group limited to the time of one core, in version 1 or 2.
struct OneCore(PathBuf);

impl OneCore {
    fn new() -> std::io::Result<Self> {
        let name = format!("child-process-test-{}", std::process::id());
        let version_1 = PathBuf::from("/sys/fs/cgroup/cpu").join(&name);
        if version_1
            .parent()
            .is_some_and(|root| root.join("cpu.cfs_quota_us").exists())
        {
            fs::create_dir(&version_1)?;
            let group = Self(version_1);
            fs::write(group.0.join("cpu.cfs_period_us"), "100000")?;
            fs::write(group.0.join("cpu.cfs_quota_us"), "100000")?;
            return Ok(group);
        }
        let version_2 = PathBuf::from("/sys/fs/cgroup").join(&name);
        fs::create_dir(&version_2)?;
        let group = Self(version_2);
        fs::write(group.0.join("cpu.max"), "100000 100000")?;
        Ok(group)
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn default_limit_of_list_is_the_cpu_quota() {
    let limit = format!("{:?}", Many::new());
    if is_inside() {
        assert!(limit.contains("limit: 1,"), "{limit}");
        return;
    }
    let group = match OneCore::new() {
        Ok(group) => group,
        Err(error) => return println!("skipped: cannot set a CPU quota: {error}"),
    };
    let output = StdCommand::new("sh")
        .args(["-c", "echo $$ >\"$0\"/cgroup.procs && exec \"$@\""])
        .arg(&group.0)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "default_limit_of_list_is_the_cpu_quota"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
