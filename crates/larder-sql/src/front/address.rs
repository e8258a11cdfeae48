//! Where a cache in front takes purges, and how they are written.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use larder_cache::front::Front;
use ureq::config::ConfigBuilder;
use ureq::http::uri::Authority;
use ureq::http::{HeaderValue, Request, Uri, header};
use ureq::typestate::AgentScope;

/// How long a front has to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A cache in front of the site.
///
/// ```
/// use larder_sql::front::Address;
///
/// let front: Address = "varnish=http://10.0.0.10:6081".parse().unwrap();
/// assert_eq!(front.to_string(), "varnish=http://10.0.0.10:6081");
/// assert!("varnish=10.0.0.10".parse::<Address>().is_err());
/// ```
#[derive(Clone)]
pub struct Address {
    kind: Front,
    /// The service of Fastly, the zone of Cloudflare.
    id: String,
    /// The address of Varnish, or of the API.
    url: String,
    token: Option<HeaderValue>,
}

impl Address {
    /// Returns the kind of the front.
    pub fn kind(&self) -> Front {
        self.kind
    }

    /// Sets the secret by which Fastly and Cloudflare know the site. Varnish gets it as `Authorization`.
    ///
    /// # Errors
    /// A sentence, if it is no token.
    pub fn token(mut self, token: &str) -> Result<Self, String> {
        let mut value = match self.kind {
            Front::Cloudflare => HeaderValue::try_from(format!("Bearer {token}")),
            Front::Varnish | Front::Fastly => HeaderValue::try_from(token),
        }
        .map_err(|_| "the token for the cache in front has characters that none has")?;
        value.set_sensitive(true);
        self.token = Some(value);
        Ok(self)
    }

    /// Returns a client for its purges.
    pub(super) fn agent(&self) -> Result<ureq::Agent, String> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // The token is for this address only.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(TIMEOUT));
        let config = match self.kind {
            Front::Varnish => config.proxy(None),
            Front::Fastly | Front::Cloudflare => config,
        };
        let config = match self.url.starts_with("https:") {
            true => with_tls(config)?,
            false => config,
        };
        Ok(config.build().into())
    }

    /// Purges the pages with one of these keys.
    ///
    /// # Errors
    /// Why the front has not confirmed it.
    pub(super) fn purge(&self, agent: &ureq::Agent, keys: &BTreeSet<String>) -> Result<(), String> {
        let list = |separator| keys.iter().map(String::as_str).collect::<Vec<_>>().join(separator);
        let request = Request::builder();
        let (request, body) = match self.kind {
            Front::Varnish => (
                request.method("PURGE").uri(&self.url).header("xkey-purge", list(" ")),
                String::new(),
            ),
            Front::Fastly => {
                let request = request.uri(format!("{}/service/{}/purge", self.url, self.id));
                (request.method("POST").header("surrogate-key", list(" ")), String::new())
            }
            Front::Cloudflare => {
                let url = format!("{}/client/v4/zones/{}/purge_cache", self.url, self.id);
                let request = request.method("POST").uri(url);
                // The keys are letters and digits.
                let body = format!(r#"{{"tags":["{}"]}}"#, list(r#"",""#));
                (request.header(header::CONTENT_TYPE, "application/json"), body)
            }
        };
        let request = match &self.token {
            Some(token) if self.kind == Front::Fastly => request.header("fastly-key", token),
            Some(token) => request.header(header::AUTHORIZATION, token),
            None => request,
        };
        let request = request.body(body).map_err(|error| error.to_string())?;
        let mut answer = agent.run(request).map_err(|error| error.to_string())?;
        // Read in any case, so that the connection can be used again.
        let body = answer.body_mut().with_config().limit(1 << 16).read_to_vec().unwrap_or_default();
        let has_failed = self.kind == Front::Cloudflare && denies_success(&body);
        match answer.status() {
            status if status.is_success() && !has_failed => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    }
}

/// Reports whether an answer of Cloudflare's API says that the call has failed, which its status need not.
fn denies_success(body: &[u8]) -> bool {
    let plain: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    String::from_utf8_lossy(&plain).contains(r#""success":false"#)
}

/// What an agent is built from.
type Config = ConfigBuilder<AgentScope>;

#[cfg(feature = "front-tls")]
fn with_tls(config: Config) -> Result<Config, String> {
    use std::sync::Arc;

    use ureq::tls::{Certificate, RootCerts, TlsConfig};

    let roots = rustls_native_certs::load_native_certs().certs;
    if roots.is_empty() {
        return Err("the system has no certificates to check a front by".into());
    }
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots)));
    Ok(config.tls_config(tls.unversioned_rustls_crypto_provider(ring).build()))
}

#[cfg(not(feature = "front-tls"))]
fn with_tls(_: Config) -> Result<Config, String> {
    Err("https to a cache in front needs the feature `front-tls`".into())
}

impl FromStr for Address {
    type Err = String;

    /// Parses `varnish=URL`, `fastly=SERVICE` or `cloudflare=ZONE`; after a service or a zone, `@URL` is another address
    /// of the API.
    fn from_str(text: &str) -> Result<Self, String> {
        const HINT: &str =
            "expected varnish=http://HOST:PORT, fastly=SERVICE_ID or cloudflare=ZONE_ID";
        let (kind, rest) = text.split_once('=').ok_or(HINT)?;
        let (kind, api) = match kind {
            "varnish" => (Front::Varnish, None),
            "fastly" => (Front::Fastly, Some("https://api.fastly.com")),
            "cloudflare" => (Front::Cloudflare, Some("https://api.cloudflare.com")),
            _ => return Err(HINT.into()),
        };
        let (id, url) = match api {
            None => ("", rest),
            Some(api) => rest.split_once('@').unwrap_or((rest, api)),
        };
        let is_id =
            |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let url = url.trim_end_matches('/');
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        // A password in it would be shown.
        let is_plain = is_web && !url.contains(['@', '?', '#']);
        // What is no number is no port, and would be refused with each purge.
        let names_server = |at: &Authority| {
            !at.host().is_empty() && (at.port().is_some() || at.as_str() == at.host())
        };
        let names_server = |url: Uri| url.authority().is_some_and(names_server);
        let is_url = is_plain && url.parse().is_ok_and(names_server);
        match is_url && (api.is_none() || is_id(id)) {
            true => Ok(Self { kind, id: id.to_owned(), url: url.to_owned(), token: None }),
            false => Err(HINT.into()),
        }
    }
}

impl fmt::Display for Address {
    /// Prints it without its token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Front::Varnish => write!(f, "varnish={}", self.url),
            Front::Fastly => write!(f, "fastly={}", self.id),
            Front::Cloudflare => write!(f, "cloudflare={}", self.id),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
