//! The command line, handed to [`larder::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    larder::cli::run()
}
