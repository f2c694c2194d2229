//! The owner of the other end of a loopback connection, from Linux's `/proc`.
//!
//! A socket of another contestant is refused. One whose owner cannot be found is accepted: a runner
//! may have its server in a container, which is not below the comparison.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use workload::tree::descendants;

/// The processes of the contestant that is being sampled, and those of all others.
pub(crate) struct Owners {
    runner: u32,
    comparison: u32,
}

impl Owners {
    /// For the contestant whose process is `runner`, in the comparison that started this program.
    pub(crate) fn new(runner: u32) -> Owners {
        Owners {
            runner,
            comparison: std::os::unix::process::parent_id(),
        }
    }

    /// Whether the client at `peer` of a connection to `own` is not another contestant.
    pub(crate) fn may_order(&self, peer: SocketAddr, own: SocketAddr) -> bool {
        inode(peer, Some(own)).is_none_or(|inode| self.allowed(&inode))
    }

    /// Whether the listener at `server` is not another contestant's.
    pub(crate) fn may_serve(&self, server: SocketAddr) -> bool {
        inode(server, None).is_none_or(|inode| self.allowed(&inode))
    }

    fn allowed(&self, inode: &str) -> bool {
        let name = format!("socket:[{inode}]");
        let own: Vec<u32> = std::iter::once(self.runner)
            .chain(descendants(self.runner))
            .collect();
        if own.iter().any(|process| holds(*process, &name)) {
            return true;
        }
        let others = descendants(self.comparison);
        let mut others = others.iter().filter(|process| !own.contains(process));
        !others.any(|process| holds(*process, &name))
    }
}

fn holds(process: u32, name: &str) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
    let mut descriptors = descriptors.into_iter().flatten().flatten();
    descriptors.any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == name))
}

/// The inode of the IPv4 socket bound to `local`: the one connected to `remote`, or the listener.
fn inode(local: SocketAddr, remote: Option<SocketAddr>) -> Option<String> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let (local, remote) = (
        hex(local)?,
        remote.map_or(Some(None), |r| hex(r).map(Some))?,
    );
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let listens = fields.get(3) == Some(&"0A");
        let same = fields.get(1) == Some(&local.as_str())
            && match &remote {
                Some(remote) => fields.get(2) == Some(&remote.as_str()),
                None => listens,
            };
        same.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    })
}

/// An address in the table's format: the four bytes as a number in native byte order, and the port.
fn hex(address: SocketAddr) -> Option<String> {
    match address.ip() {
        IpAddr::V4(ip) => Some(format!(
            "{:08X}:{:04X}",
            u32::from_ne_bytes(ip.octets()),
            address.port()
        )),
        IpAddr::V6(_) => None,
    }
}
