-- The stamp of every tag: n counts its changes, r is drawn anew at each, so that a restored backup
-- is never mistaken for the history it was taken from. See docs/ARCHITECTURE.md, "Freshness".
CREATE TABLE cache_versions (
  tag text NOT NULL PRIMARY KEY,
  n bigint NOT NULL,
  r bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION cache_nonce() RETURNS bigint VOLATILE LANGUAGE sql AS $$
  SELECT ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16))::bit(64)::bigint
$$;

-- In order of the tags, so that two writers never wait for each other in a circle; '*' always.
CREATE FUNCTION cache_bump(VARIADIC tags text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO cache_versions AS known (tag, n, r)
  SELECT tag, 1, cache_nonce() FROM (SELECT DISTINCT unnest(tags || '{*}'::text[]) AS tag ORDER BY 1) AS moved
  ON CONFLICT (tag) DO UPDATE SET n = known.n + 1, r = excluded.r
$$;

-- For statement triggers with the table's tag as argument. A statement that touched no row moves
-- nothing. It runs as the owner: whoever may write a product may move its stamp.
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

-- The generation starts at a number of its own: another database never looks like this one.
SELECT cache_bump('!');
