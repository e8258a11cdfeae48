//! TLS to Postgres, for a libpq that is built without it.
//!
//! - libpq gets its TLS from OpenSSL, which a fresh machine lacks, or would compile for minutes. So libpq talks to a
//!   private Unix socket of this process instead, and a [`Tunnel`] behind it talks TLS with the server, by rustls.
//! - The URL says what is wanted, by libpq's own parameters: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`,
//!   `sslnegotiation`. Parameters that are not kept here are refused, never ignored.
//! - `verify-ca` and `verify-full` without `sslrootcert` trust the system's certificates, as `sslrootcert=system`.
//! - Certificates are read again for each connection, so a renewed one needs no restart.
//! - Without `sslmode` there is no TLS. Unix sockets never use it, as in libpq.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-ssl.html>.

#![cfg_attr(not(feature = "postgres-tls"), allow(dead_code))]

#[cfg(not(feature = "postgres-tls"))]
mod absent;
#[cfg(feature = "postgres-tls")]
mod handshake;
mod target;
#[cfg(feature = "postgres-tls")]
mod trust;
#[cfg(feature = "postgres-tls")]
mod tunnel;

use std::path::PathBuf;

#[cfg(not(feature = "postgres-tls"))]
pub use absent::Tunnel;
pub use target::Target;
#[cfg(feature = "postgres-tls")]
pub use tunnel::Tunnel;

/// Whether TLS is used, and what is checked. Source: libpq's `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// TLS if the server has it; nothing is checked (`prefer`, and `allow`).
    Prefer,
    /// TLS; nothing is checked.
    Require,
    /// TLS; the certificate was issued by a trusted authority.
    VerifyCa,
    /// TLS; the certificate was issued by a trusted authority for this host.
    VerifyFull,
}

/// The certificates that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Roots {
    System,
    File(PathBuf),
}

/// What a URL says about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    mode: Mode,
    roots: Roots,
    /// The files of the client's own certificate and of its key.
    identity: Option<(PathBuf, PathBuf)>,
    /// Whether TLS begins without asking the server for it first.
    is_direct: bool,
}

/// Parameters of TLS that are kept here, and those of hosts that cannot be used beside a tunnel.
const KEPT: [&str; 6] = ["sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", "sslnegotiation"];
const REFUSED: [&str; 16] = [
    "sslcompression",
    "sslkeylogfile",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requiressl",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "channel_binding",
    "host",
    "hostaddr",
    "port",
    "service",
    "passfile",
];

/// Reports whether the tunnel handles a parameter, so that libpq must not see it.
pub fn is_kept(name: &str) -> bool {
    KEPT.contains(&name)
}

impl Tls {
    /// Reads the parameters of a URL, decoded; `None` is a connection without TLS.
    ///
    /// # Errors
    /// One sentence, if a value is unknown or a parameter cannot be used together with TLS.
    pub fn read(parameters: &[(String, String)]) -> Result<Option<Self>, String> {
        let get = |name: &str| {
            let found = parameters.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let mode = match (get("sslmode"), get("ssl")) {
            (Some("disable"), _) => return Ok(None),
            (Some("allow" | "prefer"), _) => Mode::Prefer,
            (Some("require"), _) => Mode::Require,
            (Some("verify-ca"), _) => Mode::VerifyCa,
            (Some("verify-full"), _) => Mode::VerifyFull,
            (Some(_), _) => {
                return Err("sslmode is disable, prefer, require, verify-ca or verify-full".into());
            }
            (None, Some("true")) => Mode::Require,
            (None, _) => {
                let lost = KEPT.iter().find(|name| get(name).is_some());
                return lost.map_or(Ok(None), |name| {
                    Err(format!("{name} needs sslmode beside it, as in sslmode=verify-full"))
                });
            }
        };
        if let Some(name) = REFUSED.iter().find(|name| get(name).is_some()) {
            return Err(format!("the parameter {name} cannot be used together with TLS here"));
        }
        let (mode, roots) = match (mode, get("sslrootcert")) {
            (Mode::VerifyCa | Mode::Require, Some("system")) => {
                return Err("sslrootcert=system needs sslmode=verify-full".into());
            }
            (_, None | Some("system")) => (mode, Roots::System),
            // libpq does so too: who names an authority wants it checked.
            (Mode::Require, Some(file)) => (Mode::VerifyCa, Roots::File(file.into())),
            (_, Some(file)) => (mode, Roots::File(file.into())),
        };
        let identity = match (get("sslcert"), get("sslkey")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => return Err("sslcert and sslkey are used together".into()),
        };
        let is_direct = match get("sslnegotiation") {
            None | Some("postgres") => false,
            Some("direct") if mode != Mode::Prefer => true,
            Some(_) => {
                return Err(
                    "sslnegotiation is postgres, or direct with sslmode=require or above".into()
                );
            }
        };
        let tls = Self { mode, roots, identity, is_direct };
        match (cfg!(feature = "postgres-tls"), mode) {
            (true, _) => Ok(Some(tls)),
            // The server may do without it.
            (false, Mode::Prefer) => Ok(None),
            (false, _) => {
                Err("this program was built without TLS to Postgres, the feature postgres-tls"
                    .into())
            }
        }
    }
}

#[cfg(all(test, feature = "postgres-tls"))]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Option<(Mode, Roots)>, String> {
        let pairs: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Tls::read(&pairs)?.map(|tls| (tls.mode, tls.roots)))
    }

    #[test]
    fn the_parameters_mean_what_they_mean_to_libpq() {
        let file = || Roots::File("ca.pem".into());
        let cases = [
            ("", None),
            ("sslmode=disable", None),
            ("sslmode=disable&sslrootcert=ca.pem", None),
            ("connect_timeout=3", None),
            ("sslmode=allow", Some((Mode::Prefer, Roots::System))),
            ("sslmode=prefer&sslrootcert=ca.pem", Some((Mode::Prefer, file()))),
            ("sslmode=require", Some((Mode::Require, Roots::System))),
            ("ssl=true", Some((Mode::Require, Roots::System))),
            ("sslmode=require&sslrootcert=ca.pem", Some((Mode::VerifyCa, file()))),
            ("sslmode=verify-ca&sslrootcert=ca.pem", Some((Mode::VerifyCa, file()))),
            ("sslmode=verify-full", Some((Mode::VerifyFull, Roots::System))),
            ("sslmode=verify-full&sslrootcert=system", Some((Mode::VerifyFull, Roots::System))),
            ("sslmode=disable&sslmode=require", Some((Mode::Require, Roots::System))),
        ];
        for (query, expected) in cases {
            assert_eq!(read(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_parameter_that_would_be_ignored_is_refused() {
        let queries = [
            "sslmode=full",
            "sslmode=VERIFY-FULL",
            "sslrootcert=ca.pem",
            "sslcert=a.pem&sslkey=a.key",
            "sslmode=require&sslcert=a.pem",
            "sslmode=verify-ca&sslrootcert=system",
            "sslmode=prefer&sslnegotiation=direct",
            "sslmode=require&sslnegotiation=later",
            "sslmode=verify-full&sslcrl=gone.pem",
            "sslmode=verify-full&host=db",
            "sslmode=require&channel_binding=require",
            "sslmode=require&service=shop",
        ];
        for query in queries {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
