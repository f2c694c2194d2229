//! The contest of `thread-pool` and its rivals: `cargo bench -p thread-pool-rivals -- [FILTER…]
//! [--rounds N]`.

mod echo;
mod looks;
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
    looks::contest(&settings);
}
