//! A client of the running shop, over HTTP.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::StatusCode;

use crate::site::secrets::{HIDDEN, hide};

/// How long to wait for the shop; a healthy one never takes that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest response body, in bytes: more than the longest list of keys.
const LARGEST: u64 = 256 << 20;

/// The running shop at one address.
pub struct Site {
    address: String,
    agent: ureq::Agent,
    token: Option<String>,
}

/// An error response (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

#[derive(Deserialize)]
struct Cleared {
    cleared: u64,
}

/// A response.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Site {
    /// Builds a client for `http://127.0.0.1:8000`, or the same without its scheme.
    ///
    /// Each request carries `token`, if there is one.
    ///
    /// # Errors
    /// One sentence for an address with https.
    pub fn at(address: &str, token: Option<String>) -> Result<Self, String> {
        let address = address.trim_end_matches('/');
        if address.starts_with("https://") {
            return Err(
                "the command speaks plain HTTP only: give the http:// address of an instance"
                    .into(),
            );
        }
        let scheme = if address.contains("://") { "" } else { "http://" };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Connects to this very address, whatever proxies the environment names.
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        let token = token.map(|token| format!("Bearer {token}"));
        Ok(Self { address: format!("{scheme}{address}"), agent: agent.into(), token })
    }

    /// Returns the JSON document at this path.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, String> {
        let url = format!("{}{path}?{}", self.address, encoded(query));
        let mut request = self.agent.get(url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", token);
        }
        let answer = self.take(request.call())?;
        self.read(&answer)
    }

    /// Posts a form and returns the response body, which may be empty.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>, String> {
        let request = self.agent.post(format!("{}{path}", self.address));
        let mut request = request
            .header("Accept", "application/json")
            .header("Content-Type", "application/x-www-form-urlencoded");
        if let Some(token) = &self.token {
            request = request.header("Authorization", token);
        }
        Ok(self.take(request.send(encoded(fields)))?.body)
    }

    /// Clears the cache and returns how many keys were deleted.
    pub fn clear(&self) -> Result<u64, String> {
        let body = self.post("/cache/clear", &[])?;
        let cleared: Cleared = self.read(&Answer { status: StatusCode::OK, body })?;
        Ok(cleared.cleared)
    }

    /// Returns a successful response, which includes the redirect that answers a form.
    fn take(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, String> {
        let mut answer = answer.map_err(|error| self.silence(&error))?;
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
        let body = body.map_err(|error| self.silence(&error))?;
        let answer = Answer { status: answer.status(), body };
        if answer.status.is_success() || answer.status == StatusCode::SEE_OTHER {
            return Ok(answer);
        }
        let problem: Problem = self.read(&answer)?;
        Err(problem.detail)
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, String> {
        serde_json::from_slice(&answer.body).map_err(|_| {
            let (address, status) = (self.shown(), answer.status.as_u16());
            format!(
                "the server at {address} is not a shop of this version (it responded with {status})"
            )
        })
    }

    fn silence(&self, error: &ureq::Error) -> String {
        let address = self.shown();
        match error {
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => {
                format!(
                    "no shop answers at {address}; start it with `larder serve`, name another with \
                     --site URL, or a Redis with --redis URL"
                )
            }
            // The error may quote the address.
            other => {
                let why = other.to_string().replace(&self.address, &address);
                format!("cannot connect to {address}: {why}")
            }
        }
    }

    /// Returns the address without a password: its user info ends at the last `@`.
    fn shown(&self) -> String {
        let (scheme, rest) = self.address.split_once("://").unwrap_or(("http", &self.address));
        let shown = rest.rsplit_once('@').map(|(_, host)| format!("{scheme}://{HIDDEN}@{host}"));
        hide(shown.as_deref().unwrap_or(&self.address)).into_owned()
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
