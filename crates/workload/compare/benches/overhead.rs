//! The overhead of a runner's sample over a bare call of the model:
//! `cargo bench -p workload-compare`.
//!
//! The same 10 ms of work runs alternately as a bare call in this process and as a sample of a real
//! runner over its protocol. The bench prints the median of the paired ratios with their
//! interquartile range. To check the bench itself, the bare call is also paired with itself.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use workload::definition::parse;
use workload::inputs;
use workload::model::{Batch, Model};
use workload::protocol::{Load, PROTOCOL, Reply, Request, Sources};
use workload::sequential::Sequential;
use workload::task::{Surroundings, compute};

const ROUNDS: usize = 301;

const DEFINITION: &str = r#"
name = "overhead"
pattern = "map"
tasks = 20
[[step]]
compute = "500us"
"#;

fn main() {
    let definition = parse(DEFINITION, "overhead").expect("the definition is right");
    let inputs = inputs::make(&definition, iterations_per_us());
    let folder = tempfile::tempdir().expect("there is room for a file");
    let path = folder.path().join("inputs.jsonl");
    inputs::write(
        &inputs,
        std::fs::File::create(&path).expect("the folder is ours"),
    )
    .expect("there is room");
    let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
    let mut runner = Runner::start(Sources {
        requests: None,
        inputs: path,
        files: None,
        origin: None,
    });

    let (mut sample_to_bare, mut bare_to_bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The order alternates, so that a drift within a round cancels out.
        let (sample, first, second) = if round % 2 == 0 {
            let sample = runner.sample_ns();
            (sample, bare_ns(&batch), bare_ns(&batch))
        } else {
            let (first, second) = (bare_ns(&batch), bare_ns(&batch));
            (runner.sample_ns(), first, second)
        };
        sample_to_bare.push(sample / first);
        bare_to_bare.push(second / first);
    }
    println!(
        "{ROUNDS} rounds of {} tasks, {:.1} ms in all",
        batch.len(),
        bare_ns(&batch) / 1e6
    );
    report("sample ÷ bare call", sample_to_bare);
    report("bare call ÷ bare call", bare_to_bare);
}

fn bare_ns(batch: &Arc<Batch>) -> f64 {
    let start = Instant::now();
    std::hint::black_box(Sequential.run(&mut (), batch));
    start.elapsed().as_nanos() as f64
}

fn report(what: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[(share * (ratios.len() - 1) as f64) as usize];
    println!(
        "{what}: median {:.4}, middle half {:.4} to {:.4}",
        at(0.5),
        at(0.25),
        at(0.75)
    );
}

fn iterations_per_us() -> u64 {
    let start = Instant::now();
    std::hint::black_box(compute(1, 4_000_000));
    (4_000_000_000 / start.elapsed().as_nanos().max(1)) as u64
}

/// A real runner.
struct Runner {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Runner {
    fn start(sources: Sources) -> Runner {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sequential"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the runner starts");
        let requests = child.stdin.take().expect("piped");
        let replies = BufReader::new(child.stdout.take().expect("piped"));
        let mut runner = Runner {
            child,
            requests,
            replies,
        };
        runner.ask(&Request::Hello { protocol: PROTOCOL });
        runner.ask(&Request::Load(Load {
            sources,
            variant: String::new(),
            workers: 1,
        }));
        runner
    }

    fn ask(&mut self, request: &Request) -> Reply {
        let mut line = serde_json::to_string(request).expect("a request is JSON");
        line.push('\n');
        self.requests
            .write_all(line.as_bytes())
            .expect("the runner reads");
        let mut reply = String::new();
        self.replies
            .read_line(&mut reply)
            .expect("the runner answers");
        serde_json::from_str(&reply).expect("the answer is a reply")
    }

    fn sample_ns(&mut self) -> f64 {
        match self.ask(&Request::Sample) {
            Reply::Sample(sample) => sample.wall_ns as f64,
            other => panic!("not a sample: {other:?}"),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
