//! Controls a page in headless Chromium by the DevTools protocol over a websocket.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::preview::TIMEOUT;

/// An open page; dropping it ends Chromium.
pub struct Page {
    _browser: Browser,
    _folder: tempfile::TempDir,
    socket: WebSocket<TcpStream>,
    last: u64,
    /// Null while calls address the browser itself.
    session: Value,
    /// Every requested URL, in order.
    pub requests: Vec<String>,
}

impl Page {
    /// Opens `address` in a new browser.
    pub fn open(program: &Path, address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1280,900"]);
        command.arg(format!("--user-data-dir={}", folder.path().display())).arg("about:blank");
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let browser = Browser(command.spawn().unwrap());
        let port_file = folder.path().join("DevToolsActivePort");
        let endpoint = || {
            let text = fs::read_to_string(&port_file).ok()?;
            let (port, path) = text.split_once('\n')?;
            Some((port.parse::<u16>().ok()?, path.trim_end().to_owned())).filter(|(_, path)| !path.is_empty())
        };
        let (port, path) = wait(endpoint);
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream).unwrap();
        let mut page =
            Self { _browser: browser, _folder: folder, socket, last: 0, session: Value::Null, requests: Vec::new() };
        let target = page.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = page.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        page.session = attached["sessionId"].clone();
        page.call("Network.enable", &json!({}));
        page.call("Page.enable", &json!({}));
        page.call("Page.navigate", &json!({"url": address}));
        page
    }

    /// Waits until an expression is true; an exception counts as false, and so does a page that is replaced by the next one
    /// meanwhile.
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + TIMEOUT;
        let guarded = format!("(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()");
        let params = json!({"expression": guarded, "returnByValue": true});
        while !self.answer("Runtime.evaluate", &params).is_ok_and(|answer| answer["result"]["value"] == json!(true)) {
            let seen =
                "document.body.innerText + '\\n' + document.getElementById('frame')?.contentDocument?.body.innerText";
            assert!(Instant::now() < deadline, "never true: {expression}\n{}", self.value_of(seen));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key that types a letter.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": key, "text": key}));
        }
    }

    /// Opens another page, and waits for it.
    pub fn go(&mut self, address: &str) {
        self.call("Page.navigate", &json!({"url": address}));
        self.wait_for(&format!("document.readyState == 'complete' && location.href == {}", json!(address)));
    }

    /// The value of an expression; of a promise, what it resolves to.
    ///
    /// # Panics
    /// When it throws.
    pub fn value_of(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{result}");
        result["result"]["value"].clone()
    }

    /// Calls a method and waits for its result, recording requests reported in the meantime.
    ///
    /// # Panics
    /// When it fails.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.answer(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The result of a method, or why it fails.
    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.last += 1;
        let mut call = json!({"id": self.last, "method": method, "params": params});
        if !self.session.is_null() {
            call["sessionId"] = self.session.clone();
        }
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            let told: Value = serde_json::from_str(&text).unwrap();
            if told["method"] == "Network.requestWillBeSent" {
                self.requests.push(told["params"]["request"]["url"].as_str().unwrap().to_owned());
            }
            if told["id"] == json!(self.last) {
                return if told["error"].is_null() { Ok(told["result"].clone()) } else { Err(told["error"].clone()) };
            }
        }
    }
}

/// Ends Chromium however the test ends.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until there is a value.
fn wait<T>(mut get: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = get() {
            return found;
        }
        assert!(Instant::now() < deadline, "Chromium does not listen");
        thread::sleep(Duration::from_millis(20));
    }
}
