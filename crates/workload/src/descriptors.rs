//! The limit on descriptors of this process.

/// Raises the soft limit on descriptors, usually 1,024, to the hard one: thousands of sockets need
/// more. If that fails, fewer sockets can be open at once, and the program works up to the soft
/// limit.
#[cfg(unix)]
pub fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Does nothing on this system.
#[cfg(not(unix))]
pub fn raise_limit() {}
