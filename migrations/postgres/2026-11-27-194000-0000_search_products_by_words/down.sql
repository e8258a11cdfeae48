DROP INDEX products_by_change;
DROP INDEX products_by_creation;
DROP INDEX products_by_price;
DROP INDEX products_by_search_text;
DROP TRIGGER products_words_update ON products;
DROP TRIGGER products_words_insert ON products;
DROP FUNCTION products_words();
-- The extension stays: others may use it by now.
DROP TABLE product_words;
ALTER TABLE products DROP COLUMN words;
-- The older program compares other texts, which it builds itself.
UPDATE products SET search_text = NULL;
