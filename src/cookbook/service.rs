//! The operations of the cookbook, independent of HTTP and HTML.

use std::sync::Arc;

use super::model::{self, FoodId, Recipe, RecipeId, RecipeText};
use super::{fixture, keys, queries};
use crate::db::once::Once;
use crate::db::{self, Db};
use crate::error::AppError;
use crate::site::list::{Found, ListQuery, among};
use crate::site::sheet::{Change, Edit};
use crate::site::words::fold;
use crate::sql::Database;
use crate::state::State;

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

/// Renames a food if it still has the name that the client has seen.
pub async fn rename(
    state: &State,
    id: FoodId,
    edit: Edit,
    name: String,
) -> Result<Change<String>, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        let there = queries::get_foods(conn)?;
        let current = there.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
        let Some(current) = current else { return Ok(Change::Gone) };
        match edit.merge(std::slice::from_ref(&current)).as_deref() {
            None => return Ok(Change::Conflict(current)),
            Some([true]) => return Ok(Change::Done),
            Some(_) if current == name => return Ok(Change::Done),
            Some(_) => {}
        }
        if there.iter().any(|(other, known)| *other != id && fold(known) == fold(&name)) {
            return Ok(Change::Taken);
        }
        queries::rename_food(conn, id, &name)?;
        Ok(Change::Done)
    });
    Ok(write.await?)
}

/// Adds a recipe once.
pub async fn create(state: &State, text: RecipeText, once: Once) -> Result<RecipeId, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        once.run(conn, |conn| queries::insert(conn, &text).map(RecipeId::get))
    });
    Ok(RecipeId::new(write.await?))
}

/// Makes an edit of the recipe, merged with what changed since the client saw it.
///
/// If it is as typed already, as after a form that was sent twice, the outcome is [`Change::Done`].
pub async fn update(
    state: &State,
    id: RecipeId,
    edit: Edit,
    text: RecipeText,
) -> Result<Change<Recipe>, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        let Some(current) = queries::get(conn, id)? else { return Ok(Change::Gone) };
        let Some(keeps) = edit.merge(&current.text.values()) else {
            return Ok(Change::Conflict(current));
        };
        let merged = text.merged(&current.text, &keeps);
        if !current.text.is_as(&merged) {
            queries::update(conn, id, &merged)?;
        }
        Ok(Change::Done)
    });
    Ok(write.await?)
}

/// Deletes the recipe if it is still as the client had seen it.
pub async fn delete(state: &State, id: RecipeId, seen: Edit) -> Result<Change<Recipe>, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        Ok(match queries::get(conn, id)? {
            None => Change::Gone,
            Some(current) if seen.is_still(&current.text.values()) => {
                queries::delete(conn, id)?;
                Change::Done
            }
            Some(current) => Change::Conflict(current),
        })
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
