//! Benches of `locks` against its rivals, in one run.

mod counter;
mod histogram;
mod uncontended;

use workload_rivals::Settings;

fn main() {
    let settings = Settings::from_args();
    for threads in [2, 8] {
        counter::contest(threads, &settings);
    }
    for threads in [2, 8] {
        histogram::contest(threads, &settings);
    }
    uncontended::contest(&settings);
}
