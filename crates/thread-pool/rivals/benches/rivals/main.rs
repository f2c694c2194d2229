//! `thread-pool` against its rivals, in one run: `cargo bench -p thread-pool-rivals -- [FILTER…] [--rounds N]`.

mod echo;
mod map;
mod round_trip;
mod runtimes;
mod submit;

use workload_rivals::Settings;

fn main() {
    let settings = Settings::from_args();
    submit::contest(&settings);
    map::contests(&settings);
    round_trip::contests(&settings);
}
