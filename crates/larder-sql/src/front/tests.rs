//! Purges to a server of the test's own, which records them, and a file that remembers them.

use std::path::Path;
use std::sync::Mutex;
use std::thread;

use larder_cache::InProcess;
use larder_cache::stamps::Current;
use tempfile::TempDir;

use super::recorder::Recorder;
use super::records::Claim;
use super::*;
use crate::driver::{Driver, now};
use crate::sqlite::File;

const TEAS: Tag = Tag::named("teas");
const LONG: Duration = Duration::from_secs(60);

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
        self.purger_of(self.stamps.clone(), address, settle)
    }

    fn purger_of(
        &self,
        source: Arc<dyn StampSource>,
        address: &str,
        settle: Duration,
    ) -> Purger<File> {
        let front: Address = address.parse::<Address>().unwrap().token("sesame").unwrap();
        let (agent, meter) = (front.agent().unwrap(), Arc::new(Meter::new(front.to_string())));
        Purger::new(Arc::new(File(self.file())), source, (front, agent), settle, meter)
    }

    fn connects(&self) -> <File as Connect>::Conn {
        now(File(self.file()).connect()).unwrap()
    }

    fn sql(&self, sql: &str) {
        now(self.connects().run(sql)).unwrap();
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
        let mut purger = place.purger(&kind.replace("URL", front.url()), LONG);
        settles(&mut purger);
        let at_the_start = front.takes();
        assert_eq!(at_the_start.len(), 1, "{kind}");
        assert!(has(&at_the_start[0], &Tag::EVERYTHING), "{kind}: {at_the_start:?}");

        place.changes(TEAS);
        for status in [500, 0, 403, 404, 405, 302, 503] {
            front.answers(status);
            let error = looks(&mut purger).unwrap_err();
            assert!(!error.contains("sesame"), "{error}");
            assert!(purger.meter.read().failed > 0, "{kind}: {status}");
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
    let address = format!("varnish={}", front.url());
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
    let address = format!("varnish={}", front.url());
    let [mut one, mut other] = [(); 2].map(|()| place.purger(&address, LONG));
    [&mut one, &mut other].into_iter().for_each(settles);
    front.takes();
    place.changes(TEAS);
    settles(&mut one);
    settles(&mut other);
    assert_eq!(front.takes().len(), 1, "the other finds it done");

    place.changes(TEAS);
    let address = format!("varnish={}", front.url());
    let mut conn = place.connects();
    let claim = now(Claim::take(&mut conn, &address)).unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(looks(&mut other), Ok(Next::Busy));
        assert!(other.conn.is_some(), "it does not connect for each look");
    }
    assert!(front.takes().is_empty());
    // The one that has claimed it hangs: its claim has passed.
    place.sql("UPDATE cache_purged SET again = 1 WHERE tag = ''");
    settles(&mut other);
    assert_eq!(front.takes().len(), 1);
    let claims = other.claims;
    let _of_other = now(Claim::take(&mut conn, &address)).unwrap().unwrap();
    now(claim.end(&mut conn, &[])).unwrap();
    assert!(now(Claim::take(&mut conn, &address)).unwrap().is_none(), "that of another one stays");
    place.changes(TEAS);
    place.sql("UPDATE cache_purged SET again = 1 WHERE tag = ''");
    settles(&mut other);
    assert!(other.claims > claims, "and is counted");
    assert!(!has(&front.takes()[0], &Tag::EVERYTHING));
}

/// A clock that is set back must not end purging for as long.
#[test]
fn a_claim_that_would_last_longer_than_any_is_free() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url()), LONG);
    settles(&mut purger);
    front.takes();
    place.changes(TEAS);
    place.sql(&format!("UPDATE cache_purged SET again = {} WHERE tag = ''", i64::MAX));
    settles(&mut purger);
    assert_eq!(front.takes().len(), 1);
}

/// Stamps that another thread changes once, after they were read and before they are used.
struct Overtaken {
    stamps: Arc<InProcess>,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl StampSource for Overtaken {
    fn current(&self) -> Current {
        let current = self.stamps.current();
        if let Some(then) = self.then.lock().unwrap().take() {
            thread::spawn(then).join().unwrap();
        }
        current
    }

    fn is_shared(&self) -> bool {
        true
    }
}

#[test]
fn what_another_instance_has_purged_meanwhile_is_not_purged_again() {
    let (place, front) = (Place::new(), Recorder::start());
    let address = format!("varnish={}", front.url());
    let source = Arc::new(Overtaken { stamps: place.stamps.clone(), then: Mutex::default() });
    let mut late = place.purger_of(source.clone(), &address, LONG);
    let mut quick = place.purger(&address, LONG);
    [&mut quick, &mut late].into_iter().for_each(settles);
    front.takes();
    place.changes(TEAS);
    let stamps = place.stamps.clone();
    *source.then.lock().unwrap() = Some(Box::new(move || {
        now(stamps.invalidate(vec![TEAS])).unwrap();
        settles(&mut quick);
    }));
    settles(&mut late);
    assert_eq!(front.takes().len(), 1);
}

#[test]
fn what_was_delivered_but_not_remembered_is_purged_again() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url()), LONG);
    settles(&mut purger);
    front.takes();
    place.changes(TEAS);
    place.sql(
        "CREATE TRIGGER full BEFORE INSERT ON cache_purged WHEN NEW.tag = 'teas' \
         BEGIN SELECT raise(ABORT, 'the disk is full'); END",
    );
    for _ in 0..2 {
        assert!(looks(&mut purger).unwrap_err().contains("the disk is full"));
        // Its claim has passed.
        place.sql("UPDATE cache_purged SET again = 1 WHERE tag = ''");
    }
    assert_eq!(front.takes().len(), 2);
    place.sql("DROP TRIGGER full");
    settles(&mut purger);
    let told = front.takes();
    assert!(told.len() == 1 && has(&told[0], &TEAS), "{told:?}");
}

#[test]
fn a_front_is_behind_until_nothing_is_left_to_purge() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url()), LONG);
    front.answers(503);
    looks(&mut purger).unwrap_err();
    let earlier = purger.meter.read();
    looks(&mut purger).unwrap_err();
    let purges = purger.meter.read();
    assert_eq!((purges.delivered, purges.failed), (0, 2));
    assert!(purges.behind > earlier.behind, "it grows");
    front.answers(200);
    let before = Instant::now();
    settles(&mut purger);
    let purges = purger.meter.read();
    assert_eq!((purges.delivered, purges.failed), (1, 2));
    assert!(purges.behind <= before.elapsed());
}

/// The service says so in its answer, whatever the status of that is.
#[test]
fn an_answer_that_denies_success_confirms_nothing() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("cloudflare=z1@{}", front.url()), LONG);
    front.says(200, r#"{"success": false, "errors": [{"code": 1094}]}"#);
    looks(&mut purger).unwrap_err();
    front.says(200, r#"{"success": true, "errors": []}"#);
    settles(&mut purger);
    assert_eq!(front.takes().len(), 1);
}

#[test]
fn a_restored_backup_purges_everything() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url()), LONG);
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

    // Each try is a claim: after some there are as many as there were.
    std::fs::copy(backup, place.file()).unwrap();
    place.changes(Tag::named("milk"));
    front.answers(503);
    for _ in 0..5 {
        looks(&mut purger).unwrap_err();
    }
    front.answers(200);
    settles(&mut purger);
    let told = front.takes();
    assert_eq!(told.len(), 1);
    assert!(has(&told[0], &Tag::EVERYTHING), "{told:?}");
}

#[test]
fn many_tags_are_purged_by_several_requests() {
    let (place, front) = (Place::new(), Recorder::start());
    let mut purger = place.purger(&format!("varnish={}", front.url()), LONG);
    settles(&mut purger);
    front.takes();
    let tags: Vec<Tag> = (0..300).map(|number| Tag::from(format!("t{number}#1"))).collect();
    now(place.stamps.invalidate(tags.clone())).unwrap();
    settles(&mut purger);
    for tag in tags {
        assert_eq!(front.count(&keys(&tag)), 1, "{tag}");
    }
    let told = front.takes().len();
    assert!((6..=10).contains(&told), "{told}");
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
        "varnish=http://:6081",
        "varnish=http://10.0.0.1:port",
        "varnish=http://10.0.0.1 2",
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
