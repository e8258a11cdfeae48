//! The operations of the cookbook, independent of HTTP and HTML.

use std::sync::Arc;

use super::model::{self, FoodId, Recipe, RecipeId, RecipeText};
use super::{fixture, keys, queries};
use crate::db::{self, Db};
use crate::error::AppError;
use crate::site::list::{Found, ListQuery, among};
use crate::site::text::{fold, is_same};
use crate::state::State;
use crate::versions::Database;

/// Returns all recipes, ordered by name, from the cache.
pub async fn list(state: &State) -> Result<Arc<Vec<Recipe>>, AppError> {
    let load = async || Ok(state.db.read(queries::list).await?);
    state.cache.get_or_set(&keys::list(), &keys::LIST, load).await
}

/// Returns one recipe, or `None` if there is no such recipe.
pub async fn show(state: &State, id: RecipeId) -> Result<Option<Recipe>, AppError> {
    Ok(list(state).await?.iter().find(|recipe| recipe.id == id).cloned())
}

/// Returns the rows of a page of the recipes.
pub async fn find(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    let rows = list(state).await?.iter().map(Recipe::row).collect();
    Ok(among(&model::LIST, &query, size, rows))
}

/// Returns the rows of a page of the foods.
pub async fn find_foods(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    let load = async || Ok::<_, AppError>(state.db.read(queries::foods).await?);
    let foods = state.cache.get_or_set(&keys::foods(), &keys::LIST, load).await?;
    let rows = foods.iter().map(|(id, name)| model::food_row(*id, name)).collect();
    Ok(among(&model::FOODS, &query, size, rows))
}

/// Returns the name of a food, or `None` if there is no such food.
pub async fn food(state: &State, id: FoodId) -> Result<Option<String>, AppError> {
    Ok(state.db.read(move |read| queries::find_food(read, id)).await?)
}

/// The outcome of renaming a food.
#[derive(Debug, PartialEq, Eq)]
pub enum Renamed {
    /// The food has the new name.
    Done,
    /// Another food has the new name.
    Taken,
    /// The food was renamed (its current name) or deleted (`None`) since the form was shown.
    Conflict(Option<String>),
}

/// Renames a food if it still has the name that the user has `seen`.
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
        if !current.as_deref().is_some_and(|current| is_same(current, &seen)) {
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

/// The outcome of a change to a recipe that the user has seen in a form.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// The change was made.
    Done,
    /// The recipe was changed (its current content) or deleted (`None`) since the form was shown.
    Conflict(Option<Recipe>),
}

/// Changes the recipe to `text` if the digest of its content is still `seen`.
///
/// If it equals `text` already, as after a form that was sent twice, the outcome is [`Change::Done`].
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

/// Deletes the recipe if the digest of its content is still `seen`.
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

/// Adds the sample recipes if there are no recipes, and returns the number of added ones.
///
/// # Errors
/// The errors of the database; no recipes are added then.
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

/// Adds these recipes, either all or none.
///
/// # Errors
/// The errors of the database; no recipes are added then.
pub fn load(db: &Db, recipes: &[RecipeText]) -> Result<(), db::Error> {
    db.write_now(|conn| {
        queries::lock(conn)?;
        recipes.iter().try_for_each(|recipe| queries::insert(conn, recipe).map(|_| ()))
    })
}
