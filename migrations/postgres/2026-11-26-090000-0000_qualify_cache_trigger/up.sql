-- A table may have a column `name` or `moved`: what is meant is the variable.
-- For statement triggers with the table's tag as argument. A statement that touched no row moves
-- nothing. It runs as the owner: whoever may write a product may move its stamp.
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
