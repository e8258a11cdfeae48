//! HAProxy in front of three instances, as `deploy/haproxy.cfg` sets it up.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::caller::Caller;
use super::certificates::Certificates;
use super::process::{Leash, Program, are_installed, find_program, free_port, leashed};
use super::request::Request;
use super::site::agent;
use super::until::until;

/// The file that operators start with.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/haproxy.cfg");

/// The names that the file gives to the instances, with their addresses.
const SERVERS: [(&str, &str); 3] =
    [("one", "10.0.0.11:8000"), ("two", "10.0.0.12:8000"), ("three", "10.0.0.13:8000")];

/// The name under which the tests ask for the shop. It needs no `--host`, at the port of the scheme.
const HOST: &str = "localhost";

/// A balancer; it ends with the test.
pub struct HaProxy {
    port: u16,
    commands: PathBuf,
    agent: ureq::Agent,
    _folder: TempDir,
    server: Program,
}

impl HaProxy {
    /// Starts a balancer in front of the instances at these ports; `None` if HAProxy is not installed.
    ///
    /// The frontend that the file has for TLS is without it here, at a port of loopback.
    pub fn start(shops: [u16; 3]) -> Option<Self> {
        are_installed(&["haproxy"]).then(|| {
            let started = (0..5).find_map(|_| Self::try_ports(free_port(), free_port(), shops));
            started.expect("HAProxy finds two free ports")
        })
    }

    fn try_ports(plain: u16, port: u16, shops: [u16; 3]) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("larder-haproxy-").tempdir().unwrap();
        let commands = folder.path().join("admin.sock");
        let mut file = adapted(&commands);
        put(&mut file, "bind :80\n", &format!("bind 127.0.0.1:{plain}\n"));
        put(&mut file, TLS, &format!("bind 127.0.0.1:{port}\n"));
        for ((_, address), shop) in SERVERS.into_iter().zip(shops) {
            // Once for a ready instance, and once for where none is ready.
            assert_eq!(file.matches(address).count(), 2, "{address} in {FILE}");
            file = file.replace(address, &format!("127.0.0.1:{shop}"));
        }
        let path = folder.path().join("haproxy.cfg");
        fs::write(&path, file).unwrap();
        let mut command = leashed(find_program("haproxy").unwrap(), Leash::default());
        command.arg("-db").arg("-f").arg(&path);
        let server = Program::start(command);
        // It has bound its ports before it answers there.
        let answers = || tell(&commands, "show info").is_ok();
        until("HAProxy starts", || answers() || server.err().contains("cannot bind"));
        answers().then(|| Self { port, commands, agent: agent(), _folder: folder, server })
    }

    /// Begins a request to which headers and a body can be added.
    pub fn ask<'a>(&'a self, method: &'a str, path: &'a str) -> Request<'a> {
        let address = format!("http://127.0.0.1:{}", self.port);
        Request::new(&self.agent, address, method, path).header("Host", HOST)
    }

    /// Opens a keep-alive connection.
    pub fn caller(&self) -> Caller {
        Caller::at(self.port)
    }

    /// Reports whether the balancer sends requests to the instance with this number, from 0.
    pub fn is_up(&self, number: usize) -> bool {
        let said = tell(&self.commands, "show stat").expect("HAProxy answers");
        let front = format!("larder,{},", SERVERS[number].0);
        let line = said.lines().find(|line| line.starts_with(&front));
        let line = line.unwrap_or_else(|| panic!("no {front} in {said}"));
        // The column `status`, which may also say `UP 1/2`.
        line.split(',').nth(17).is_some_and(|status| status.starts_with("UP"))
    }

    /// Returns the last lines of its log.
    pub fn log(&self) -> String {
        let log = self.server.wait_for(|out, err| Some(format!("{err}{out}"))).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(30).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// Lets HAProxy check the file as it is, but for the paths; returns what it complains of.
pub fn complaints_about_the_file() -> Option<String> {
    are_installed(&["haproxy"]).then(|| {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::issue(folder.path(), HOST);
        // HAProxy wants both in one file.
        let [certificate, key] = [&certificates.certificate, &certificates.key];
        let both = fs::read_to_string(certificate).unwrap() + &fs::read_to_string(key).unwrap();
        let pem = folder.path().join("shop.pem");
        fs::write(&pem, both).unwrap();
        let mut file = adapted(&folder.path().join("admin.sock"));
        put(&mut file, "/etc/haproxy/shop.pem", &pem.display().to_string());
        let path = folder.path().join("haproxy.cfg");
        fs::write(&path, file).unwrap();
        let mut command = leashed(find_program("haproxy").unwrap(), Leash::default());
        command.args(["-c", "-q", "-f"]).arg(&path);
        let ended = Program::start(command).ends();
        if ended.status.success() {
            ended.err
        } else {
            format!("failed: {}{}", ended.err, ended.out)
        }
    })
}

const TLS: &str = "bind :443 ssl crt /etc/haproxy/shop.pem alpn h2,http/1.1\n";

/// Returns the file for a HAProxy that is started by any user, and takes commands here.
fn adapted(commands: &Path) -> String {
    let mut file = fs::read_to_string(FILE).unwrap();
    put(&mut file, "/run/haproxy/admin.sock", &commands.display().to_string());
    put(&mut file, "    user haproxy\n    group haproxy\n", "");
    file
}

/// Replaces a part of the file, which has to be there once.
#[track_caller]
fn put(file: &mut String, old: &str, new: &str) {
    assert_eq!(file.matches(old).count(), 1, "{old} in {FILE}");
    *file = file.replace(old, new);
}

/// Sends a command and returns the answer.
fn tell(commands: &Path, command: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(commands)?;
    writeln!(stream, "{command}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
