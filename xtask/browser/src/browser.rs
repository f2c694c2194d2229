//! A headless browser: opens files, runs scripts, presses keys, and reports what it logged.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::driver::Driver;

/// A browser of its own, with an empty profile. Dropping it closes it.
#[derive(Debug)]
pub struct Browser {
    driver: Arc<Driver>,
    session: String,
    /// Log entries of the page that is open, by the kind of log. The driver hands out each entry
    /// once.
    console: Vec<Value>,
    requests: Vec<String>,
}

/// The observations while a page was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The seconds that its scripts ran, as the browser counts them.
    pub script_seconds: f64,
    /// The address of the page.
    pub url: String,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Errors
    /// One line, if the driver cannot start it.
    pub fn start(driver: &Arc<Driver>) -> Result<Browser, String> {
        // Chromium refuses to run as root with a sandbox. Where an ordinary user may not make one
        // either, as in many containers, it also runs without: the pages are our own.
        let root = rustix::process::geteuid().is_root();
        let session = match root {
            true => Self::session(driver, false)?,
            false => Self::session(driver, true).or_else(|_| Self::session(driver, false))?,
        };
        let browser = Browser {
            driver: Arc::clone(driver),
            session,
            console: Vec::new(),
            requests: Vec::new(),
        };
        browser.cdp("Performance.enable", &json!({}))?;
        Ok(browser)
    }

    fn session(driver: &Driver, sandbox: bool) -> Result<String, String> {
        let profile = tempfile::Builder::new()
            .prefix("profile-")
            .tempdir_in(driver.folder())
            .map_err(|error| format!("cannot make a folder for a profile: {error}"))?
            // Removed with the folder of the driver, when the browser has ended.
            .keep();
        let mut args = vec![
            "--headless".to_owned(),
            format!("--user-data-dir={}", profile.display()),
            "--disable-gpu".to_owned(),
            // In a container it may be too small for a page.
            "--disable-dev-shm-usage".to_owned(),
            // The browser's own look for updates ends here, too.
            "--host-resolver-rules=MAP * ~NOTFOUND".to_owned(),
            // Pictures are then the same on all machines with the same fonts.
            "--force-color-profile=srgb".to_owned(),
            "--font-render-hinting=none".to_owned(),
            "--lang=en-US".to_owned(),
        ];
        args.extend((!sandbox).then(|| "--no-sandbox".to_owned()));
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": args},
        }}});
        let answer = driver.wire().post("/session", &capabilities)?;
        let id = answer["sessionId"].as_str();
        id.map(str::to_owned)
            .ok_or_else(|| "chromedriver gave a session no number".to_owned())
    }

    fn post(&self, what: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}/{what}", self.session);
        self.driver.wire().post(&path, body)
    }

    /// Runs a command of the DevTools protocol.
    ///
    /// # Errors
    /// The driver's.
    pub fn cdp(&self, command: &str, parameters: &Value) -> Result<Value, String> {
        let body = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", &body)
            .map_err(|error| format!("{command}: {error}"))
    }

    /// Opens a file. With a `fragment` such as `#sort=time` the address ends in it.
    ///
    /// # Errors
    /// The driver's.
    pub fn open(&mut self, file: &Path, fragment: &str) -> Result<Loaded, String> {
        // A page that differs from an open one in its fragment only would not be loaded again.
        self.post("url", &json!({"url": "about:blank"}))?;
        self.read_logs()?;
        self.console.clear();
        self.requests.clear();
        let before = self.script_seconds()?;
        let url = file_url(file) + fragment;
        self.post("url", &json!({ "url": url }))?;
        let script_seconds = (self.script_seconds()? - before).max(0.0);
        Ok(Loaded {
            script_seconds,
            url,
        })
    }

    /// Loads the open page again.
    ///
    /// # Errors
    /// The driver's.
    pub fn reload(&self) -> Result<(), String> {
        self.post("refresh", &json!({})).map(drop)
    }

    /// The entries that the console has had since the page was opened, as `LEVEL: message`.
    ///
    /// # Errors
    /// The driver's.
    pub fn console(&mut self) -> Result<Vec<String>, String> {
        self.read_logs()?;
        let text = |entry: &Value| {
            let level = entry["level"].as_str().unwrap_or("?");
            format!("{level}: {}", entry["message"].as_str().unwrap_or_default())
        };
        Ok(self.console.iter().map(text).collect())
    }

    /// The addresses that were requested since the page was opened, the page's own included.
    ///
    /// # Errors
    /// The driver's.
    pub fn requests(&mut self) -> Result<Vec<String>, String> {
        self.read_logs()?;
        Ok(self.requests.clone())
    }

    fn read_logs(&mut self) -> Result<(), String> {
        let entries = |kind: &str| -> Result<Vec<Value>, String> {
            let answer = self.post("se/log", &json!({ "type": kind }))?;
            Ok(answer.as_array().cloned().unwrap_or_default())
        };
        let (console, network) = (entries("browser")?, entries("performance")?);
        self.console.extend(console);
        let urls = network.iter().filter_map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            request(&event["message"])
        });
        self.requests.extend(urls);
        Ok(())
    }

    fn script_seconds(&self) -> Result<f64, String> {
        let answer = self.cdp("Performance.getMetrics", &json!({}))?;
        let metrics = answer["metrics"].as_array().map_or(&[][..], Vec::as_slice);
        let found = metrics
            .iter()
            .find(|metric| metric["name"] == "ScriptDuration");
        found
            .and_then(|metric| metric["value"].as_f64())
            .ok_or_else(|| "the browser does not count the time of scripts".to_owned())
    }

    /// The value that the body of a function returns. It may use `arguments`.
    ///
    /// # Errors
    /// The driver's, and what the script throws.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Result<Value, String> {
        self.post("execute/sync", &json!({"script": body, "args": arguments}))
    }

    /// Presses these keys one after another. `\u{e004}` is the tabulator, `\u{e007}` the enter
    /// key.
    ///
    /// # Errors
    /// The driver's.
    pub fn press(&self, keys: &str) -> Result<(), String> {
        let one = |key: char| {
            let key = key.to_string();
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        };
        let actions: Vec<Value> = keys.chars().flat_map(one).collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.post("actions", &body).map(drop)
    }

    /// Clicks the first element that this selector of CSS finds, where a reader would: not if
    /// another one covers it.
    ///
    /// # Errors
    /// The driver's.
    pub fn click(&self, selector: &str) -> Result<(), String> {
        let failed = |error| format!("{selector}: {error}");
        let body = json!({"using": "css selector", "value": selector});
        let found = self.post("element", &body).map_err(failed)?;
        let id = found
            .as_object()
            .and_then(|found| found.values().next()?.as_str());
        let id = id.ok_or_else(|| format!("{selector}: no element: {found}"))?;
        self.post(&format!("element/{id}/click"), &json!({}))
            .map(drop)
            .map_err(failed)
    }

    /// Chooses the option with this text of a drop-down list.
    ///
    /// # Errors
    /// The driver's, and that there is no such option.
    pub fn choose(&self, list: &str, text: &str) -> Result<(), String> {
        // Lists may be filled when they get the focus.
        let script = "const list = document.querySelector(arguments[0]); list.focus(); \
            return [...list.options].findIndex((option) => option.text.trim() === arguments[1])";
        let place = self.script(script, &[json!(list), json!(text)])?;
        match place.as_u64() {
            Some(place) => self.click(&format!("{list} option:nth-of-type({})", place + 1)),
            None => Err(format!("{list} has no {text:?}")),
        }
    }

    /// Lets pages opened from now on run scripts, or not.
    ///
    /// # Errors
    /// The driver's.
    pub fn allow_scripts(&self, allowed: bool) -> Result<(), String> {
        let parameters = json!({ "value": !allowed });
        self.cdp("Emulation.setScriptExecutionDisabled", &parameters)
            .map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // If it does not end by itself, it does with the driver.
        let _ = self
            .driver
            .wire()
            .delete(&format!("/session/{}", self.session));
    }
}

/// The address in an event, if it is one of a request of any kind.
fn request(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    let url = match event["method"].as_str()? {
        "Network.requestWillBeSent" => &parameters["request"]["url"],
        "Network.webSocketCreated" | "Network.webTransportCreated" => &parameters["url"],
        _ => return None,
    };
    url.as_str().map(str::to_owned)
}

/// The address of a file, with all but plain characters encoded.
fn file_url(file: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => url.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => url.push(char::from(*byte)),
            _ => url += &format!("%{byte:02X}"),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_a_file_has_plain_characters_only() {
        assert_eq!(
            file_url(Path::new("/a b/é#?.html")),
            "file:///a%20b/%C3%A9%23%3F.html"
        );
    }

    #[test]
    fn requests_are_told_from_other_events() {
        let sent = json!({"method": "Network.requestWillBeSent",
            "params": {"request": {"url": "http://a/"}}});
        assert_eq!(request(&sent).as_deref(), Some("http://a/"));
        let socket = json!({"method": "Network.webSocketCreated", "params": {"url": "ws://a/"}});
        assert_eq!(request(&socket).as_deref(), Some("ws://a/"));
        assert_eq!(request(&json!({"method": "Page.loadEventFired"})), None);
    }
}
