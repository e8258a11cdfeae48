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

-- Any role could otherwise put it on a table of its own, whose columns have a type and casts of its own.
REVOKE EXECUTE ON FUNCTION cache_trigger() FROM PUBLIC;

-- The same triggers, on every table that has them, call cache_trigger instead of larder_v2_trigger.
DO $$
DECLARE
  old record;
BEGIN
  FOR old IN
    SELECT tgname, tgrelid::regclass AS covered, pg_get_triggerdef(t.oid) AS definition
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE p.proname = 'larder_v2_trigger' AND NOT tgisinternal ORDER BY tgname
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', old.tgname, old.covered);
    EXECUTE replace(old.definition, 'EXECUTE FUNCTION larder_v2_trigger(', 'EXECUTE FUNCTION cache_trigger(');
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', old.covered, old.tgname);
  END LOOP;
END $$;

DROP FUNCTION larder_v2_trigger();
DROP FUNCTION larder_v2_fold(bigint);

-- Changes the stamps of the given tags and of '*'. The order of the tags prevents deadlocks of two writers.
CREATE OR REPLACE FUNCTION cache_bump(VARIADIC tags text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO cache_versions AS known (tag, n, r)
  SELECT tag, 1, cache_nonce() FROM (SELECT DISTINCT unnest(tags || '{*}'::text[]) AS tag ORDER BY 1) AS moved
  ON CONFLICT (tag) DO UPDATE SET n = known.n + 1, r = excluded.r
$$;

-- Waits for writers that have changed stamps and are not committed yet. Then all changes are added to the totals.
LOCK TABLE cache_changes IN ACCESS EXCLUSIVE MODE;

INSERT INTO cache_versions AS known (tag, n, r)
SELECT tag, count(*), bit_xor(r) FROM cache_changes, unnest(tags || '{*}'::text[]) AS tag GROUP BY tag ORDER BY tag
ON CONFLICT (tag) DO UPDATE SET n = known.n + excluded.n, r = known.r # excluded.r;

DROP TABLE cache_changes;
