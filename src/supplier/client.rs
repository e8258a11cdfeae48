//! Asks the upstream, with no patience and no trust.
//!
//! - It has three seconds in all, and a second to be reached; it may say a megabyte of JSON, with status 200.
//! - No redirect is followed, and no proxy of the environment is used: what is meant is this address.
//! - A blocking client on a thread of its own. The cache sees to it that one call runs at a time; without a cache
//!   a few do, and others wait for them.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::model::Prices;
use crate::site::digest;
use crate::site::time::Timestamp;

/// For the whole answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// To be reached.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(1);

/// Bytes of the longest answer.
const LARGEST: u64 = 1 << 20;

/// Calls at once, where no cache sees to it that there is one.
const AT_ONCE: usize = 4;

/// Where prices are fetched from: `http://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    url: String,
    is_sample: bool,
}

impl Upstream {
    /// The one that is built in, at this address.
    pub(super) fn sample(url: String) -> Self {
        Self { url, is_sample: true }
    }
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: actix_web::http::Uri =
            text.parse().map_err(|_| "give an address such as http://prices.example/list.json")?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) if !host.is_empty() => {
                Ok(Self { url: text.to_owned(), is_sample: false })
            }
            (Some("https"), _) => Err("the shop speaks plain HTTP only: give an http:// address"),
            _ => Err("give an address such as http://prices.example/list.json"),
        }
    }
}

/// Who asks the upstream, and how long what it says is fresh.
#[derive(Debug, Clone)]
pub struct Client {
    upstream: Arc<str>,
    name: Arc<str>,
    is_sample: bool,
    lifetime: Duration,
    turns: Arc<Semaphore>,
    agent: ureq::Agent,
}

/// Why there are no new prices.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It does not answer, or not in time.
    #[error("it does not answer: {0}")]
    Silent(String),
    /// It answers with another status than 200.
    #[error("it answers with status {0}")]
    Status(u16),
    /// It answers, but with something else.
    #[error("its answer cannot be believed: {0}")]
    Body(String),
}

impl Client {
    /// For this upstream, whose prices are fresh for so long.
    pub fn new(upstream: Upstream, lifetime: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(PATIENCE_TO_CONNECT))
            .timeout_global(Some(PATIENCE))
            // It may have gone away since; a connection is cheap beside its answer.
            .max_idle_connections(0)
            .build();
        let Upstream { url, is_sample } = upstream;
        let (name, turns) = (name_of(&url, is_sample).into(), Arc::new(Semaphore::new(AT_ONCE)));
        Self { upstream: url.into(), name, is_sample, lifetime, turns, agent: agent.into() }
    }

    /// Whom it asks, without what is nobody's business: addresses may hold passwords.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether that is the one that is built in.
    pub fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// How long prices are fresh.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Error`]; the log has it, too.
    pub async fn fetch(self) -> Result<Prices, Error> {
        let turns = self.turns.clone();
        let turn = turns.acquire().await.map_err(|error| Error::Silent(error.to_string()))?;
        let asking = tokio::task::spawn_blocking(move || self.ask());
        let answer = asking.await.unwrap_or_else(|error| Err(Error::Silent(error.to_string())));
        drop(turn);
        answer.inspect_err(|error| {
            tracing::warn!(%error, "the supplier’s prices were not fetched");
        })
    }

    fn ask(&self) -> Result<Prices, Error> {
        let silent = |error: ureq::Error| Error::Silent(error.to_string());
        let request = self.agent.get(&*self.upstream).header("Accept", "application/json");
        let mut answer = request.call().map_err(silent)?;
        if answer.status() != 200 {
            return Err(Error::Status(answer.status().as_u16()));
        }
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Error::Body(format!("it is {kind:?}, not application/json")));
        }
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => Error::Body("it is larger than a megabyte".into()),
            other => silent(other),
        })?;
        Prices::parse(&body, Timestamp::now()).map_err(Error::Body)
    }
}

/// Instances that ask the same have the same name for it; those with a sample each have one for that.
fn name_of(url: &str, is_sample: bool) -> String {
    if is_sample {
        return "sample".to_owned();
    }
    digest::of([url])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_plain_http_address() {
        assert!("http://127.0.0.1:9/prices.json".parse::<Upstream>().is_ok());
        for text in ["", "prices.example", "https://prices.example/", "ftp://a/", "http:///x"] {
            assert!(text.parse::<Upstream>().is_err(), "{text}");
        }
    }
}
