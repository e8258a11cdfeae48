//! Purges to a server of the test's own, which records them, and a file that remembers them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use larder_cache::InProcess;
use tempfile::TempDir;

use super::*;
use crate::driver::{Driver, now};
use crate::sqlite::File;

const TEAS: Tag = Tag::named("teas");
const LONG: Duration = Duration::from_secs(60);

/// A front that answers as the test wants.
struct Recorder {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

struct Heard {
    /// The status to answer with; 0 closes the connection.
    status: u16,
    requests: Vec<String>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Heard { status: 200, requests: Vec::new() }));
        let record = heard.clone();
        // The thread ends with the test process.
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !is_whole(&request) && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    request.push(byte[0]);
                }
                let mut record = record.lock().unwrap();
                record.requests.push(String::from_utf8(request).unwrap().to_lowercase());
                if record.status != 0 {
                    let status = record.status;
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    );
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        Self { url, heard }
    }

    fn answers(&self, status: u16) {
        self.heard.lock().unwrap().status = status;
    }

    /// Returns the requests since it was asked last.
    fn takes(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap().requests)
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// Stamps, and a file.
struct Place {
    stamps: Arc<InProcess>,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("db"), "").unwrap();
        Self { stamps: Arc::new(InProcess::new()), folder }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("db")
    }

    fn changes(&self, tag: Tag) {
        now(self.stamps.invalidate(vec![tag])).unwrap();
    }

    /// Returns the purger of another process.
    fn purger(&self, address: &str, settle: Duration) -> Purger<File> {
        let front: Address = address.parse::<Address>().unwrap().token("sesame").unwrap();
        let agent = front.agent().unwrap();
        Purger::new(File(self.file()), self.stamps.clone(), front, agent, settle)
    }

    fn sql(&self, sql: &str) {
        let mut conn = now(File(self.file()).connect()).unwrap();
        now(conn.run(sql)).unwrap();
    }
}

fn looks(purger: &mut Purger<File>) -> Result<Next, String> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(strictly(purger.look()))
}

/// Looks until nothing is due.
#[track_caller]
fn settles(purger: &mut Purger<File>) {
    while looks(purger).unwrap() != Next::Wait {}
}

fn has(request: &str, tag: &Tag) -> bool {
    keys(tag).iter().all(|key| request.contains(key))
}

#[test]
fn each_front_is_told_in_its_own_way_until_it_confirms() {
    for (kind, lines) in [
        ("varnish=URL", ["purge / http/1.1", "authorization: sesame", "xkey-purge: "]),
        (
            "fastly=s1@URL",
            ["post /service/s1/purge http/1.1", "fastly-key: sesame", "surrogate-key: "],
        ),
        (
            "cloudflare=z1@URL",
            [
                "post /client/v4/zones/z1/purge_cache http/1.1",
                "authorization: bearer sesame",
                r#"{"tags":[""#,
            ],
        ),
    ] {
        let (place, front) = (Place::new(), Recorder::start());
        let mut purger = place.purger(&kind.replace("URL", &front.url), LONG);
        settles(&mut purger);
        let at_the_start = front.takes();
        assert_eq!(at_the_start.len(), 1, "{kind}");
        assert!(has(&at_the_start[0], &Tag::EVERYTHING), "{kind}: {at_the_start:?}");

        place.changes(TEAS);
        for status in [500, 0, 403, 302, 503] {
            front.answers(status);
            let error = looks(&mut purger).unwrap_err();
            assert!(!error.contains("sesame"), "{error}");
            assert!(has(&front.takes()[0], &TEAS), "{kind}: {status}");
        }
        front.answers(200);
        settles(&mut purger);
        let told = front.takes();
        assert_eq!(told.len(), 1, "{kind}");
        assert!(has(&told[0], &TEAS) && !has(&told[0], &Tag::named("milk")), "{kind}: {told:?}");
        assert!(lines.iter().all(|line| told[0].contains(line)), "{kind}: {told:?}");

        settles(&mut purger);
        assert!(front.takes().is_empty(), "{kind}: it has confirmed it");
    }
}

/// What was built before the change may have arrived after the first purge.
#[test]
fn what_was_purged_is_purged_once_more_by_whatever_process_lives() {
    let (place, front) = (Place::new(), Recorder::start());
    let address = format!("varnish={}", front.url);
    let [mut one, mut other] = [(); 2].map(|()| place.purger(&address, Duration::from_millis(50)));
    [&mut one, &mut other].into_iter().for_each(settles);
    let is_settled = |purger: &mut Purger<File>| {
        while purger.again.is_some() {
            settles(purger);
        }
    };
    [&mut one, &mut other].into_iter().for_each(is_settled);
    front.takes();

    place.changes(TEAS);
    assert_eq!(looks(&mut one), Ok(Next::GoOn));
    assert_eq!(front.takes().len(), 1);
    drop(one);
    is_settled(&mut other);
    settles(&mut other);
    is_settled(&mut other);
    let again = front.takes();
    assert_eq!(again.len(), 1);
    assert!(has(&again[0], &TEAS), "{again:?}");
}

#[test]
fn one_process_purges_while_the_others_wait() {
    let (place, front) = (Place::new(), Recorder::start());
    let address = format!("varnish={}", front.url);
    let [mut one, mut other] = [(); 2].map(|()| place.purger(&address, LONG));
    [&mut one, &mut other].into_iter().for_each(settles);
    front.takes();
    place.changes(TEAS);
    settles(&mut one);
    settles(&mut other);
    assert_eq!(front.takes().len(), 1, "the other finds it done");

    place.changes(TEAS);
    let claimed = format!("UPDATE cache_purged SET again = {} WHERE tag = ''", i64::MAX);
    place.sql(&claimed);
    assert_eq!(looks(&mut other), Ok(Next::Busy));
    assert!(front.takes().is_empty());
    // The one that has claimed it died: its claim has passed.
    place.sql("UPDATE cache_purged SET again = 1 WHERE tag = ''");
    settles(&mut other);
    assert_eq!(front.takes().len(), 1);
}

#[test]
fn a_restored_backup_purges_everything() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url), LONG);
    settles(&mut purger);
    let backup: &Path = &place.folder.path().join("backup");
    std::fs::copy(place.file(), backup).unwrap();
    place.changes(TEAS);
    settles(&mut purger);
    front.takes();

    std::fs::copy(backup, place.file()).unwrap();
    place.changes(Tag::named("milk"));
    settles(&mut purger);
    let told = front.takes();
    assert_eq!(told.len(), 1);
    assert!(has(&told[0], &Tag::EVERYTHING), "{told:?}");
}

#[test]
fn many_tags_are_purged_by_several_requests() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url), LONG);
    settles(&mut purger);
    front.takes();
    let tags: Vec<Tag> = (0..300).map(|number| Tag::from(format!("t{number}#1"))).collect();
    now(place.stamps.invalidate(tags.clone())).unwrap();
    settles(&mut purger);
    let told = front.takes();
    assert!((6..=10).contains(&told.len()), "{}", told.len());
    for tag in tags {
        assert_eq!(told.iter().filter(|request| has(request, &tag)).count(), 1, "{tag}");
    }
}

#[test]
fn an_address_is_shown_without_its_token() {
    for text in
        ["varnish=http://10.0.0.1:6081", "fastly=SU1Z0isxPaozGVKXdv0eY", "cloudflare=023e105f"]
    {
        let address: Address = text.parse::<Address>().unwrap().token("sesame").unwrap();
        assert_eq!((format!("{address}"), format!("{address:?}")), (text.into(), text.into()));
    }
    for text in [
        "",
        "varnish",
        "varnish=10.0.0.1",
        "varnish=http://",
        "varnish=http://ann:secret@10.0.0.1",
        "fastly=",
        "fastly=a/b",
        "cloudflare=a@ftp://b",
        "akamai=1",
    ] {
        assert!(text.parse::<Address>().unwrap_err().contains("varnish=http://"), "{text}");
    }
    assert!("fastly=s".parse::<Address>().unwrap().token("two\nlines").is_err());
}
