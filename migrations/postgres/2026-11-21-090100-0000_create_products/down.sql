DROP TABLE products;
DROP FUNCTION products_forget_search_text();
