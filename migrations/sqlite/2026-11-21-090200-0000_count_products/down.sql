DROP TRIGGER products_count_before_insert;
DROP TRIGGER products_count_insert;
DROP TRIGGER products_count_before_update;
DROP TRIGGER products_count_update;
DROP TRIGGER products_count_delete;
DROP TABLE product_replacements;
DROP TABLE product_counts;
