//! Asks the upstream, with no patience and no trust.
//!
//! - It has three seconds in all, and a second to be reached; it may say a megabyte of JSON, with status 200.
//! - No redirect is followed, and no proxy of the environment is used: what is meant is this address.
//! - A blocking client on a thread of its own: at most one call runs at a time, since the cache sees to it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::model::Prices;
use crate::site::time::Timestamp;

/// For the whole answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// To be reached.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(1);

/// Bytes of the longest answer.
const LARGEST: u64 = 1 << 20;

/// Where prices are fetched from: `http://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream(String);

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: actix_web::http::Uri =
            text.parse().map_err(|_| "give an address such as http://prices.example/list.json")?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) if !host.is_empty() => Ok(Self(text.to_owned())),
            (Some("https"), _) => Err("the shop speaks plain HTTP only: give an http:// address"),
            _ => Err("give an address such as http://prices.example/list.json"),
        }
    }
}

/// Who asks the upstream, and how long what it says is fresh.
#[derive(Debug, Clone)]
pub struct Client {
    upstream: Arc<str>,
    lifetime: Duration,
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
        Self { upstream: upstream.0.into(), lifetime, agent: agent.into() }
    }

    /// Where it asks.
    pub fn url(&self) -> &str {
        &self.upstream
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
        let asking = tokio::task::spawn_blocking(move || self.ask());
        let answer = asking.await.unwrap_or_else(|error| Err(Error::Silent(error.to_string())));
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
