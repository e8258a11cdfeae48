-- Search texts are now words: folded, without accents, separated by single spaces. Those that are not yet are built
-- again by the program.
UPDATE products SET search_text = NULL WHERE search_text GLOB '*[^a-z0-9 ]*';

-- The index of search texts. It keeps their words itself, so that a row is removed by its id alone: REPLACE takes
-- rows away without telling what they held. Symbols count as words; prefixes of up to four letters have an index.
CREATE VIRTUAL TABLE product_search USING fts5 (
  words,
  detail = none,
  columnsize = 0,
  prefix = '1 2 3 4',
  tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* S* Co'"
);

INSERT INTO product_search (rowid, words)
SELECT id, search_text FROM products WHERE search_text IS NOT NULL ORDER BY id;

-- Every word that a search text has ever held: among them is the one that a mistyped word was meant to be.
CREATE TABLE product_words (
  word TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO product_words
SELECT DISTINCT value
FROM products, json_each('[' || replace(json_quote(search_text), ' ', '","') || ']')
WHERE value <> '';

-- Triggers keep both in the transaction of every writer, also of other programs.
CREATE TRIGGER products_search_insert AFTER INSERT ON products
BEGIN
  DELETE FROM product_search WHERE rowid = NEW.id;
  INSERT INTO product_search (rowid, words) SELECT NEW.id, NEW.search_text WHERE NEW.search_text IS NOT NULL;
  INSERT INTO product_words
  SELECT DISTINCT value FROM json_each('[' || replace(json_quote(NEW.search_text), ' ', '","') || ']')
  WHERE value <> '' AND value NOT IN (SELECT word FROM product_words);
END;

CREATE TRIGGER products_search_update AFTER UPDATE OF id, search_text ON products
WHEN NEW.id <> OLD.id OR NEW.search_text IS NOT OLD.search_text
BEGIN
  DELETE FROM product_search WHERE rowid IN (OLD.id, NEW.id);
  INSERT INTO product_search (rowid, words) SELECT NEW.id, NEW.search_text WHERE NEW.search_text IS NOT NULL;
  INSERT INTO product_words
  SELECT DISTINCT value FROM json_each('[' || replace(json_quote(NEW.search_text), ' ', '","') || ']')
  WHERE value <> '' AND value NOT IN (SELECT word FROM product_words);
END;

CREATE TRIGGER products_search_delete AFTER DELETE ON products
BEGIN
  DELETE FROM product_search WHERE rowid = OLD.id;
END;

-- The orders in which the catalogue is listed, other than by id.
CREATE INDEX products_by_search_text ON products (search_text, id);
CREATE INDEX products_by_price ON products (price_cents, id);
CREATE INDEX products_by_creation ON products (created_at, id);
CREATE INDEX products_by_change ON products (updated_at, id);
