-- How many products there are for each 4,096 ids: the number of all is a sum over few rows, and the
-- middle of a million is found without walking half a million. Kept by triggers, never by hand.
CREATE TABLE product_counts (
  bucket INTEGER NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT;

INSERT INTO product_counts SELECT id >> 12, count(*) FROM products GROUP BY 1;

CREATE TRIGGER products_count_insert AFTER INSERT ON products
BEGIN
  INSERT INTO product_counts VALUES (NEW.id >> 12, 1) ON CONFLICT (bucket) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER products_count_update AFTER UPDATE OF id ON products
BEGIN
  UPDATE product_counts SET n = n - 1 WHERE bucket = OLD.id >> 12;
  INSERT INTO product_counts VALUES (NEW.id >> 12, 1) ON CONFLICT (bucket) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER products_count_delete AFTER DELETE ON products
BEGIN
  UPDATE product_counts SET n = n - 1 WHERE bucket = OLD.id >> 12;
END;
