CREATE TABLE recipes (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description TEXT NOT NULL,
  -- Both in Markdown.
  instructions TEXT NOT NULL
) STRICT;

CREATE TABLE foods (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
) STRICT;

-- The amount of a food in a recipe. The order of the ids is the order in the recipe.
CREATE TABLE ingredients (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  recipe_id INTEGER NOT NULL REFERENCES recipes (id) ON DELETE CASCADE,
  food_id INTEGER NOT NULL REFERENCES foods (id),
  -- In thousandths of the unit; NULL where it is up to the cook.
  amount_thousandths INTEGER CHECK (amount_thousandths BETWEEN 0 AND 999999999),
  unit TEXT NOT NULL,
  description TEXT NOT NULL
) STRICT;

CREATE INDEX ingredients_by_recipe ON ingredients (recipe_id);
CREATE INDEX ingredients_by_food ON ingredients (food_id);

-- The stamps change in the transaction of every writer, also of other programs.
CREATE TRIGGER recipes_cache_insert AFTER INSERT ON recipes
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('recipes', 1, random()), ('recipes#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER recipes_cache_update AFTER UPDATE ON recipes
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('recipes', 1, random()), ('recipes#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'recipes#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER recipes_cache_delete AFTER DELETE ON recipes
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('recipes', 1, random()), ('recipes#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER foods_cache_insert AFTER INSERT ON foods
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('foods', 1, random()), ('foods#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER foods_cache_update AFTER UPDATE ON foods
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('foods', 1, random()), ('foods#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'foods#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER foods_cache_delete AFTER DELETE ON foods
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('foods', 1, random()), ('foods#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER ingredients_cache_insert AFTER INSERT ON ingredients
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('ingredients', 1, random()), ('ingredients#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER ingredients_cache_update AFTER UPDATE ON ingredients
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('ingredients', 1, random()), ('ingredients#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'ingredients#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER ingredients_cache_delete AFTER DELETE ON ingredients
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('ingredients', 1, random()), ('ingredients#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
