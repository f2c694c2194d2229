//! Parses a JSON document, and asks a local HTTP server about it: tasks that compute and wait
//! about as long.

use std::sync::LazyLock;

use serde_json::{Value, json};

mod client;

/// The number of documents.
pub const TASKS: usize = 160;

const WAIT_MS: u64 = 2;

/// Orders with 300 to 900 lines each.
pub fn inputs(tasks: usize, seed: u64) -> Vec<String> {
    (0..tasks as u64)
        .map(|task| {
            let mixed = (seed ^ task).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let lines: Vec<Value> = (0..300 + mixed % 600)
                .map(|line| {
                    json!({
                        "sku": format!("A-{}", (line * 7919 + mixed) % 5000),
                        "quantity": 1 + (line ^ mixed) % 9,
                        "price": {"amount": (line * mixed) % 10_000, "currency": "EUR"},
                        "tags": ["new", "sale", "gift"],
                    })
                })
                .collect();
            json!({"order": task, "lines": lines}).to_string()
        })
        .collect()
}

/// The amount of an order, and what the server says about it.
///
/// # Errors
///
/// If the document or the answer is not as expected.
pub fn run(order: &String) -> Result<(u64, u64), String> {
    static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
        let config = ureq::Agent::config_builder();
        let many = config
            .max_idle_connections(256)
            .max_idle_connections_per_host(256);
        many.build().into()
    });
    let amount = amount(order)?;
    let request = AGENT.post(url(amount));
    let mut answer = request
        .send(amount.to_string())
        .map_err(|error| error.to_string())?;
    let text = answer.body_mut().read_to_string();
    Ok((amount, about(&text.map_err(|error| error.to_string())?)?))
}

/// The same on tokio.
///
/// # Errors
///
/// As with [`run`].
pub async fn run_async(order: &String) -> Result<(u64, u64), String> {
    let amount = amount(order)?;
    let request = client::of_this_runtime().post(url(amount));
    let answer = request.body(amount.to_string()).send().await;
    let answer = answer.map_err(|error| error.to_string())?;
    let text = answer.text().await.map_err(|error| error.to_string())?;
    Ok((amount, about(&text)?))
}

fn url(amount: u64) -> String {
    format!("http://{}/{amount}/{WAIT_MS}", local_server::address())
}

fn amount(order: &str) -> Result<u64, String> {
    let order: Value = serde_json::from_str(order).map_err(|error| error.to_string())?;
    let lines = order["lines"].as_array().ok_or("an order without lines")?;
    let amounts = lines
        .iter()
        .filter_map(|line| Some(line["quantity"].as_u64()? * line["price"]["amount"].as_u64()?));
    Ok(amounts.sum())
}

fn about(text: &str) -> Result<u64, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    document["about"]
        .as_u64()
        .ok_or_else(|| "an answer about nothing".to_owned())
}
