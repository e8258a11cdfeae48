//! What can be done with the cookbook. Knows neither HTTP nor HTML.

use std::sync::Arc;

use super::model::{FoodId, Recipe, RecipeId, RecipeText};
use super::{fixture, keys, queries};
use crate::db::{self, Db};
use crate::error::AppError;
use crate::site::shelf::{Found, Thing};
use crate::site::text::fold;
use crate::state::State;
use crate::versions::Database;

/// The whole cookbook, by name.
pub async fn list(state: &State) -> Result<Arc<Vec<Recipe>>, AppError> {
    let load = async || Ok(state.db.read(queries::list).await?);
    state.cache.get_or_set(&keys::list(), &keys::LIST, load).await
}

/// One recipe, if there is one.
pub async fn show(state: &State, id: RecipeId) -> Result<Option<Recipe>, AppError> {
    Ok(list(state).await?.iter().find(|recipe| recipe.id == id).cloned())
}

/// What staff find of it: recipes whose name holds the search.
pub async fn find(state: &State, search: String) -> Result<Found, AppError> {
    let (recipes, search) = (list(state).await?, fold(&search));
    let found = recipes.iter().filter(|recipe| fold(&recipe.text.name).contains(&search));
    let things: Vec<Thing> = found
        .map(|recipe| Thing {
            name: recipe.text.name.clone(),
            note: String::new(),
            at: format!("/cookbook/{}/edit", recipe.id),
        })
        .collect();
    Ok(Found::of(things))
}

/// What staff find of the foods: those whose name holds the search.
pub async fn find_foods(state: &State, search: String) -> Result<Found, AppError> {
    let load = async || Ok::<_, AppError>(state.db.read(queries::foods).await?);
    let foods = state.cache.get_or_set(&keys::foods(), &keys::LIST, load).await?;
    let search = fold(&search);
    let found = foods.iter().filter(|(_, name)| fold(name).contains(&search));
    let things = found.map(|(id, name)| Thing {
        name: name.clone(),
        note: String::new(),
        at: format!("/cookbook/foods/{id}/edit"),
    });
    Ok(Found::of(things.collect()))
}

/// The name of a food, if there is one.
pub async fn food(state: &State, id: FoodId) -> Result<Option<String>, AppError> {
    Ok(state.db.read(move |read| queries::find_food(read, id)).await?)
}

/// What came of another name for a food.
#[derive(Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It has it.
    Done,
    /// Another food has it.
    Taken,
    /// It was not done: it has yet another name meanwhile, or is gone.
    Conflict(Option<String>),
}

/// Gives a food another name, if it still has the one that was `seen`.
pub async fn rename(
    state: &State,
    id: FoodId,
    seen: String,
    name: String,
) -> Result<Renamed, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        let there = queries::get_foods(conn)?;
        let current = there.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
        if current.as_ref() == Some(&name) {
            return Ok(Renamed::Done);
        }
        if current.as_ref() != Some(&seen) {
            return Ok(Renamed::Conflict(current));
        }
        if there.iter().any(|(other, known)| *other != id && fold(known) == fold(&name)) {
            return Ok(Renamed::Taken);
        }
        queries::rename_food(conn, id, &name)?;
        Ok(Renamed::Done)
    });
    Ok(write.await?)
}

/// Adds a recipe.
pub async fn create(state: &State, text: RecipeText) -> Result<RecipeId, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        queries::insert(conn, &text)
    });
    Ok(write.await?)
}

/// What came of a change to a recipe that somebody had looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// It was done.
    Done,
    /// It was not: the recipe is another meanwhile, or gone.
    Conflict(Option<Recipe>),
}

/// Makes the recipe say `text`, if it still says what had the digest `seen`. Where it says so already, as after
/// a form that was sent twice, that is done.
pub async fn update(
    state: &State,
    id: RecipeId,
    seen: String,
    text: RecipeText,
) -> Result<Change, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        let Some(current) = queries::get(conn, id)? else { return Ok(Change::Conflict(None)) };
        if current.text.is_as(&text) {
            return Ok(Change::Done);
        }
        if current.text.digest() != seen {
            return Ok(Change::Conflict(Some(current)));
        }
        queries::update(conn, id, &text)?;
        Ok(Change::Done)
    });
    Ok(write.await?)
}

/// Deletes the recipe, if it still says what had the digest `seen`.
pub async fn delete(state: &State, id: RecipeId, seen: String) -> Result<Change, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        match queries::get(conn, id)? {
            Some(current) if current.text.digest() == seen => {
                queries::delete(conn, id)?;
                Ok(Change::Done)
            }
            current => Ok(Change::Conflict(current)),
        }
    });
    Ok(write.await?)
}

/// Adds the sample recipes where there are none; answers how many.
///
/// # Errors
/// Those of the database; there are none then.
pub async fn fill_if_empty(db: &Database) -> Result<usize, db::Error> {
    db.write(|conn| {
        queries::lock(conn)?;
        if !queries::is_empty(conn)? {
            return Ok(0);
        }
        let recipes = fixture::parse(fixture::SAMPLE).expect("the sample is a fixture");
        for recipe in &recipes {
            queries::insert(conn, recipe)?;
        }
        Ok(recipes.len())
    })
    .await
}

/// Adds these recipes, all or none.
///
/// # Errors
/// Those of the database.
pub fn load(db: &Db, recipes: &[RecipeText]) -> Result<(), db::Error> {
    db.write_now(|conn| {
        queries::lock(conn)?;
        recipes.iter().try_for_each(|recipe| queries::insert(conn, recipe).map(|_| ()))
    })
}
