-- The number of products in each bucket of 4,096 ids. The total is a sum over few rows, and a page in the
-- middle is found without scanning all rows before it. Only triggers write this table.
CREATE TABLE product_counts (
  bucket INTEGER NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT;

INSERT INTO product_counts SELECT id >> 12, count(*) FROM products GROUP BY 1;

-- The rows that are being replaced. REPLACE deletes the old row without firing the delete trigger, unless
-- the writer has switched recursive_triggers on, which the sqlite3 shell does not.
CREATE TABLE product_replacements (
  id INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE TRIGGER products_count_before_insert BEFORE INSERT ON products
BEGIN
  -- What an upsert has left here, which begins as an insert and ends as an update.
  DELETE FROM product_replacements WHERE id = NEW.id;
  INSERT INTO product_replacements SELECT id FROM products WHERE id = NEW.id;
END;

CREATE TRIGGER products_count_insert AFTER INSERT ON products
BEGIN
  INSERT INTO product_counts VALUES (NEW.id >> 12, 1) ON CONFLICT (bucket) DO UPDATE SET n = n + 1;
  UPDATE product_counts SET n = n - 1
  WHERE bucket = NEW.id >> 12 AND EXISTS (SELECT 1 FROM product_replacements WHERE id = NEW.id);
  DELETE FROM product_replacements WHERE id = NEW.id;
END;

CREATE TRIGGER products_count_before_update BEFORE UPDATE OF id ON products
WHEN NEW.id <> OLD.id
BEGIN
  DELETE FROM product_replacements WHERE id IN (OLD.id, NEW.id);
  INSERT INTO product_replacements SELECT id FROM products WHERE id = NEW.id;
END;

CREATE TRIGGER products_count_update AFTER UPDATE OF id ON products WHEN NEW.id <> OLD.id
BEGIN
  UPDATE product_counts SET n = n - 1 WHERE bucket = OLD.id >> 12;
  INSERT INTO product_counts VALUES (NEW.id >> 12, 1) ON CONFLICT (bucket) DO UPDATE SET n = n + 1;
  UPDATE product_counts SET n = n - 1
  WHERE bucket = NEW.id >> 12 AND EXISTS (SELECT 1 FROM product_replacements WHERE id = NEW.id);
  DELETE FROM product_replacements WHERE id = NEW.id;
END;

CREATE TRIGGER products_count_delete AFTER DELETE ON products
BEGIN
  UPDATE product_counts SET n = n - 1 WHERE bucket = OLD.id >> 12;
  DELETE FROM product_replacements WHERE id = OLD.id;
END;
