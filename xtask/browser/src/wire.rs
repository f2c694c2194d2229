//! WebDriver's JSON over HTTP, to a driver on this machine.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

/// The limit on one answer. The longest is a picture of a page on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// The limit on the length of an answer: a log of a large page, or a picture.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// A connection to a driver.
#[derive(Debug)]
pub(crate) struct Wire {
    agent: Agent,
    base: String,
}

impl Default for Wire {
    fn default() -> Wire {
        Wire::to(0)
    }
}

impl Wire {
    /// To the driver at this port.
    pub(crate) fn to(port: u16) -> Wire {
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_TIMEOUT))
            .http_status_as_error(false)
            // One that the environment names cannot reach this machine.
            .proxy(None)
            .build();
        Wire {
            agent: config.into(),
            base: format!("http://127.0.0.1:{port}"),
        }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let response = self
            .agent
            .post(format!("{}{path}", self.base))
            .content_type("application/json")
            .send(body.to_string());
        answer(path, response)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Value, String> {
        let response = self.agent.delete(format!("{}{path}", self.base)).call();
        answer(path, response)
    }
}

/// The value in an answer, or the error as the driver words it.
fn answer(
    path: &str,
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, String> {
    // Without the number of the session, which says nothing.
    let what = path.rsplit('/').next().unwrap_or(path);
    let mut response = response.map_err(|error| format!("chromedriver, {what}: {error}"))?;
    let text = response
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER_BYTES)
        .read_to_string()
        .map_err(|error| format!("chromedriver, {what}: {error}"))?;
    let mut answer: Value = serde_json::from_str(&text)
        .map_err(|error| format!("chromedriver, {what}: no JSON: {error}"))?;
    let value = answer["value"].take();
    if response.status().is_success() {
        return Ok(value);
    }
    let error = value["error"].as_str().unwrap_or("an error");
    let message = value["message"].as_str().unwrap_or_default();
    Err(format!("chromedriver, {what}: {error}: {message}"))
}
