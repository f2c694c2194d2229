//! A process under a CPU quota: this test program again, in a control group of its own.

use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

/// Set in the process that has the quota.
const LIMITED: &str = "TEST_UNDER_A_CPU_QUOTA";

/// Runs `body` in a process that runs only the test `test`, with a quota of `percent` hundredths of
/// a CPU. If no control group can be made, prints the reason and does nothing.
pub(crate) fn under_a_quota(test: &str, percent: u32, body: impl FnOnce()) {
    if let Ok(quota) = env::var(LIMITED) {
        if quota == percent.to_string() {
            body();
        }
        return;
    }
    let group = match Group::new(percent) {
        Ok(group) => group,
        Err(reason) => {
            eprintln!("skipped, since no CPU quota can be set here: {reason}");
            return;
        }
    };
    let output = Command::new("sh")
        .args(["-c", "echo $$ > \"$GROUP\" && exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1", "--nocapture"])
        .env("GROUP", group.0.join("cgroup.procs"))
        .env(LIMITED, percent.to_string())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A control group below that of this process, removed when dropped.
struct Group(PathBuf);

impl Group {
    fn new(percent: u32) -> Result<Self, String> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (parent, is_second) = own_group()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("test-quota-{}-{number}", process::id()));
        let failed = |what: &str, error| format!("{what} in {}: {error}", parent.display());
        fs::create_dir(&path).map_err(|error| failed("no group can be made", error))?;
        let group = Self(path);
        let (file, quota) = if is_second {
            ("cpu.max", format!("{} 100000", percent * 1_000))
        } else {
            ("cpu.cfs_quota_us", (percent * 1_000).to_string())
        };
        fs::write(group.0.join(file), quota)
            .map_err(|error| failed("no quota can be set", error))?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// The group of this process that has the cpu controller, and whether it is of version 2.
fn own_group() -> Result<(PathBuf, bool), String> {
    let groups = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|name| name == "cpu") {
            let root = Path::new("/sys/fs/cgroup").join(controllers);
            return Ok((root.join(path), false));
        }
        let group = Path::new("/sys/fs/cgroup").join(path);
        if controllers.is_empty() && group.join("cgroup.subtree_control").exists() {
            return Ok((group, true));
        }
    }
    Err("no cpu controller".to_owned())
}
