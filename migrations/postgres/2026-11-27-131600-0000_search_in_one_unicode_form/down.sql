-- The older program fills in its own form of every search text that is NULL.
UPDATE products SET search_text = NULL;
