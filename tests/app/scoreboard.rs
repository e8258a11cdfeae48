//! The tasting league: its numbers, their caching, and which readers see themselves marked.

use crate::support::{
    self, Browser, Database, PASSWORD, Page, Screen, TestSite, on_both_databases,
};

on_both_databases! {
    the_table_is_computed_from_the_weeks,
    seasons_are_chosen_by_their_year,
    a_reader_sees_themselves_marked_and_others_do_not,
    a_name_cannot_break_out_of_the_data,
    a_member_is_edited_and_a_late_edit_is_a_conflict,
    a_file_of_scores_is_loaded_as_a_whole_or_not_at_all;
    by_hand: a_score_changed_in_sql_shows_at_once,
}

/// Ada: 5, 5, 2. Bo: 4, 4, 10. Cy: 6, 6, absent in the last week. Di: 3 in the last week only.
const LEAGUE: &str = r#"{"season": 2026, "scores": [
    {"member": "Ada", "favourite": "Tea", "week": 1, "score": 5},
    {"member": "Ada", "favourite": "Tea", "week": 2, "score": 5},
    {"member": "Ada", "favourite": "Tea", "week": 3, "score": 2},
    {"member": "Bo", "favourite": "Rye", "week": 1, "score": 4},
    {"member": "Bo", "favourite": "Rye", "week": 2, "score": 4},
    {"member": "Bo", "favourite": "Rye", "week": 3, "score": 10},
    {"member": "Cy", "week": 1, "score": 6},
    {"member": "Cy", "week": 2, "score": 6},
    {"member": "Di", "favourite": "Figs", "week": 3, "score": 3}
]}"#;

/// Runs `larder load scores`; returns its error output if it fails.
fn load(site: &TestSite, json: &str) -> Result<(), String> {
    support::load(&site.database, "scores", json).map(|_| ())
}

/// Returns the text of each row.
fn rows(page: &Page) -> Vec<String> {
    let rows = page.tags("tr");
    rows.iter().skip(1).map(|row| page.text_of(row)).collect()
}

fn the_table_is_computed_from_the_weeks(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.get("/scoreboard").assert_status(200).assert_sees("No member has played yet.");
    load(&site, LEAGUE).unwrap();
    let page = site.get("/scoreboard");
    page.assert_cache("miss").assert_sees("4 members after week 3");
    let rows = rows(&page);
    let expected = [
        ["1", "▲2", "Bo", "Rye", "10", "18", "10", "4", "6.00", "60.0 %"],
        ["2", "same", "Ada", "Tea", "2", "12", "5", "2", "4.00", "40.0 %"],
        ["2", "▼1", "Cy", "", "–", "12", "6", "6", "6.00", "60.0 %"],
        ["4", "new", "Di", "Figs", "3", "3", "3", "3", "3.00", "30.0 %"],
    ];
    for (row, expected) in rows.iter().zip(expected) {
        let words: Vec<&str> = expected.into_iter().filter(|word| !word.is_empty()).collect();
        assert_eq!(row.split_whitespace().collect::<Vec<_>>().join(" "), words.join(" "));
    }
    assert_eq!(rows.len(), 4);
    let page = site.get("/scoreboard");
    page.assert_cache("hit");
    assert!(!page.header("server-timing").unwrap().contains("sql"));
    // Another address of the same season is built from the same entry.
    let page = site.get("/scoreboard?season=2026");
    page.assert_cache("miss");
    assert!(!page.header("server-timing").unwrap().contains("sql"));
}

fn a_score_changed_in_sql_shows_at_once(on: Database) {
    let site = TestSite::start(on);
    let other = site.another_instance();
    load(&site, LEAGUE).unwrap();
    let shows = |text: &str| {
        for instance in [&site, &other] {
            instance.get("/scoreboard").assert_sees(text);
            instance.get("/scoreboard").assert_cache("hit");
        }
    };
    shows("after week 3");
    site.database.sql("UPDATE scores SET score = 9 WHERE week = 3 AND score = 2");
    shows("63.3 %");
    site.database.sql("UPDATE members SET name = 'Ida' WHERE name = 'Ada'");
    shows("Ida");
    site.database.sql("DELETE FROM scores WHERE week = 3");
    shows("after week 2");
    load(&site, LEAGUE).unwrap();
    shows("after week 3");
}

fn seasons_are_chosen_by_their_year(on: Database) {
    let site = TestSite::start(on);
    load(&site, LEAGUE).unwrap();
    load(&site, &LEAGUE.replace("2026", "2025").replace("Bo", "Bea")).unwrap();
    site.get("/scoreboard").assert_sees("Tasting league 2026").assert_sees_not("Bea");
    let old = site.get("/scoreboard?season=2025");
    old.assert_sees("Tasting league 2025").assert_sees("Bea").assert_sees_not("Bo ");
    for wrong in ["2024", "02026", "x", "-1", "99999999999999999999"] {
        site.get(&format!("/scoreboard?season={wrong}")).assert_status(404);
    }
    site.get("/staff?q=bea").assert_sees("Members of the league 1 found");
}

fn a_reader_sees_themselves_marked_and_others_do_not(on: Database) {
    let site = TestSite::with_staff(on, &["ada"], &[]);
    load(&site, LEAGUE).unwrap();
    site.get("/scoreboard").assert_cache("miss").assert_sees_not("(you)");
    let answer = site.submit("/login", &[("name", "ada"), ("password", PASSWORD)]);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let own = site.ask("GET", "/scoreboard").header("Cookie", &cookie).send();
    own.assert_sees("Ada (you)").assert_header("cache-control", "no-store");
    assert_eq!(own.html().matches("class=\"own\"").count(), 1);
    site.get("/scoreboard").assert_cache("hit").assert_sees_not("(you)");
}

fn a_member_is_edited_and_a_late_edit_is_a_conflict(on: Database) {
    let site = TestSite::start(on);
    load(&site, LEAGUE).unwrap();
    let edit = site.staff_link("ada", "/scoreboard/members/");
    let action = edit.strip_suffix("/edit").unwrap();
    let (mut mine, mut theirs) = (site.get(&edit).form(action), site.get(&edit).form(action));
    theirs.fill("favourite", "Coffee");
    site.sends(&theirs).assert_sends_to("/scoreboard");
    site.get("/scoreboard").assert_sees("Coffee");
    mine.fill("name", "Ada Lovelace");
    mine.fill("favourite", "Cocoa");
    let page = site.sends(&mine);
    page.assert_status(409).assert_sees("Edit conflict").assert_sees("Coffee");
    let again = page.form(action);
    assert_eq!(again.field("name"), Some("Ada Lovelace"));
    site.sends(&again).assert_sends_to("/scoreboard");
    site.get("/scoreboard").assert_sees("Ada Lovelace");
    mine.fill("name", " ");
    site.sends(&mine).assert_status(422).assert_sees("Enter a name.");
    site.get("/scoreboard/members/999/edit").assert_status(404);
}

fn a_name_cannot_break_out_of_the_data(on: Database) {
    let site = TestSite::start(on);
    let name = "</script><script>alert(1)</script><!--";
    load(&site, &LEAGUE.replace("Bo", name)).unwrap();
    let page = site.get("/scoreboard");
    page.assert_sees(name);
    assert_eq!(page.html().matches("<script").count(), 3, "{}", page.html());
    assert_eq!(page.html().matches("</script>").count(), 3);
    assert!(!page.html().contains("<!--</"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

fn a_file_of_scores_is_loaded_as_a_whole_or_not_at_all(on: Database) {
    let site = TestSite::start(on);
    let why =
        load(&site, &LEAGUE.replace("\"week\": 3, \"score\": 3", "\"week\": 3, \"score\": 30"));
    let why = why.unwrap_err();
    assert!(why.contains("score 9: a score is 0 to 10") && why.lines().count() == 1, "{why}");
    site.get("/scoreboard").assert_sees("No member has played yet.");
    // Loading the same file twice changes nothing.
    for _ in 0..2 {
        load(&site, LEAGUE).unwrap();
    }
    site.get("/scoreboard").assert_sees("4 members").assert_sees("60.0 %");
    let sample = std::fs::read_to_string("docs/scores.json").unwrap();
    load(&site, &sample).unwrap();
    site.get("/scoreboard").assert_sees("Ada Quince");
}

#[test]
fn a_browser_sorts_the_table_by_mouse_and_keyboard() {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start(Database::Sqlite);
    load(&site, LEAGUE).unwrap();
    browser.goes_to(&format!("{}/scoreboard", site.address()));
    let names = || {
        let script =
            "[...document.querySelectorAll('tbody th')].map(th => th.textContent).join(' ')";
        browser.asks(script).as_str().unwrap().to_owned()
    };
    let sorted_by = "document.querySelector('[aria-sort]').textContent";
    assert_eq!(names(), "Bo Ada Cy Di");
    // The second time the browser has the page, and only revalidates it.
    browser.goes_to(&format!("{}/scoreboard", site.address()));
    assert_eq!(browser.asks(sorted_by), "Place");
    browser.clicks("th[data-by=best] button");
    assert_eq!(names(), "Bo Cy Ada Di");
    assert_eq!(browser.asks(sorted_by), "Best");
    browser.clicks("th[data-by=best] button");
    assert_eq!(names(), "Di Ada Cy Bo");
    browser.asks("document.querySelector('th[data-by=name] button').focus()");
    browser.presses('\u{E007}');
    assert_eq!(names(), "Ada Bo Cy Di");
    browser.presses(' ');
    assert_eq!(names(), "Di Cy Bo Ada");
}
