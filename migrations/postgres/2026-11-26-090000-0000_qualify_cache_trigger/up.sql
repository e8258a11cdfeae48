-- `name` and `moved` mean the variables, also if the table has columns of these names.
-- The function of statement triggers; the argument is the table's tag. A statement that changed no row
-- changes no stamp. It runs as its owner, so that a role that may write the table may change its stamps.
CREATE OR REPLACE FUNCTION cache_trigger() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  name text := TG_ARGV[0];
  moved text[];
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    moved := ARRAY[name || '!'];
  ELSIF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT name || '#' || (id & 255)) INTO moved FROM new_rows;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT name || '#' || (id & 255)) INTO moved FROM old_rows;
  ELSE
    SELECT array_agg(DISTINCT name || '#' || (id & 255)) INTO moved
    FROM (SELECT id FROM new_rows UNION ALL SELECT id FROM old_rows) AS touched;
  END IF;
  IF moved IS NOT NULL THEN
    PERFORM cache_bump(VARIADIC name || moved);
  END IF;
  RETURN NULL;
END $$;
