-- Search texts are now words: folded, without accents, separated by single spaces. Those that are not yet are built
-- again by the program.
UPDATE products SET search_text = NULL WHERE search_text ~ '[^a-z0-9 ]';

-- The words of the search text, as they are: no parser or dictionary of the server changes them.
ALTER TABLE products ADD COLUMN words tsvector
GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(search_text, ' '), ''))) STORED;

CREATE INDEX products_by_words ON products USING gin (words);

-- Every word that a search text has ever held: among them is the one that a mistyped word was meant to be.
CREATE TABLE product_words (
  word text COLLATE "C" NOT NULL PRIMARY KEY
);

INSERT INTO product_words
SELECT DISTINCT word FROM products, unnest(string_to_array(search_text, ' ')) AS word WHERE word <> '';

-- pg_trgm finds similar words by an index. Where the server lacks it or the role may not create it, the program
-- compares all words itself.
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX product_words_by_trigrams ON product_words USING gin (word gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'similar words are found without pg_trgm: %', SQLERRM;
END $$;

-- Keeps the words in the transaction of every writer, also of other programs. The order of the words prevents
-- deadlocks of two writers, who meet only at a word that is new to both.
CREATE FUNCTION products_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO product_words AS known (word)
  SELECT DISTINCT part FROM new_rows, unnest(string_to_array(search_text, ' ')) AS part
  WHERE part <> '' AND NOT EXISTS (SELECT FROM product_words WHERE word = part)
  ORDER BY 1
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER products_words_insert AFTER INSERT ON products
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_words();

CREATE TRIGGER products_words_update AFTER UPDATE ON products
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_words();

ALTER TABLE products
  ENABLE ALWAYS TRIGGER products_words_insert,
  ENABLE ALWAYS TRIGGER products_words_update;

-- The orders in which the catalogue is listed, other than by id. "C": letters are ordered as on SQLite.
CREATE INDEX products_by_search_text ON products (search_text COLLATE "C", id);
CREATE INDEX products_by_price ON products (price_cents, id);
CREATE INDEX products_by_creation ON products (created_at, id);
CREATE INDEX products_by_change ON products (updated_at, id);
