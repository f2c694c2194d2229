//! `bridge` against its rivals: `cargo bench -p bridge-rivals -- [FILTER…] [--rounds N]`.

mod offload;
mod portal;
mod trips;

use workload_rivals::Settings;

fn main() {
    let settings = Settings::from_args();
    offload::contests(&settings);
    portal::contests(&settings);
}
