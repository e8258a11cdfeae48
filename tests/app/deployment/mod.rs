//! The set-ups of docs/DEPLOYMENT.md, with the files of `deploy`.

mod fleet;
mod load;
mod soak;

use std::fs;
use std::net::TcpListener;
use std::os::fd::RawFd;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use nix::fcntl::{FcntlArg, fcntl};

use crate::support::{
    Bell, Caller, Database, Leash, Program, Ringer, TestDatabase, TestSite, are_installed,
    complaints_about_the_file, find_program, leashed, until, without_settings,
};
use fleet::{DRAIN, ends};
use load::TICK;

/// How many clients visit one machine: every other one connects for each request.
const VISITORS: usize = 4;

/// How often in a row all of them have to be seen waiting.
const SETTLED: usize = 50;

#[test]
fn a_restart_behind_the_socket_of_systemd_fails_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A copy that is passed on, unlike the original, and whose number no script uses.
    let file = fcntl(&listener, FcntlArg::F_DUPFD(100)).unwrap();
    let first = TestSite::start(Database::Sqlite);
    first.has_product("Tea");
    let database = first.database.clone();
    drop(first);
    let mut site = behind(file, &database);
    assert_eq!(site.port(), port);

    let (evening, met) = (Bell::default(), AtomicUsize::new(0));
    // Returned, so that it is there until the visitors have left.
    let _last = thread::scope(|scope| {
        let _end = Ringer(&evening);
        for visitor in 0..VISITORS {
            let (evening, met) = (&evening, &met);
            scope.spawn(move || visits(port, visitor % 2 == 0, met, evening));
        }
        let waits_until = |what: &str, is_so: &mut dyn FnMut() -> bool| {
            until(what, || evening.rings_within(TICK) || is_so());
            assert!(!evening.has_rung(), "a visitor has failed before this: {what}");
        };
        waits_until("all visitors are answered", &mut || met.load(SeqCst) == VISITORS);
        for _ in 0..2 {
            site.signal("TERM");
            // The thread that accepts may take some more before it knows; these come back.
            let mut looks = 0;
            waits_until("all visitors wait for the next process", &mut || {
                looks = if queue(port) == VISITORS { looks + 1 } else { 0 };
                looks == SETTLED
            });
            ends(site);
            site = behind(file, &database);
            waits_until("all visitors are taken on", &mut || queue(port) == 0);
        }
        site
    });
}

/// Starts the shop as systemd does for `deploy/larder.socket`.
fn behind(file: RawFd, database: &Arc<TestDatabase>) -> TestSite {
    let pass = r#"exec 3<&"$0" && export LISTEN_FDS=1 LISTEN_PID=$$ && exec "$@""#;
    let mut command = leashed("bash", Leash::default());
    without_settings(&mut command);
    let file = file.to_string();
    command.args(["-c", pass, &file, env!("CARGO_BIN_EXE_larder"), "serve", "--no-samples"]);
    command.args(["--toolbar", "off", "--database", &database.url()]).args(DRAIN);
    TestSite::of(Program::start(command), Arc::clone(database))
}

/// Returns how many connections wait until a process takes them from the queue of the socket at this port.
fn queue(port: u16) -> usize {
    let sockets = fs::read_to_string("/proc/net/tcp").expect("Linux tells sockets");
    let here = format!("0100007F:{port:04X}");
    let listens = |line: &&str| line.contains(&format!(" {here} 00000000:0000 0A "));
    let line = sockets.lines().find(listens).expect("the socket listens");
    let (_, waiting) =
        line.split_whitespace().nth(4).and_then(|both| both.split_once(':')).unwrap();
    usize::from_str_radix(waiting, 16).unwrap()
}

/// Requests a page again and again, on one connection as long as it lasts, or on a new one each time.
fn visits(port: u16, keeps_alive: bool, met: &AtomicUsize, evening: &Bell) {
    let _end = Ringer(evening);
    let mut caller = Caller::at(port);
    let mut is_first = true;
    while !evening.rings_within(TICK) {
        let page = caller.get("/");
        page.assert_status(200).assert_sees("Tea");
        if std::mem::take(&mut is_first) {
            met.fetch_add(1, SeqCst);
        }
        if !keeps_alive || page.header("connection").is_some_and(|value| value == "close") {
            caller = Caller::at(port);
        }
    }
}

#[test]
fn haproxy_takes_its_file_without_a_complaint() {
    if let Some(complaints) = complaints_about_the_file() {
        assert_eq!(complaints, "");
    }
}

#[test]
fn systemd_takes_the_units_and_finds_them_hardened() {
    if !are_installed(&["systemd-analyze"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let units = ["larder.service", "larder.socket"].map(|name| {
        let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
        let unit = fs::read_to_string(unit).unwrap();
        let (program, here) = ("/usr/local/bin/larder", env!("CARGO_BIN_EXE_larder"));
        let path = folder.path().join(name);
        fs::write(&path, unit.replace(program, here)).unwrap();
        path
    });
    let analyzes = |arguments: &[&str], files: &[&Path]| {
        let mut command = Command::new(find_program("systemd-analyze").unwrap());
        let output = command.args(arguments).args(files).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    };
    let [service, socket] = &units;
    assert_eq!(analyzes(&["verify", "--man=no"], &[service, socket]), "");
    // 0 is the least exposed, 10 the most; the threshold is in tenths. docs/DEPLOYMENT.md names what is left.
    analyzes(&["security", "--offline=true", "--no-pager", "--threshold=15"], &[service]);
}
