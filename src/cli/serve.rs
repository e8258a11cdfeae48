//! `larder serve`: serves the shop.

use std::io::Write;

use super::log;
use crate::server::{ServeConfig, Server, StopSignals};

/// Serves until the process receives a stop signal.
pub fn run(config: &ServeConfig) -> Result<(), String> {
    let _log = log::start(&config.log);
    actix_web::rt::System::new().block_on(async {
        // Listens before the shop is announced, so that no stop signal is lost.
        let told = StopSignals::listen()?;
        let server = Server::start(config).await?;
        announce(&server);
        server.run(told).await
    })
}

/// Prints the shop's address on a line of its own, which programs can parse, too.
fn announce(server: &Server) {
    let mut out = std::io::stdout().lock();
    // An error is ignored: the reader may have closed the pipe.
    let _ = writeln!(out, "Larder is open at http://{}", server.address());
    let _ = out.flush();
}
