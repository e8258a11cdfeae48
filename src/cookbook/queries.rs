//! The database queries of the cookbook, one function each.

use std::collections::HashMap;

use diesel::prelude::*;

use super::keys::{FOODS, INGREDIENTS, RECIPES};
use super::model::{Amount, FoodId, Ingredient, Recipe, RecipeId, RecipeText};
use crate::db::Conn;
use crate::db::schema::{foods, ingredients, recipes};
use crate::site::words::fold;
use crate::sql::Snapshot;

#[derive(Queryable, Identifiable)]
#[diesel(table_name = recipes)]
struct RecipeRow {
    id: i64,
    name: String,
    description: String,
    instructions: String,
}

#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = ingredients, belongs_to(RecipeRow, foreign_key = recipe_id))]
struct IngredientRow {
    id: i64,
    recipe_id: i64,
    food_id: i64,
    amount_thousandths: Option<i64>,
    unit: String,
    description: String,
}

/// Loads all recipes, ordered by name, with three queries whatever their number.
pub fn list(read: &mut Snapshot<'_>) -> QueryResult<Vec<Recipe>> {
    read.table(INGREDIENTS)?;
    read.table(FOODS)?;
    let conn = read.table(RECIPES)?;
    let rows: Vec<RecipeRow> = recipes::table.order((recipes::name, recipes::id)).load(conn)?;
    // All rows, instead of those of the loaded recipes: databases limit the number of bound values.
    let parts = ingredients::table.order(ingredients::id).load(conn)?;
    with_ingredients(conn, rows, parts)
}

/// Loads one recipe within a write transaction.
pub fn get(conn: &mut Conn, id: RecipeId) -> QueryResult<Option<Recipe>> {
    let rows: Vec<RecipeRow> = recipes::table.find(id.get()).load(conn)?;
    let parts = IngredientRow::belonging_to(&rows).order(ingredients::id).load(conn)?;
    Ok(with_ingredients(conn, rows, parts)?.pop())
}

fn with_ingredients(
    conn: &mut Conn,
    rows: Vec<RecipeRow>,
    parts: Vec<IngredientRow>,
) -> QueryResult<Vec<Recipe>> {
    let foods: HashMap<i64, String> =
        get_foods(conn)?.into_iter().map(|(id, name)| (id.get(), name)).collect();
    let grouped = parts.grouped_by(&rows);
    let recipes = rows.into_iter().zip(grouped).map(|(row, parts)| Recipe {
        id: RecipeId::new(row.id),
        text: RecipeText {
            name: row.name,
            description: row.description,
            instructions: row.instructions,
            ingredients: parts.into_iter().map(|part| ingredient(part, &foods)).collect(),
        },
    });
    Ok(recipes.collect())
}

fn ingredient(row: IngredientRow, foods: &HashMap<i64, String>) -> Ingredient {
    Ingredient {
        amount: row.amount_thousandths.map(Amount::from_thousandths),
        unit: row.unit,
        food: foods.get(&row.food_id).cloned().unwrap_or_default(),
        description: row.description,
    }
}

/// Loads all foods, ordered by ID.
pub fn get_foods(conn: &mut Conn) -> QueryResult<Vec<(FoodId, String)>> {
    let rows: Vec<(i64, String)> = foods::table.order(foods::id).load(conn)?;
    Ok(rows.into_iter().map(|(id, name)| (FoodId::new(id), name)).collect())
}

/// Loads all foods like [`get_foods`], within a read that records the dependency.
pub fn foods(read: &mut Snapshot<'_>) -> QueryResult<Vec<(FoodId, String)>> {
    get_foods(read.table(FOODS)?)
}

/// Loads the name of a food, or `None` if there is no such food.
pub fn find_food(read: &mut Snapshot<'_>, id: FoodId) -> QueryResult<Option<String>> {
    let conn = read.row(FOODS, id.get())?;
    foods::table.find(id.get()).select(foods::name).first(conn).optional()
}

/// Renames a food.
pub fn rename_food(conn: &mut Conn, id: FoodId, name: &str) -> QueryResult<()> {
    diesel::update(foods::table.find(id.get())).set(foods::name.eq(name)).execute(conn).map(|_| ())
}

/// Reports whether there are no recipes.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let any: bool =
        diesel::select(diesel::dsl::exists(recipes::table.select(recipes::id))).get_result(conn)?;
    Ok(!any)
}

/// Locks out other writers until the transaction ends.
///
/// Otherwise two transactions could each add the same food.
pub fn lock(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        // SQLite runs one write transaction at a time.
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(postgres) => {
            let lock = "LOCK TABLE recipes, foods, ingredients IN SHARE ROW EXCLUSIVE MODE";
            diesel::sql_query(lock).execute(postgres).map(|_| ())
        }
    }
}

/// Adds a recipe and returns its ID.
pub fn insert(conn: &mut Conn, text: &RecipeText) -> QueryResult<RecipeId> {
    let id: i64 = diesel::insert_into(recipes::table)
        .values((
            recipes::name.eq(&text.name),
            recipes::description.eq(&text.description),
            recipes::instructions.eq(&text.instructions),
        ))
        .returning(recipes::id)
        .get_result(conn)?;
    insert_ingredients(conn, id, &text.ingredients)?;
    Ok(RecipeId::new(id))
}

/// Replaces the content of a recipe.
pub fn update(conn: &mut Conn, id: RecipeId, text: &RecipeText) -> QueryResult<()> {
    diesel::update(recipes::table.find(id.get()))
        .set((
            recipes::name.eq(&text.name),
            recipes::description.eq(&text.description),
            recipes::instructions.eq(&text.instructions),
        ))
        .execute(conn)?;
    delete_ingredients(conn, id)?;
    insert_ingredients(conn, id.get(), &text.ingredients)
}

/// Deletes a recipe. Its foods stay, since other recipes may use them.
pub fn delete(conn: &mut Conn, id: RecipeId) -> QueryResult<()> {
    delete_ingredients(conn, id)?;
    diesel::delete(recipes::table.find(id.get())).execute(conn).map(|_| ())
}

fn delete_ingredients(conn: &mut Conn, id: RecipeId) -> QueryResult<()> {
    let parts = ingredients::table.filter(ingredients::recipe_id.eq(id.get()));
    diesel::delete(parts).execute(conn).map(|_| ())
}

/// Inserts the ingredients one by one, so that the order of their IDs is the order of the recipe.
fn insert_ingredients(conn: &mut Conn, recipe: i64, parts: &[Ingredient]) -> QueryResult<()> {
    // Reversed: where the names of several foods are equal ignoring case, the lowest ID wins.
    let mut known: HashMap<String, i64> =
        get_foods(conn)?.into_iter().rev().map(|(id, name)| (fold(&name), id.get())).collect();
    for part in parts {
        let food = match known.get(&fold(&part.food)) {
            Some(food) => *food,
            None => {
                let food = insert_food(conn, &part.food)?;
                known.insert(fold(&part.food), food);
                food
            }
        };
        diesel::insert_into(ingredients::table)
            .values((
                ingredients::recipe_id.eq(recipe),
                ingredients::food_id.eq(food),
                ingredients::amount_thousandths.eq(part.amount.map(Amount::thousandths)),
                ingredients::unit.eq(&part.unit),
                ingredients::description.eq(&part.description),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn insert_food(conn: &mut Conn, name: &str) -> QueryResult<i64> {
    diesel::insert_into(foods::table)
        .values(foods::name.eq(name))
        .returning(foods::id)
        .get_result(conn)
}
