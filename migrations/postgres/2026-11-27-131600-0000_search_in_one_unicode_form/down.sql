-- The program that follows makes titles searchable in its own way, where they are NULL.
UPDATE products SET search_text = NULL;
