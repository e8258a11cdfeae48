//! The entry point: runs the command line of [`larder::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    larder::cli::run()
}
