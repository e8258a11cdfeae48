-- A list that is searched and sorted is read from the index of its order, until a page is full. With the search text
-- in that index no row of the table is read for it. `products_by_search_text` has it already.
DROP INDEX products_by_price;
DROP INDEX products_by_creation;
DROP INDEX products_by_change;

CREATE INDEX products_by_price ON products (price_cents, id, search_text);
CREATE INDEX products_by_creation ON products (created_at, id, search_text);
CREATE INDEX products_by_change ON products (updated_at, id, search_text);
