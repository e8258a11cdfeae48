-- The indexes of `search_products_by_words`.
DROP INDEX products_by_price;
DROP INDEX products_by_creation;
DROP INDEX products_by_change;

CREATE INDEX products_by_price ON products (price_cents, id);
CREATE INDEX products_by_creation ON products (created_at, id);
CREATE INDEX products_by_change ON products (updated_at, id);
