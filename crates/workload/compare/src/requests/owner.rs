//! The owner of the other end of a loopback connection, from Linux's `/proc`.
//!
//! A socket is accepted if a process of the contestant holds it: the runner or a descendant. If no
//! contestant is seen to hold it, it is accepted only where the contestant may hold it unseen: it
//! belongs to another user, as in a container, or a process of the contestant hides its
//! descriptors. Without `/proc` every socket is accepted.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::process::geteuid;
use workload::tree::descendants;

/// The tables of TCP sockets. The first lists IPv4 sockets only; an IPv6 socket, also one that
/// carries IPv4, is in the second.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The state of a listener in the tables.
const LISTEN: &str = "0A";

/// The number of attempts before a socket is refused: reading a busy table can miss a socket, and
/// listing processes can miss one that has just started.
const LOOKS: usize = 2;

/// The processes of the contestant that is being sampled, and those of all others.
pub(crate) struct Owners {
    runner: u32,
    comparison: u32,
}

/// A socket in the tables.
#[derive(Debug)]
struct Socket {
    inode: String,
    user: u32,
}

impl Owners {
    /// For the contestant whose process is `runner`, in the comparison that started this program.
    pub(crate) fn new(runner: u32) -> Owners {
        Owners {
            runner,
            comparison: std::os::unix::process::parent_id(),
        }
    }

    /// Whether the client at `peer` of a connection to `own` is the contestant.
    pub(crate) fn may_order(&self, peer: SocketAddr, own: SocketAddr) -> bool {
        let (peer, own) = (exact(peer), exact(own));
        self.accept(|row| is_in(row.local, &peer) && is_in(row.remote, &own))
    }

    /// Whether a connection to `server` reaches a listener of the contestant and cannot reach one
    /// of another contestant.
    pub(crate) fn may_serve(&self, server: SocketAddr) -> bool {
        let reached = reached(server);
        self.accept(|row| row.state == LISTEN && is_in(row.local, &reached))
    }

    /// Whether at least one of these sockets is the contestant's, and none is another contestant's.
    fn accept(&self, is_meant: impl Fn(&Row<'_>) -> bool) -> bool {
        (0..LOOKS).any(|_| match sockets(&is_meant) {
            Some(found) => self.is_own(&found),
            None => true,
        })
    }

    fn is_own(&self, sockets: &[Socket]) -> bool {
        let own: BTreeSet<u32> = [self.runner]
            .into_iter()
            .chain(descendants(self.runner))
            .collect();
        let others: BTreeSet<u32> = descendants(self.comparison)
            .into_iter()
            .filter(|process| !own.contains(process))
            .collect();
        let mut has_own = false;
        for socket in sockets {
            let name = format!("socket:[{}]", socket.inode);
            let held = holder(&own, &name);
            if held == Holder::Found {
                has_own = true;
            } else if holder(&others, &name) == Holder::Found {
                return false;
            } else {
                let is_foreign = socket.user != geteuid().as_raw();
                has_own |= is_foreign || held == Holder::Hidden;
            }
        }
        has_own
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Holder {
    Found,
    /// No process was seen to hold it, but at least one does not let its descriptors be read.
    Hidden,
    Absent,
}

fn holder(processes: &BTreeSet<u32>, name: &str) -> Holder {
    let mut found = Holder::Absent;
    for process in processes {
        match fs::read_dir(format!("/proc/{process}/fd")) {
            Ok(descriptors) => {
                let mut links = descriptors
                    .flatten()
                    .map(|entry| fs::read_link(entry.path()));
                if links.any(|link| link.is_ok_and(|link| link.as_os_str() == name)) {
                    return Holder::Found;
                }
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => found = Holder::Hidden,
            // It has ended.
            Err(_) => {}
        }
    }
    found
}

/// One line of a table.
struct Row<'a> {
    local: &'a str,
    remote: &'a str,
    state: &'a str,
    user: u32,
    inode: &'a str,
}

impl Row<'_> {
    fn new(line: &str) -> Option<Row<'_>> {
        let mut fields = line.split_ascii_whitespace();
        Some(Row {
            local: fields.nth(1)?,
            remote: fields.next()?,
            state: fields.next()?,
            user: fields.nth(3)?.parse().ok()?,
            inode: fields.nth(1)?,
        })
    }
}

/// The sockets that `is_meant` selects; `None` without tables. Leaves out a socket that every
/// process has closed: its inode is 0.
fn sockets(is_meant: impl Fn(&Row<'_>) -> bool) -> Option<Vec<Socket>> {
    // The second table is missing where there is no IPv6.
    let tables: Vec<String> = TABLES
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .collect();
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let meant = rows
        .filter_map(Row::new)
        .filter(|row| row.inode != "0" && is_meant(row));
    let found = meant.map(|row| Socket {
        inode: row.inode.to_owned(),
        user: row.user,
    });
    let found = found.collect();
    (!tables.is_empty()).then_some(found)
}

/// The local addresses, as in the tables, of listeners that a connection to `server` can reach.
fn reached(server: SocketAddr) -> Vec<String> {
    let mut reached = exact(server);
    if server.is_ipv4() {
        reached.extend(exact((Ipv4Addr::UNSPECIFIED, server.port()).into()));
    }
    reached.extend(exact((Ipv6Addr::UNSPECIFIED, server.port()).into()));
    reached
}

fn is_in(address: &str, addresses: &[String]) -> bool {
    addresses.iter().any(|other| other == address)
}

/// How the tables write an address. An IPv6 socket has an IPv4 address in its mapped form.
fn exact(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    match address.ip() {
        IpAddr::V4(ip) => vec![
            hex(&ip.octets(), port),
            hex(&ip.to_ipv6_mapped().octets(), port),
        ],
        IpAddr::V6(ip) => vec![hex(&ip.octets(), port)],
    }
}

/// An address in the tables' format: each four bytes as a number in native byte order, then the
/// port.
fn hex(octets: &[u8], port: u16) -> String {
    let (words, _) = octets.as_chunks::<4>();
    let words = words
        .iter()
        .map(|word| format!("{:08X}", u32::from_ne_bytes(*word)));
    format!("{}:{port:04X}", words.collect::<String>())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, Command};

    use super::*;

    /// A process that holds no socket, as a contestant. Dropping it ends it.
    struct Sleeper(Child);

    impl Sleeper {
        fn start() -> Sleeper {
            Sleeper(Command::new("sleep").arg("1000").spawn().unwrap())
        }

        /// The owners while it is sampled and the other contestants are below `comparison`.
        fn owners(&self, comparison: u32) -> Owners {
            let runner = self.0.id();
            Owners { runner, comparison }
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// Listeners that a client of the loopback reaches, each with the address to connect to.
    fn listeners() -> Vec<(TcpListener, SocketAddr)> {
        let addresses = [
            ("127.0.0.1:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.2"),
            ("[::]:0", "127.0.0.1"),
            ("[::]:0", "::1"),
            ("[::1]:0", "::1"),
            ("[::ffff:127.0.0.1]:0", "127.0.0.1"),
            ("[::ffff:0.0.0.0]:0", "127.0.0.1"),
        ];
        let bound = addresses.iter().filter_map(|(bind, connect)| {
            // A machine may have no IPv6.
            let listener = TcpListener::bind(bind).ok()?;
            let port = listener.local_addr().unwrap().port();
            let connect = SocketAddr::new(connect.parse().unwrap(), port);
            TcpStream::connect(connect).ok()?;
            Some((listener, connect))
        });
        let bound: Vec<_> = bound.collect();
        assert!(bound.len() >= 3, "IPv4 at least");
        bound
    }

    #[test]
    fn own_listener_serves_at_every_address() {
        let own = Owners::new(std::process::id());
        for (listener, server) in listeners() {
            assert!(own.may_serve(server), "{listener:?} at {server}");
        }
    }

    #[test]
    fn listener_of_a_child_serves() {
        let own = Owners::new(std::os::unix::process::parent_id());
        for (listener, server) in listeners() {
            assert!(own.may_serve(server), "{listener:?} at {server}");
        }
    }

    #[test]
    fn foreign_listener_is_refused_at_every_address() {
        let sleeper = Sleeper::start();
        // This process is another contestant first, then no contestant at all.
        let contestant = std::os::unix::process::parent_id();
        for (comparison, most) in [(contestant, usize::MAX), (sleeper.0.id(), 2)] {
            for (listener, server) in listeners().into_iter().take(most) {
                let is_accepted = sleeper.owners(comparison).may_serve(server);
                assert!(!is_accepted, "{listener:?} at {server}");
            }
        }
    }

    #[test]
    fn server_is_refused_where_nothing_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        // A connected socket has the same local address, and is no listener.
        let client = TcpStream::connect(server).unwrap();
        let accepted = listener.accept().unwrap();
        drop(listener);
        assert!(!Owners::new(std::process::id()).may_serve(server));
        drop((client, accepted));
    }

    #[test]
    fn foreign_client_is_refused_at_every_address() {
        let sleeper = Sleeper::start();
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        let mapped = SocketAddr::from((mapped, address.port()));
        for client in [TcpStream::connect(address), TcpStream::connect(mapped)] {
            // A machine may have no IPv6.
            let Ok(client) = client else { continue };
            let (stream, peer) = door.accept().unwrap();
            let own = stream.local_addr().unwrap();
            for comparison in [std::os::unix::process::parent_id(), sleeper.0.id()] {
                assert!(
                    !sleeper.owners(comparison).may_order(peer, own),
                    "{client:?}"
                );
            }
            assert!(Owners::new(std::process::id()).may_order(peer, own));
            drop(client);
            // The kernel still lists the connection, but no process holds it any more.
            assert!(!Owners::new(std::process::id()).may_order(peer, own));
        }
    }
}
