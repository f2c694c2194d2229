//! The check of a model's server, if it has one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::checks::{WORKERS, alone, variants};
use workload::definition::{Talk, parse};
use workload::inputs::{Inputs, make};
use workload::model::{Batch, Model};
use workload::sequential::Sequential;
use workload::serve::{Service, listen};
use workload::task::Surroundings;
use workload::trace::Trace;

const SESSIONS: usize = 1_000;

/// The time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A thousand sessions are open at once, and each gets the right answer; each request has a span in
/// the timeline. Clients that disconnect
/// without a word, send half a line or nonsense, or end their side affect no other. When all are
/// gone, the server ends.
pub fn thousand_sessions_are_served(model: &impl Model, _: usize) {
    let _turn = alone();
    for variant in variants(model) {
        for talk in [Talk::Tasks, Talk::Guess] {
            let inputs = served(talk);
            let does = model.serves(&variant.name).is_ok()
                && model.supports(&variant.name, &inputs.header).is_ok();
            if !does {
                continue;
            }
            let mut ready = model
                .prepare(&variant.name, &inputs, WORKERS)
                .expect("the model gets ready");
            let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
            let trace = Arc::new(Trace::start(0));
            let service = Service::new(Arc::clone(&batch)).expect("the pattern serve");
            let service = Arc::new(service.traced(Arc::clone(&trace)));
            let listener = listen().expect("loopback has a free port");
            let server = listener.local_addr().expect("it is bound");
            let clients = thread::spawn(move || visit(server, talk, &batch));
            let served = model.serve(&mut ready, &service, listener);
            assert_eq!(served, Ok(()), "variant `{}`", variant.name);
            if let Err(panic) = clients.join() {
                std::panic::resume_unwind(panic);
            }
            let timeline = trace.timeline();
            assert_eq!(timeline.check(), Ok(()), "variant `{}`", variant.name);
            // The client that disconnects with a request in flight may be gone before it is served.
            let requests = SESSIONS as u64 - 3;
            assert!(
                (requests..=requests + 1).contains(&timeline.tasks),
                "variant `{}` served {} requests",
                variant.name,
                timeline.tasks
            );
        }
    }
}

fn served(talk: Talk) -> Inputs {
    let talk = match talk {
        Talk::Tasks => "tasks",
        Talk::Guess => "guess",
    };
    let text = format!(
        "name = \"served\"\npattern = \"serve\"\ntasks = 7\n[serve]\ntalk = \"{talk}\"\nsessions = {SESSIONS}\n\
         [[step]]\nwait = \"100us\"\n[[step]]\ncompute = \"1us\"\n"
    );
    make(
        &parse(&text, "served").expect("the definition is right"),
        10,
    )
}

fn visit(server: SocketAddr, talk: Talk, batch: &Arc<Batch>) {
    let mut clients: Vec<TcpStream> = (0..SESSIONS)
        .map(|number| {
            let stream = TcpStream::connect_timeout(&server, PATIENCE)
                .unwrap_or_else(|error| panic!("session {number}: {error}"));
            stream.set_read_timeout(Some(PATIENCE)).expect("a time");
            stream
        })
        .collect();
    let mut odd = clients.split_off(SESSIONS - 4);
    // They disconnect with a request in flight, in the middle of a line, and after nonsense.
    odd[0]
        .write_all(question(talk, 0).as_bytes())
        .expect("open");
    drop(odd.remove(0));
    odd[0].write_all(b"TAS").expect("open");
    odd[1].write_all(b"HELLO\n").expect("open");
    let mut said = String::new();
    odd[1].read_to_string(&mut said).expect("the end");
    assert!(
        said.starts_with("ERROR ") && said.ends_with('\n'),
        "{said:?}"
    );
    // One that shuts down its side is still answered.
    odd[2]
        .write_all(question(talk, 1).as_bytes())
        .expect("open");
    odd[2].shutdown(Shutdown::Write).expect("open");
    assert_eq!(line(&odd[2]), answer(talk, batch, 1));

    // All send a request before the first answer is read.
    for (number, client) in clients.iter_mut().enumerate() {
        client
            .write_all(question(talk, number).as_bytes())
            .unwrap_or_else(|error| panic!("session {number}: {error}"));
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(
            line(client),
            answer(talk, batch, number),
            "session {number}"
        );
    }
}

fn question(talk: Talk, number: usize) -> String {
    match talk {
        Talk::Tasks => format!("TASK {}\n", number % 7),
        Talk::Guess => format!("PARAMS {number} {}\nNUMBER\n", number + 5),
    }
}

fn answer(talk: Talk, batch: &Arc<Batch>, number: usize) -> String {
    match talk {
        Talk::Tasks => {
            let outputs = Sequential.map(&mut (), batch);
            let value = outputs[number % 7].as_ref().expect("an output");
            format!("{value:016x}\n")
        }
        // The first guess is an end of the interval.
        Talk::Guess => format!("{number}\n"),
    }
}

fn line(stream: &TcpStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    line
}
