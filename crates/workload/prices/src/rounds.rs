//! Interleaved rounds: every price once per round, in shuffled order, until the time is up.

use std::io;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use effective_process_pool::Program;
use workload::value::Rng;

use crate::calls::{Atomic, Call, Lock};
use crate::line::Line;
use crate::names;
use crate::priced::Priced;
use crate::processes::{Child, ProcessJob};
use crate::runtime::{InRuntime, Way};
use crate::threads::{PoolJob, QueueHop, RayonItem, Thread};

/// A batch has as many tasks as take this long.
const BATCH: Duration = Duration::from_millis(2);

/// Batches of a size that are tried before it counts as long enough.
const TRIES: usize = 3;

/// The pause before a cold reading: longer than any worker here spins.
const PAUSE: Duration = Duration::from_millis(1);

/// Cold readings of each price in a round.
const COLD: usize = 4;

/// The sequential time of a batch with which a size is tried.
const TRIED: Duration = Duration::from_millis(3);

const SEED: u64 = 17;

/// A way to have tasks done, with its name.
struct Seller {
    name: &'static str,
    priced: Box<dyn Priced>,
    /// Tasks in a batch, found out on the way.
    tasks: usize,
}

impl Seller {
    fn fail(&self, why: &str) -> io::Result<()> {
        let name = self.name;
        Line::Failed { name, why }.print()
    }

    /// The hot and the cold price once.
    fn read(&mut self) -> Result<Vec<Line<'static>>, String> {
        let name = self.name;
        let hot = self.priced.batch(self.tasks, 0)?;
        let mut lines = vec![Line::Hot {
            name,
            tasks: self.tasks,
            wall_ns: hot.wall_ns,
            cpu_ns: hot.cpu_ns,
        }];
        for _ in 0..COLD {
            let cold = self.priced.alone(PAUSE)?;
            lines.push(Line::Cold {
                name,
                wall_ns: cold.wall_ns,
                cpu_ns: cold.cpu_ns,
            });
        }
        Ok(lines)
    }

    /// Doubles the batch until it takes long enough, which also warms everything up.
    fn size(&mut self) -> Result<(), String> {
        let most = self.priced.most_tasks();
        loop {
            // The first batch of a size may pay for threads and memory, or be interrupted.
            let mut took = u64::MAX;
            for _ in 0..TRIES {
                took = took.min(self.priced.batch(self.tasks, 0)?.wall_ns);
            }
            if Duration::from_nanos(took) >= BATCH || self.tasks * 2 > most {
                return Ok(());
            }
            self.tasks *= 2;
        }
    }
}

/// Everything with a price; what cannot be built prints its line instead.
fn sellers(program: &Program, only: impl Fn(&str) -> bool) -> io::Result<Vec<Seller>> {
    let workers = NonZeroUsize::new(num_cpus::get()).unwrap_or(NonZeroUsize::MIN);
    let build = |name: &str| -> Result<Box<dyn Priced>, String> {
        Ok(match name {
            names::CALL => Box::new(Call),
            names::ATOMIC => Box::<Atomic>::default(),
            names::LOCK => Box::<Lock>::default(),
            names::RAYON_ITEM => Box::new(RayonItem::new(workers)?),
            names::POOL_JOB => Box::new(PoolJob::new(workers)?),
            names::QUEUE_HOP => Box::new(QueueHop::new(workers)),
            names::TOKIO_SPAWN => Box::new(InRuntime::new(workers, Way::Spawn)?),
            names::SPAWN_BLOCKING => Box::new(InRuntime::new(workers, Way::SpawnBlocking)?),
            names::OFFLOAD => Box::new(InRuntime::new(workers, Way::offload(workers)?)?),
            names::THREAD => Box::new(Thread::new(workers)),
            names::PROCESS_JOB => Box::new(ProcessJob::new(program, workers)?),
            names::CHILD => Box::new(Child::new(workers)),
            other => return Err(format!("`{other}` has no price")),
        })
    };
    let mut sellers = Vec::new();
    for name in names::ALL.into_iter().filter(|name| only(name)) {
        match build(name) {
            Ok(priced) => sellers.push(Seller {
                name,
                priced,
                tasks: 1,
            }),
            Err(why) => Line::Failed { name, why: &why }.print()?,
        }
    }
    Ok(sellers)
}

/// Calls `turn` for each of them in rounds of shuffled order until the time is up, at least once. A
/// seller whose turn fails prints its line and leaves.
fn in_rounds(
    mut sellers: Vec<Seller>,
    time: Duration,
    mut turn: impl FnMut(&mut Seller) -> Result<Vec<Line<'static>>, String>,
) -> io::Result<()> {
    let begin = Instant::now();
    let mut rng = Rng::new(SEED);
    let mut first = true;
    while first || begin.elapsed() < time {
        first = false;
        for last in (1..sellers.len()).rev() {
            let other = rng.below(last as u64 + 1) as usize;
            sellers.swap(last, other);
        }
        let mut gone = Vec::new();
        for (place, seller) in sellers.iter_mut().enumerate() {
            match turn(seller) {
                Ok(lines) => lines.iter().try_for_each(Line::print)?,
                Err(why) => {
                    seller.fail(&why)?;
                    gone.push(place);
                }
            }
        }
        for place in gone.into_iter().rev() {
            sellers.remove(place);
        }
    }
    Ok(())
}

/// Prints the times of everything.
///
/// # Errors
/// As writing to standard output.
pub(crate) fn times(program: &Program, time: Duration) -> io::Result<()> {
    let mut ready = Vec::new();
    for mut seller in sellers(program, |_| true)? {
        match seller.size() {
            Ok(()) => ready.push(seller),
            Err(why) => seller.fail(&why)?,
        }
    }
    in_rounds(ready, time, Seller::read)
}

/// A size with which a model is tried.
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) size_ns: u64,
}

/// Prints how long tasks of these sizes take by each model, and by a loop of calls.
///
/// # Errors
/// As writing to standard output.
pub(crate) fn trials(program: &Program, time: Duration, trials: &[Trial]) -> io::Result<()> {
    let sellers = sellers(program, |name| {
        trials.iter().any(|trial| trial.name == name)
    })?;
    let sellers = sellers
        .into_iter()
        .filter(|one| one.priced.takes_work())
        .collect();
    let per_us = iterations_per_us();
    let mut call = Call;
    in_rounds(sellers, time, |seller| {
        let mut lines = Vec::new();
        for trial in trials.iter().filter(|trial| trial.name == seller.name) {
            let size_ns = trial.size_ns.max(1);
            let iterations = (size_ns as f64 * per_us / 1e3).round() as u64;
            let tasks = (TRIED.as_nanos() as u64 / size_ns).clamp(1, 1 << 20) as usize;
            let tasks = tasks.min(seller.priced.most_tasks());
            let sequential = call.batch(tasks, iterations)?;
            let model = seller.priced.batch(tasks, iterations)?;
            lines.push(Line::Paying {
                name: seller.name,
                size_ns,
                wall_ns: model.wall_ns,
                sequential_ns: sequential.wall_ns,
            });
        }
        Ok(lines)
    })
}

/// Iterations of a task in a microsecond, by the fastest of a few calls.
fn iterations_per_us() -> f64 {
    const ITERATIONS: u64 = 400_000;
    let mut call = Call;
    let tries = (0..16).filter_map(|_| call.batch(1, ITERATIONS).ok());
    let fastest = tries.map(|reading| reading.wall_ns).min().unwrap_or(1);
    ITERATIONS as f64 * 1e3 / fastest.max(1) as f64
}
