DROP TRIGGER products_count_insert ON products;
DROP TRIGGER products_count_update ON products;
DROP TRIGGER products_count_delete ON products;
DROP TRIGGER products_count_truncate ON products;
DROP FUNCTION products_count();
DROP TABLE product_counts;
