DROP INDEX products_by_change;
DROP INDEX products_by_creation;
DROP INDEX products_by_price;
DROP INDEX products_by_search_text;
DROP TRIGGER products_search_delete;
DROP TRIGGER products_search_update;
DROP TRIGGER products_search_insert;
DROP TABLE product_words;
DROP TABLE product_search;
-- The older program compares other texts, which it builds itself.
UPDATE products SET search_text = NULL;
