CREATE TABLE products (
  -- AUTOINCREMENT: the address of a deleted product never becomes another product's.
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  -- What searches compare; written by the program, which folds case in every language. NULL where
  -- another program wrote the title: the program fills it in before it searches.
  search_text TEXT,
  price_cents INTEGER NOT NULL CHECK (price_cents BETWEEN 0 AND 999999999),
  -- UTC, written 2026-11-21 01:27:03 with up to six decimals: what the program can read back.
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) CHECK (
    julianday(created_at) IS NOT NULL
    AND substr(created_at, 1, 19) GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]'
    AND (length(created_at) = 19 OR substr(created_at, 20) GLOB '.[0-9]*')
    AND substr(created_at, 21) NOT GLOB '*[^0-9]*' AND length(created_at) <= 26
  ),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) CHECK (
    julianday(updated_at) IS NOT NULL
    AND substr(updated_at, 1, 19) GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]'
    AND (length(updated_at) = 19 OR substr(updated_at, 20) GLOB '.[0-9]*')
    AND substr(updated_at, 21) NOT GLOB '*[^0-9]*' AND length(updated_at) <= 26
  )
) STRICT;

CREATE INDEX products_without_search_text ON products (id) WHERE search_text IS NULL;

CREATE TRIGGER products_forget_search_text AFTER UPDATE OF title ON products
WHEN NEW.title IS NOT OLD.title AND NEW.search_text IS OLD.search_text
BEGIN
  UPDATE products SET search_text = NULL WHERE id = NEW.id;
END;

-- The stamps change in the transaction of every writer, also of other programs.
CREATE TRIGGER products_cache_insert AFTER INSERT ON products
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('products', 1, random()), ('products#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER products_cache_update AFTER UPDATE ON products
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('products', 1, random()), ('products#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'products#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER products_cache_delete AFTER DELETE ON products
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('products', 1, random()), ('products#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
