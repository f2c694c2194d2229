//! The compiler flags of the runners: the user's own, and one that aligns functions.
//!
//! Whether a hot loop begins at the start of a cache line or in the middle of one is luck of the
//! linker, and can outweigh the difference that a comparison looks for. Functions that begin on a
//! line of 64 bytes take a part of that luck away, and the same function lies alike in all runners.

use std::path::Path;
use std::process::{Command, Stdio};

use cargo_config2::{Config, Error, Flags};

/// Begins each function at a multiple of 2⁶ bytes. There is no stable flag of rustc's own for this.
const ALIGNED: &str = "-Cllvm-args=-align-all-functions=6";

/// The flags of the runners that are built in `folder`, as `CARGO_ENCODED_RUSTFLAGS` takes them.
///
/// `None` leaves the build as it is: the compiler does not know the flag, or cargo's configuration
/// is unreadable, which cargo itself reports.
///
/// That variable is the first of the four places in which cargo looks for flags, of which it uses
/// one only. So what the others say for this target is taken along.
pub fn of_runners(folder: &Path) -> Option<String> {
    let config = Config::load_with_cwd(folder).ok()?;
    assemble(&config).ok()??.encode().ok()
}

/// The user's flags and [`ALIGNED`]; `None` if the compiler refuses them together.
fn assemble(config: &Config) -> Result<Option<Flags>, Error> {
    let targets = config.build_target_for_config(std::iter::empty::<&str>())?;
    let mut flags = match targets.first() {
        Some(target) => config.rustflags(target)?,
        None => config.rustflags(config.host_triple()?)?,
    }
    .unwrap_or_default();
    flags.push(ALIGNED);
    Ok(accepts(config, &flags).then_some(flags))
}

/// Whether the compiler takes these flags, asked as cargo asks it before a build.
fn accepts(config: &Config, flags: &Flags) -> bool {
    let status = Command::from(config.rustc())
        .args(["-", "--crate-name", "___", "--print=cfg"])
        .args(&flags.flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cargo_config2::ResolveOptions;

    use super::*;

    /// The flags with this configuration file and these variables.
    fn assembled(file: &str, variables: &[(&str, &str)]) -> Option<Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        fs::write(dir.path().join(".cargo/config.toml"), file).unwrap();
        let options = ResolveOptions::default()
            .env(variables.iter().copied())
            .cargo_home(None);
        let config = Config::load_with_options(dir.path(), options).unwrap();
        assemble(&config).unwrap().map(|flags| flags.flags)
    }

    fn with(own: &[&str]) -> Option<Vec<String>> {
        let all = own.iter().chain(&[ALIGNED]);
        Some(all.map(|flag| (*flag).to_owned()).collect())
    }

    const BUILD: &str = "[build]\nrustflags = [\"--cfg\", \"build\"]\n";

    #[test]
    fn alignment_is_added_to_the_flags_of_each_source() {
        assert_eq!(assembled("", &[]), with(&[]));
        assert_eq!(assembled(BUILD, &[]), with(&["--cfg", "build"]));
        let target = "[target.'cfg(all())']\nrustflags = \"--cfg target\"\n";
        assert_eq!(
            assembled(&format!("{BUILD}{target}"), &[]),
            with(&["--cfg", "target"]),
            "as cargo chooses"
        );
        assert_eq!(
            assembled(BUILD, &[("RUSTFLAGS", "--cfg variable")]),
            with(&["--cfg", "variable"])
        );
        let encoded = ("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}encoded");
        assert_eq!(
            assembled(BUILD, &[encoded, ("RUSTFLAGS", "--cfg variable")]),
            with(&["--cfg", "encoded"])
        );
    }

    #[test]
    fn flags_of_the_configured_target_are_kept() {
        let file = "[build]\ntarget = \"wasm32-unknown-unknown\"\n\
                    [target.wasm32-unknown-unknown]\nrustflags = [\"--cfg\", \"wasm\"]\n";
        assert_eq!(assembled(file, &[]), with(&["--cfg", "wasm"]));
    }

    #[test]
    fn a_flag_that_the_compiler_refuses_leaves_the_build_alone() {
        assert_eq!(
            assembled("", &[("RUSTFLAGS", "-Cllvm-args=-no-such-option")]),
            None
        );
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        fs::write(dir.path().join(".cargo/config.toml"), "[build\n").unwrap();
        assert_eq!(of_runners(dir.path()), None);
    }
}
