//! The HTTP client that fetches the prices from the upstream.
//!
//! - A call has three seconds in all, one of them to connect. The answer must be JSON of at most a megabyte,
//!   with status 200.
//! - Redirects are not followed and proxies of the environment are not used: only the given address is contacted.
//! - The client blocks, so each call runs on a blocking thread. The cache collapses concurrent calls into one;
//!   without a cache at most four run at once, and others wait.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::model::Prices;
use crate::site::digest;
use crate::site::time::Timestamp;

/// The timeout of a whole call.
const PATIENCE: Duration = Duration::from_secs(3);

/// The timeout for connecting.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(1);

/// The maximum size of a body, in bytes.
const LARGEST: u64 = 1 << 20;

/// The maximum number of concurrent calls, which matters only without a cache.
const AT_ONCE: usize = 4;

/// The address from which prices are fetched: `http://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    url: String,
    is_sample: bool,
}

impl Upstream {
    /// Returns the built-in upstream, which listens at `url`.
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

/// A client of one upstream, with the freshness lifetime of its prices.
#[derive(Debug, Clone)]
pub struct Client {
    upstream: Arc<str>,
    name: Arc<str>,
    is_sample: bool,
    lifetime: Duration,
    turns: Arc<Semaphore>,
    agent: ureq::Agent,
}

/// Why the prices could not be fetched.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The upstream did not answer, or not in time.
    #[error("it is unavailable: {0}")]
    Silent(String),
    /// The upstream answered with a status other than 200.
    #[error("it responded with status {0}")]
    Status(u16),
    /// The upstream answered with an invalid body.
    #[error("its response is invalid: {0}")]
    Body(String),
}

impl Client {
    /// Returns a client of `upstream` whose prices are fresh for `lifetime`.
    pub fn new(upstream: Upstream, lifetime: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(PATIENCE_TO_CONNECT))
            .timeout_global(Some(PATIENCE))
            // No connection is reused: the upstream may have closed it, and a new one costs little beside the answer.
            .max_idle_connections(0)
            .build();
        let Upstream { url, is_sample } = upstream;
        let (name, turns) = (name_of(&url, is_sample).into(), Arc::new(Semaphore::new(AT_ONCE)));
        Self { upstream: url.into(), name, is_sample, lifetime, turns, agent: agent.into() }
    }

    /// Returns a name for the upstream that is safe to show, since its address may hold a password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reports whether the upstream is the built-in one.
    pub fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// Returns how long prices are fresh.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Fetches the prices once.
    ///
    /// # Errors
    /// [`Error`], which is logged, too.
    pub async fn fetch(self) -> Result<Prices, Error> {
        let turns = self.turns.clone();
        let turn = turns.acquire().await.map_err(|error| Error::Silent(error.to_string()))?;
        let asking = tokio::task::spawn_blocking(move || self.ask());
        let answer = asking.await.unwrap_or_else(|error| Err(Error::Silent(error.to_string())));
        drop(turn);
        answer.inspect_err(|error| {
            tracing::warn!(%error, "fetching the supplier’s prices failed");
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

/// Returns the name of an upstream, by which instances with the same upstream share an entry.
///
/// The samples of all instances have one name, although each listens at a different address.
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
