//! Fetches JSON from a local HTTP server and parses it: tasks that wait for milliseconds and
//! compute for a few microseconds.

use std::sync::LazyLock;

use serde_json::Value;

mod client;

/// The number of requests.
pub const TASKS: usize = 200;

/// The number that a request asks about, and for how many milliseconds the server waits.
pub type Input = (u64, u64);

/// Delays of 2 to 8 ms.
pub fn inputs(tasks: usize, seed: u64) -> Vec<Input> {
    (0..tasks as u64)
        .map(|task| {
            let mixed = (seed ^ task).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            (task, 2 + mixed % 7)
        })
        .collect()
}

fn url(input: Input) -> String {
    format!("http://{}/{}/{}", local_server::address(), input.0, input.1)
}

/// The sum of the values in the document.
///
/// # Errors
///
/// If the server does not answer with such a document.
pub fn run(input: &Input) -> Result<u64, String> {
    static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
        let config = ureq::Agent::config_builder();
        let many = config
            .max_idle_connections(256)
            .max_idle_connections_per_host(256);
        many.build().into()
    });
    let mut answer = AGENT
        .get(url(*input))
        .call()
        .map_err(|error| error.to_string())?;
    let text = answer.body_mut().read_to_string();
    sum(&text.map_err(|error| error.to_string())?)
}

/// The same on tokio.
///
/// # Errors
///
/// As with [`run`].
pub async fn run_async(input: &Input) -> Result<u64, String> {
    let request = client::of_this_runtime().get(url(*input));
    let answer = request.send().await.map_err(|error| error.to_string())?;
    sum(&answer.text().await.map_err(|error| error.to_string())?)
}

fn sum(text: &str) -> Result<u64, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let items = document["items"]
        .as_array()
        .ok_or("a document without items")?;
    Ok(items.iter().filter_map(|item| item["value"].as_u64()).sum())
}
