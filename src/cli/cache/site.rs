//! The running shop, asked over HTTP.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::StatusCode;

/// A shop that needs longer is not well.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than the longest list of keys.
const LARGEST: u64 = 256 << 20;

/// A shop at an address.
pub struct Site {
    address: String,
    agent: ureq::Agent,
    token: Option<String>,
}

/// Why it did not do what it was asked (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

#[derive(Deserialize)]
struct Cleared {
    cleared: u64,
}

/// What it answered.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Site {
    /// `http://127.0.0.1:8000`, or the same without its scheme.
    /// `token` is shown where there is one.
    pub fn at(address: &str, token: Option<String>) -> Self {
        let address = address.trim_end_matches('/');
        let scheme = if address.contains("://") { "" } else { "http://" };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // What is meant is this address, whatever the environment says of proxies.
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        let token = token.map(|token| format!("Bearer {token}"));
        Self { address: format!("{scheme}{address}"), agent: agent.into(), token }
    }

    /// What it says at this path.
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

    /// Posts a form; what comes back, if anything.
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

    /// Forgets everything; how much there was.
    pub fn clear(&self) -> Result<u64, String> {
        let body = self.post("/cache/clear", &[])?;
        let cleared: Cleared = self.read(&Answer { status: StatusCode::OK, body })?;
        Ok(cleared.cleared)
    }

    /// The answer, if it is one of success; a redirect is what a form of the shop answers.
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
            let (address, status) = (&self.address, answer.status.as_u16());
            format!("what answers at {address} is no shop of this version (it answered {status})")
        })
    }

    fn silence(&self, error: &ureq::Error) -> String {
        let address = &self.address;
        match error {
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => {
                format!(
                    "no shop answers at {address}; start it with `larder serve`, name another with \
                     --site URL, or a Redis with --redis URL"
                )
            }
            other => format!("cannot ask {address}: {other}"),
        }
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
