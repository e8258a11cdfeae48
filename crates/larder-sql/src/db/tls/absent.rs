//! No tunnel, where the feature `postgres-tls` is off: [`Tls::read`] then refuses URLs that need one.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use super::{Target, Tls};

/// A tunnel that cannot be opened.
pub struct Tunnel(Infallible);

impl Tunnel {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: Tls, _: Vec<Target>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns the folder of its sockets.
    pub fn folder(&self) -> &Path {
        match self.0 {}
    }
}
