//! The crate ipc-channel: one channel each way.

use std::process::{Child, Command};

use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory};
use serde::{Deserialize, Serialize};

use crate::echo::arguments;

#[derive(Debug, Serialize, Deserialize)]
enum Message {
    Number(u64),
    Memory(IpcSharedMemory),
}

type Ends = (IpcSender<Message>, IpcReceiver<Message>);

/// A process that echoes.
pub struct Ipc {
    child: Child,
    ends: Option<Ends>,
}

impl Ipc {
    /// Starts the process.
    pub fn start() -> Self {
        let (server, name) = IpcOneShotServer::<Ends>::new().expect("a server");
        let child = Command::new("/proc/self/exe")
            .args(arguments("ipc"))
            .arg(name)
            .spawn()
            .expect("a process");
        let (_, ends) = server.accept().expect("it connects");
        Self {
            child,
            ends: Some(ends),
        }
    }

    fn ends(&self) -> &Ends {
        self.ends.as_ref().expect("open")
    }

    /// Sends a number.
    pub fn send(&self, number: u64) {
        self.ends()
            .0
            .send(Message::Number(number))
            .expect("it lives");
    }

    /// Receives a number.
    pub fn receive(&self) -> u64 {
        match self.ends().1.recv().expect("it lives") {
            Message::Number(number) => number,
            Message::Memory(_) => panic!("a number was sent"),
        }
    }

    /// Sends these bytes and receives as many, through ipc-channel's shared memory.
    pub fn exchange(&self, bytes: &[u8], into: &mut [u8]) {
        self.ends()
            .0
            .send(Message::Memory(IpcSharedMemory::from_bytes(bytes)))
            .expect("it lives");
        match self.ends().1.recv().expect("it lives") {
            Message::Memory(memory) => into.copy_from_slice(&memory),
            Message::Number(_) => panic!("memory was sent"),
        }
    }
}

impl Drop for Ipc {
    fn drop(&mut self) {
        self.ends = None;
        let _ = self.child.wait();
    }
}

/// Runs the other side.
pub(crate) fn echo(name: String) {
    let (sender, theirs) = ipc::channel::<Message>().expect("a channel");
    let (mine, receiver) = ipc::channel::<Message>().expect("a channel");
    let bootstrap = IpcSender::connect(name).expect("the server");
    bootstrap.send((sender, receiver)).expect("the server");
    while let Ok(message) = theirs.recv() {
        let answer = match message {
            Message::Number(number) => Message::Number(number + 1),
            memory => memory,
        };
        if mine.send(answer).is_err() {
            return;
        }
    }
}
