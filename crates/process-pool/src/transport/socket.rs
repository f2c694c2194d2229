//! Messages with descriptors, each received whole or not at all.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};

use super::descriptor::above_stdio;

/// The maximum number of descriptors in one message (`SCM_MAX_FD`).
pub(crate) const MAX_DESCRIPTORS: usize = 253;
/// The maximum length of a message's text, in bytes.
const MAX_BYTES: usize = 16 * 1024;
const SPACE: usize = rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS));

/// Creates two connected ends, which are not inherited through `exec`.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok((above_stdio(one)?, above_stdio(other)?))
}

/// Whether sending failed because too many descriptors of this user are in flight, or for lack of
/// buffers: the same message can be sent later. The kernel counts the descriptors in flight of all
/// processes of a user against the sender's `RLIMIT_NOFILE`, and exempts `CAP_SYS_RESOURCE`, so
/// root never sees this.
pub(crate) fn is_congestion(error: &io::Error) -> bool {
    let congestion = [Errno::TOOMANYREFS, Errno::NOBUFS].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|number| congestion.contains(&number))
}

/// Sends a message. If `wait` is false, a full socket is the error `WouldBlock`.
pub(crate) fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    wait: bool,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "too many descriptors in one message",
        ));
    }
    let mut flags = SendFlags::NOSIGNAL;
    if !wait {
        flags |= SendFlags::DONTWAIT;
    }
    // An empty text would read as the end.
    let bytes = if bytes.is_empty() {
        &[0]
    } else {
        &bytes[..bytes.len().min(MAX_BYTES)]
    };
    rustix::io::retry_on_intr(|| sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, flags))?;
    Ok(())
}

/// A message that was not received as it was sent, with the descriptors that came with it. Closing
/// them may block, so the caller decides where that happens.
#[derive(Debug)]
pub(crate) struct NotReceived {
    pub(crate) error: io::Error,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl From<Errno> for NotReceived {
    fn from(error: Errno) -> Self {
        Self {
            error: error.into(),
            descriptors: Vec::new(),
        }
    }
}

/// Closes the descriptors: for the worker, which trusts its parent.
impl From<NotReceived> for io::Error {
    fn from(message: NotReceived) -> Self {
        message.error
    }
}

/// Receives a message. The error is `UnexpectedEof` if the other side is closed or has sent an
/// empty message, `EMFILE` if this process could not take all descriptors, and `WouldBlock` for an
/// empty socket if `wait` is false.
pub(crate) fn receive(
    socket: impl AsFd,
    wait: bool,
) -> Result<(Vec<u8>, Vec<OwnedFd>), NotReceived> {
    let mut bytes = vec![0; MAX_BYTES];
    let (received, flags, descriptors) = receive_into(socket, &mut bytes, wait)?;
    let error = if received == 0 {
        Some(io::ErrorKind::UnexpectedEof.into())
    } else if flags.contains(ReturnFlags::TRUNC) {
        Some(io::ErrorKind::InvalidData.into())
    } else {
        // There is room for as many descriptors as any message can have, so this process could not
        // take them.
        let is_cut = flags.contains(ReturnFlags::CTRUNC);
        is_cut.then(|| Errno::MFILE.into())
    };
    if let Some(error) = error {
        return Err(NotReceived { error, descriptors });
    }
    bytes.truncate(received);
    Ok((bytes, descriptors))
}

/// Takes the next message for its descriptors alone, without waiting. The end of the socket reads
/// as an empty list.
pub(crate) fn receive_descriptors(socket: impl AsFd) -> Result<Vec<OwnedFd>, Errno> {
    let (_, _, descriptors) = receive_into(socket, &mut [0], false)?;
    Ok(descriptors)
}

fn receive_into(
    socket: impl AsFd,
    bytes: &mut [u8],
    wait: bool,
) -> Result<(usize, ReturnFlags, Vec<OwnedFd>), Errno> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut flags = RecvFlags::CMSG_CLOEXEC;
    if !wait {
        flags |= RecvFlags::DONTWAIT;
    }
    let mut receive = || {
        rustix::io::retry_on_intr(|| {
            let mut text = [IoSliceMut::new(&mut *bytes)];
            recvmsg(&socket, &mut text, &mut control, flags)
        })
    };
    // If the other side has ended with unread messages, the first call only reports that. The
    // messages it had sent are still there.
    let received = match receive() {
        Err(Errno::CONNRESET) => receive(),
        received => received,
    }?;
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    let mut returned = received.flags;
    let mut descriptors = Vec::new();
    for descriptor in rights.flatten() {
        match above_stdio(descriptor) {
            Ok(descriptor) => descriptors.push(descriptor),
            Err(_) => returned |= ReturnFlags::CTRUNC,
        }
    }
    Ok((received.bytes, returned, descriptors))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    fn send_raw(socket: &OwnedFd, bytes: &[u8]) {
        let file = File::open("/dev/null").unwrap();
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
        let text = [IoSlice::new(bytes)];
        sendmsg(socket, &text, &mut control, SendFlags::empty()).unwrap();
    }

    #[test]
    fn message_is_received_after_peer_left_others_unread() {
        let (one, other) = pair().unwrap();
        send(&one, b"read", &[], false).unwrap();
        send(&other, b"unread", &[], false).unwrap();
        drop(one);
        let (bytes, _) = receive(&other, false).unwrap();
        assert_eq!(bytes, b"read");
        let end = receive(&other, false).unwrap_err();
        assert_eq!(end.error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn refused_message_returns_its_descriptors() {
        let (one, other) = pair().unwrap();
        // A message without text, and one with too much of it.
        send_raw(&one, &[]);
        send_raw(&one, &[0; MAX_BYTES + 1]);
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData] {
            let refused = receive(&other, false).unwrap_err();
            assert_eq!((refused.error.kind(), refused.descriptors.len()), (kind, 1));
        }
        let nothing = receive(&other, false).unwrap_err();
        assert_eq!(nothing.error.kind(), io::ErrorKind::WouldBlock);
    }
}
