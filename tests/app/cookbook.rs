//! Recipes: three tables in one entry, harmless Markdown, and forms that lose no input.

use std::sync::Barrier;
use std::thread;

use crate::support::{Database, Page, TestDatabase, TestSite, load, on_both_databases};

on_both_databases! {
    the_cookbook_takes_three_queries_and_then_none,
    staff_add_edit_and_delete_recipes,
    an_invalid_recipe_is_returned_in_its_form,
    a_recipe_that_has_changed_is_not_overwritten,
    a_food_is_renamed_in_a_form,
    recipes_that_are_added_concurrently_share_their_foods,
    one_of_two_concurrent_edits_is_a_conflict,
    markdown_does_no_harm,
    a_file_is_loaded_as_a_whole_or_not_at_all;
    by_hand: a_food_renamed_in_sql_shows_on_every_recipe,
}

const SOUP: [(&str, &str); 9] = [
    ("name", "Soup"),
    ("description", "For *cold* days."),
    ("instructions", "1. Boil.\n2. Eat."),
    ("food_0", "Leeks"),
    ("amount_0", "2.5"),
    ("unit_0", "kg"),
    ("description_0", "sliced"),
    ("food_3", "Salt"),
    ("food_2", " "),
];

/// Adds a recipe; returns its address.
#[track_caller]
fn adds(site: &TestSite, fields: &[(&str, &str)]) -> String {
    let answer = site.submit("/cookbook", fields);
    answer.assert_status(303).header("location").unwrap()
}

fn with(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut fields = SOUP.to_vec();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

fn questions(page: &Page) -> String {
    let timing = page.header("server-timing").unwrap_or_default();
    let sql = timing.split(',').map(str::trim).find(|part| part.starts_with("sql;"));
    sql.map(|part| part.split('"').nth(1).unwrap_or_default().to_owned()).unwrap_or_default()
}

fn the_cookbook_takes_three_queries_and_then_none(on: Database) {
    let site = TestSite::observed(on, &[]);
    for number in 0..12 {
        let name = format!("Recipe {number}");
        let fields =
            [("name", &*name), ("instructions", "x"), ("food_0", "Tea"), ("food_1", &*name)];
        adds(&site, &fields);
    }
    let page = site.get("/cookbook");
    page.assert_cache("miss").assert_sees("12 recipes");
    assert_eq!(questions(&page), "3 queries");
    let page = site.get("/cookbook");
    page.assert_cache("hit");
    assert_eq!(questions(&page), "");
    // Every other page of the cookbook is built from the same entry.
    let page = site.get("/cookbook/3");
    page.assert_cache("miss").assert_sees("Recipe 2");
    assert_eq!(questions(&page), "");
}

fn a_food_renamed_in_sql_shows_on_every_recipe(on: Database) {
    let site = TestSite::start(on);
    let other = site.another_instance();
    let paths = [adds(&site, &SOUP), adds(&site, &with(&[("name", "Stew"), ("food_0", "LEEKS")]))];
    let foods = site.database.sql("SELECT count(*) FROM foods");
    assert_eq!(foods.trim(), "2", "Leeks and LEEKS are one");
    let shows = |food: &str| {
        for instance in [&site, &other] {
            for path in [&paths[0], &paths[1], "/cookbook"] {
                instance.get(path).assert_sees(food);
                instance.get(path).assert_cache("hit");
            }
        }
    };
    shows("Leeks, sliced");
    site.database.sql("UPDATE foods SET name = 'Onions' WHERE name = 'Leeks'");
    shows("Onions, sliced");
    site.database
        .sql("UPDATE ingredients SET description = 'chopped' WHERE description = 'sliced'");
    shows("Onions, chopped");
    site.database.sql("UPDATE recipes SET description = 'For *hot* days.'");
    shows("For hot days.");
    site.database.sql("DELETE FROM ingredients; DELETE FROM recipes");
    site.get("/cookbook").assert_sees("0 recipes").assert_sees_not("Onions");
    other.get(&paths[0]).assert_status(404);
}

fn staff_add_edit_and_delete_recipes(on: Database) {
    let site = TestSite::start(on);
    site.get("/cookbook").assert_sees("0 recipes").assert_sees("New recipe");
    let form = site.get("/cookbook/new").assert_status(200).form("/cookbook");
    assert!(form.fields.iter().filter(|(name, _)| name.starts_with("food_")).count() >= 3);
    let path = adds(&site, &SOUP);
    let page = site.get(&path);
    page.assert_sees("Soup").assert_sees("2.5 kg Leeks, sliced").assert_sees("Salt");
    assert!(page.html().contains("<em>cold</em>") && page.html().contains("<li>Boil.</li>"));
    assert!(page.html().contains("<title>Soup · Larder</title>"));
    site.get("/cookbook").assert_cache("miss").assert_sees("1 recipe ");

    // The form shows the stored rows; emptied rows are removed and new ones are added.
    let mut form = site.get(&format!("{path}/edit")).form(&path);
    let salt = form.fields.iter().find(|(_, value)| *value == "Salt").unwrap().0.clone();
    assert_eq!(salt, "food_1", "rows have no gaps any more");
    form.fill("food_1", "");
    form.fill("food_2", "Pepper");
    form.fill("name", "Leek soup");
    site.sends(&form).assert_sends_to(&path);
    let page = site.get(&path);
    page.assert_sees("Leek soup").assert_sees("Pepper").assert_sees_not("Salt");
    // Sending the same form twice edits once.
    site.sends(&form).assert_sends_to(&path);

    let delete = format!("{path}/delete");
    let form = site.get(&delete).assert_sees("Leek soup").form(&delete);
    site.sends(&form).assert_sends_to("/cookbook");
    site.get(&path).assert_status(404);
    site.sends(&form).assert_sends_to("/cookbook");
    site.get("/cookbook").assert_sees("0 recipes");
}

fn an_invalid_recipe_is_returned_in_its_form(on: Database) {
    let site = TestSite::start(on);
    let cases = [
        (("name", ""), "Enter a name."),
        (("instructions", " "), "Enter instructions."),
        (("amount_0", "a lot"), "Enter the amount in digits"),
        (("amount_0", "0.1234"), "at most three decimals"),
        (("food_0", ""), "Enter a food."),
    ];
    for (change, sentence) in cases {
        let page = site.submit("/cookbook", &with(&[change]));
        page.assert_status(422).assert_sees(sentence);
        let form = page.form("/cookbook");
        assert_eq!(form.fields.iter().find(|(name, _)| *name == "unit_0").unwrap().1, "kg");
        assert!(page.html().contains("For *cold* days."), "{}", page.html());
    }
    // The button returns the form with more rows, and saves nothing.
    let page = site.submit("/cookbook", &with(&[("more", "rows"), ("name", "")]));
    page.assert_status(200);
    let rows = page.form("/cookbook").fields;
    assert!(rows.iter().filter(|(name, _)| name.starts_with("food_")).count() > 9, "{rows:?}");
    assert!(rows.iter().any(|(_, value)| *value == "Leeks"));
    site.get("/cookbook").assert_sees("0 recipes");
    for path in ["/cookbook/1", "/cookbook/01", "/cookbook/x", "/cookbook/1/edit"] {
        site.get(path).assert_status(404);
    }
}

fn a_recipe_that_has_changed_is_not_overwritten(on: Database) {
    let site = TestSite::start(on);
    let path = adds(&site, &SOUP);
    let mut mine = site.get(&format!("{path}/edit")).form(&path);
    let mut theirs = site.get(&format!("{path}/edit")).form(&path);
    let delete = site.get(&format!("{path}/delete")).form(&format!("{path}/delete"));
    theirs.fill("amount_0", "3");
    site.sends(&theirs).assert_sends_to(&path);
    mine.fill("name", "My soup");
    mine.fill("amount_0", "4");
    let page = site.sends(&mine);
    page.assert_status(409).assert_sees("You both changed: Ingredients").assert_sees("3 kg leeks");
    let again = page.form(&path);
    assert_eq!((again.field("name"), again.field("amount_0")), (Some("My soup"), Some("4")));
    site.sends(&delete).assert_status(409);
    site.get(&path).assert_sees("3 kg Leeks").assert_sees_not("My soup");
    let now = format!("{path}/delete");
    site.sends(&site.get(&now).form(&now)).assert_sends_to("/cookbook");
    // What was typed is not lost: it can be added as a recipe of its own.
    let page = site.sends(&mine);
    page.assert_status(409).assert_sees("Someone else deleted this recipe");
    assert_eq!(page.form("/cookbook").field("name"), Some("My soup"));
    site.sends(&page.form("/cookbook"));
    site.get("/cookbook").assert_sees("My soup");
}

fn a_food_is_renamed_in_a_form(on: Database) {
    let site = TestSite::start(on);
    let other = site.another_instance();
    let path = adds(&site, &SOUP);
    let edit = site.staff_link("leeks", "/cookbook/foods/");
    let action = edit.strip_suffix("/edit").unwrap();
    for instance in [&site, &other] {
        instance.get(&path).assert_sees("2.5 kg Leeks");
    }
    let (mut mine, mut theirs) = (site.get(&edit).form(action), site.get(&edit).form(action));
    theirs.fill("name", "Young leeks");
    site.sends(&theirs).assert_sends_to("/cookbook");
    for instance in [&site, &other] {
        instance.get(&path).assert_sees("2.5 kg Young leeks");
        instance.get(&path).assert_cache("hit");
    }
    mine.fill("name", "Chives");
    let page = site.sends(&mine);
    page.assert_status(409).assert_sees("Young leeks");
    site.sends(&page.form(action)).assert_sends_to("/cookbook");
    site.get(&path).assert_sees("2.5 kg Chives");
    for (name, sentence) in [("", "Enter a name."), ("SALT", "Another food has this name.")] {
        let mut form = site.get(&edit).form(action);
        form.fill("name", name);
        site.sends(&form).assert_status(422).assert_sees(sentence);
    }
    site.get("/cookbook/foods/99/edit").assert_status(404);
}

fn recipes_that_are_added_concurrently_share_their_foods(on: Database) {
    let site = TestSite::start(on);
    // Writers of one process take turns; those of two processes meet in the database.
    let other = site.another_instance();
    let start = Barrier::new(2);
    thread::scope(|scope| {
        for instance in [&site, &other] {
            scope.spawn(|| {
                for nth in 0..8 {
                    start.wait();
                    let food = format!("Leeks {nth}");
                    adds(instance, &[("name", "Soup"), ("instructions", "x"), ("food_0", &food)]);
                }
            });
        }
    });
    site.get("/cookbook").assert_sees("16 recipes");
    site.get("/staff?q=leeks").assert_sees("Foods 8 found");
}

fn one_of_two_concurrent_edits_is_a_conflict(on: Database) {
    let site = TestSite::start(on);
    let other = site.another_instance();
    let path = adds(&site, &SOUP);
    let start = Barrier::new(2);
    for round in 0..8 {
        let shown = site.get(&format!("{path}/edit")).form(&path);
        let saves = |instance: &TestSite, name: String| {
            let mut form = shown.clone();
            form.fill("name", &name);
            start.wait();
            instance.sends(&form).status
        };
        let mut statuses = thread::scope(|scope| {
            let here = scope.spawn(|| saves(&site, format!("Here {round}")));
            let there = scope.spawn(|| saves(&other, format!("There {round}")));
            [here, there].map(|saving| saving.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409], "round {round}");
    }
}

fn markdown_does_no_harm(on: Database) {
    let site = TestSite::start(on);
    let text =
        "See [x](javascript:alert(1)) ![y](https://evil.test/p.png) <script>alert(1)</script>";
    let path = adds(&site, &with(&[("description", text), ("name", "<b>Soup</b>")]));
    for address in [&*path, "/cookbook"] {
        let page = site.get(address);
        page.assert_sees("<b>Soup</b>").assert_sees("<script>alert(1)</script>");
        let html = page.html().to_lowercase();
        let (_, html) = html.split_once("<main").expect("the content");
        for harm in ["<script", "javascript:", "<img", "evil.test", "<b>"] {
            assert!(!html.contains(harm), "{harm} in {html}");
        }
    }
}

fn a_file_is_loaded_as_a_whole_or_not_at_all(on: Database) {
    let database = std::sync::Arc::new(TestDatabase::create(on));
    let site = TestSite::open(database.clone(), &[]);
    site.get("/cookbook").assert_sees("0 recipes");
    let load = |json: &str| load(&database, "cookbook", json);
    let good = r#"{"name":"Toast","instructions":"Toast it.","ingredients":[{"food":"Bread"}]}"#;
    let bad =
        r#"{"name":"Tea","instructions":"x","ingredients":[{"food":"Tea","amount":"2 cups"}]}"#;
    let why = load(&format!(r#"{{"recipes":[{good},{bad}]}}"#)).unwrap_err();
    assert!(why.contains("recipe 2 (\"Tea\")") && why.lines().count() == 1, "{why}");
    site.get("/cookbook").assert_sees("0 recipes");
    // The running shop shows it at once.
    load(&format!(r#"{{"recipes":[{good}]}}"#)).unwrap();
    site.get("/cookbook").assert_sees("1 recipe ").assert_sees("Bread");
    let sample = std::fs::read_to_string("src/cookbook/sample.json").unwrap();
    load(&sample).unwrap();
    site.get("/cookbook").assert_sees("3 recipes").assert_sees("Oat biscuits");
}
