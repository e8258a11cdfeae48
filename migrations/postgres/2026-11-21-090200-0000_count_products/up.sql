-- The number of products in each bucket of 4,096 ids. The total is a sum over few rows, and a page in the
-- middle is found without scanning all rows before it. Only triggers write this table.
CREATE TABLE product_counts (
  bucket bigint NOT NULL PRIMARY KEY,
  n bigint NOT NULL
) WITH (fillfactor = 50);

INSERT INTO product_counts SELECT id >> 12, count(*) FROM products GROUP BY 1;

-- The order of the buckets prevents deadlocks of two writers.
CREATE FUNCTION products_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM product_counts;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO product_counts AS known (bucket, n)
    SELECT id >> 12, count(*) FROM new_rows GROUP BY 1 ORDER BY 1
    ON CONFLICT (bucket) DO UPDATE SET n = known.n + excluded.n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO product_counts AS known (bucket, n)
    SELECT id >> 12, -count(*) FROM old_rows GROUP BY 1 ORDER BY 1
    ON CONFLICT (bucket) DO UPDATE SET n = known.n + excluded.n;
  ELSE
    INSERT INTO product_counts AS known (bucket, n)
    SELECT bucket, sum(moved) FROM (
      SELECT id >> 12 AS bucket, 1 AS moved FROM new_rows
      UNION ALL
      SELECT id >> 12, -1 FROM old_rows
    ) AS moves GROUP BY 1 HAVING sum(moved) <> 0 ORDER BY 1
    ON CONFLICT (bucket) DO UPDATE SET n = known.n + excluded.n;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER products_count_insert AFTER INSERT ON products
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_count();

CREATE TRIGGER products_count_update AFTER UPDATE ON products
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_count();

CREATE TRIGGER products_count_delete AFTER DELETE ON products
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION products_count();

CREATE TRIGGER products_count_truncate AFTER TRUNCATE ON products
FOR EACH STATEMENT EXECUTE FUNCTION products_count();

ALTER TABLE products
  ENABLE ALWAYS TRIGGER products_count_insert,
  ENABLE ALWAYS TRIGGER products_count_update,
  ENABLE ALWAYS TRIGGER products_count_delete,
  ENABLE ALWAYS TRIGGER products_count_truncate;
