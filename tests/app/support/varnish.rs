//! Varnish in front of the shop, as `deploy/varnish.vcl` sets it up.

use std::fs;

use tempfile::TempDir;

use super::page::Page;
use super::process::{Leash, Program, are_installed, find_program, leashed};
use super::request::Request;
use super::site::agent;
use super::until::until;

/// The file that operators start with.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/varnish.vcl");

/// The address that the file has for the shop.
const SHOP: &str = "    .port = \"8000\";\n";

/// The name under which the tests ask for the shop. It needs no `--host`, at the port of the scheme.
const HOST: &str = "localhost";

/// A cache in front; it ends with the test.
pub struct Varnish {
    port: u16,
    agent: ureq::Agent,
    _folder: TempDir,
    _server: Program,
}

impl Varnish {
    /// Reports whether Varnish is installed.
    pub fn is_here() -> bool {
        are_installed(&["varnishd"])
    }

    /// Starts Varnish at this port, in front of the shop at that one.
    #[track_caller]
    pub fn start(port: u16, shop: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("larder-varnish-").tempdir().unwrap();
        let file = fs::read_to_string(FILE).unwrap();
        assert_eq!(file.matches(SHOP).count(), 1, "{SHOP} in {FILE}");
        let path = folder.path().join("varnish.vcl");
        fs::write(&path, file.replace(SHOP, &format!("    .port = \"{shop}\";\n"))).unwrap();
        let mut command = leashed(find_program("varnishd").unwrap(), Leash::default());
        let address = format!("127.0.0.1:{port}");
        command.args(["-F", "-j", "none", "-T", "none", "-s", "malloc,16m", "-a", &address]);
        command.arg("-n").arg(folder.path().join("work")).arg("-f").arg(&path);
        let server = Program::start(command);
        let is_open = |text: &str| text.contains("Child launched OK");
        let opened = server.wait_for(|out, err| (is_open(out) || is_open(err)).then_some(()));
        opened.unwrap_or_else(|| panic!("Varnish and its module xkey: {}", server.err()));
        Self { port, agent: agent(), _folder: folder, _server: server }
    }

    /// Begins a request to which headers and a body can be added.
    pub fn ask<'a>(&'a self, method: &'a str, path: &'a str) -> Request<'a> {
        let address = format!("http://127.0.0.1:{}", self.port);
        Request::new(&self.agent, address, method, path).header("Host", HOST)
    }

    /// Sends a `GET` without cookies.
    #[track_caller]
    pub fn get(&self, path: &str) -> Page {
        self.ask("GET", path).send()
    }

    /// Waits until a page is served from what is stored here, and returns it.
    #[track_caller]
    pub fn serves(&self, path: &str) -> Page {
        let mut page = self.get(path);
        until(&format!("{path} is stored in front"), || {
            page = self.get(path);
            is_stored(&page)
        });
        page
    }
}

/// Reports whether Varnish has answered by itself: then it names two requests, its own and the one that it stored.
pub fn is_stored(page: &Page) -> bool {
    page.header("x-varnish").is_some_and(|numbers| numbers.contains(' '))
}
