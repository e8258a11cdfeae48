-- The stamp of every tag. n counts its changes; r is a new random number at each change, so that the stamps
-- of a restored backup differ from those of later changes. See docs/ARCHITECTURE.md, "Freshness".
CREATE TABLE cache_versions (
  tag text NOT NULL PRIMARY KEY,
  n bigint NOT NULL,
  r bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION cache_nonce() RETURNS bigint VOLATILE LANGUAGE sql AS $$
  SELECT ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16))::bit(64)::bigint
$$;

-- Changes the stamps of the given tags and of '*'. The order of the tags prevents deadlocks of two writers.
CREATE FUNCTION cache_bump(VARIADIC tags text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO cache_versions AS known (tag, n, r)
  SELECT tag, 1, cache_nonce() FROM (SELECT DISTINCT unnest(tags || '{*}'::text[]) AS tag ORDER BY 1) AS moved
  ON CONFLICT (tag) DO UPDATE SET n = known.n + 1, r = excluded.r
$$;

-- The function of statement triggers; the argument is the table's tag. A statement that changed no row
-- changes no stamp. It runs as its owner, so that a role that may write the table may change its stamps.
CREATE FUNCTION cache_trigger() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

-- The stamp of the tag *everything* starts at a random number, so that no other database has the same stamps.
SELECT cache_bump('!');
