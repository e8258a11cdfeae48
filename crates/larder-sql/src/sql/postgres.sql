-- The changes that are not folded yet. A writer only inserts rows here, which no other transaction touches: so no
-- writer waits for another. Each row changes the stamps of its tags and of '*' by 1 and by its nonce.
CREATE TABLE IF NOT EXISTS cache_changes (
  tags text[] NOT NULL,
  -- No constraint checks the tags: Postgres prepares it anew for each statement, a quarter of what the trigger costs.
  r bigint NOT NULL
-- Truncating the file at the end of a vacuum would make writers wait.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, vacuum_truncate = off);

-- Changes the stamps of the given tags and of '*'.
CREATE OR REPLACE FUNCTION cache_bump(VARIADIC tags text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- A longer tag fits into no index, so it could not be folded.
  IF EXISTS (SELECT FROM unnest(tags) AS tag WHERE length(tag) > 600) THEN
    RAISE 'a tag has more than 600 characters' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO cache_changes (tags, r)
  SELECT coalesce(array_agg(DISTINCT tag), '{}'), uuid_hash_extended(gen_random_uuid(), 0)
  FROM unnest(tags) AS tag WHERE tag <> '*';
END $$;

-- The function of statement triggers; the argument is the table's tag. A statement that changed no row
-- changes no stamp. It runs as its owner, so that a role that may write the table may change its stamps; so it names
-- every function, operator and table with its schema, which costs less than setting a search path for each call.
-- Most statements write one row, or rows of one bucket. The first INSERT of each kind is for these: it takes a third less
-- time than the second. `name` means the variable, also if the table has a column of that name.
CREATE OR REPLACE FUNCTION larder_v2_trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_variable
DECLARE
  name text := TG_ARGV[0];
BEGIN
  IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
    INSERT INTO public.cache_changes (tags, r)
    SELECT ARRAY[name, pg_catalog.concat(name, '#', low)],
      pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
    FROM (
      SELECT pg_catalog.min(bucket) AS low, pg_catalog.max(bucket) AS high FROM (
        SELECT pg_catalog.int8and(id, 255) AS bucket FROM new_rows
        UNION ALL SELECT pg_catalog.int8and(id, 255) FROM old_rows
      ) AS buckets
    ) AS ends WHERE low OPERATOR(pg_catalog.=) high;
    IF NOT FOUND THEN
      INSERT INTO public.cache_changes (tags, r)
      SELECT pg_catalog.array_append(moved, name), pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
      FROM (
        SELECT pg_catalog.array_agg(pg_catalog.concat(name, '#', bucket)) AS moved FROM (
          SELECT pg_catalog.int8and(id, 255) AS bucket FROM new_rows
          UNION SELECT pg_catalog.int8and(id, 255) FROM old_rows
        ) AS buckets
      ) AS rows WHERE moved IS NOT NULL;
    END IF;
  ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
    INSERT INTO public.cache_changes (tags, r)
    SELECT ARRAY[name, pg_catalog.concat(name, '#', low)],
      pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
    FROM (
      SELECT pg_catalog.min(bucket) AS low, pg_catalog.max(bucket) AS high FROM (
        SELECT pg_catalog.int8and(id, 255) AS bucket FROM new_rows
      ) AS buckets
    ) AS ends WHERE low OPERATOR(pg_catalog.=) high;
    IF NOT FOUND THEN
      INSERT INTO public.cache_changes (tags, r)
      SELECT pg_catalog.array_append(moved, name), pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
      FROM (
        SELECT pg_catalog.array_agg(pg_catalog.concat(name, '#', bucket)) AS moved FROM (
          SELECT DISTINCT pg_catalog.int8and(id, 255) AS bucket FROM new_rows
        ) AS buckets
      ) AS rows WHERE moved IS NOT NULL;
    END IF;
  ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
    INSERT INTO public.cache_changes (tags, r)
    SELECT ARRAY[name, pg_catalog.concat(name, '#', low)],
      pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
    FROM (
      SELECT pg_catalog.min(bucket) AS low, pg_catalog.max(bucket) AS high FROM (
        SELECT pg_catalog.int8and(id, 255) AS bucket FROM old_rows
      ) AS buckets
    ) AS ends WHERE low OPERATOR(pg_catalog.=) high;
    IF NOT FOUND THEN
      INSERT INTO public.cache_changes (tags, r)
      SELECT pg_catalog.array_append(moved, name), pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
      FROM (
        SELECT pg_catalog.array_agg(pg_catalog.concat(name, '#', bucket)) AS moved FROM (
          SELECT DISTINCT pg_catalog.int8and(id, 255) AS bucket FROM old_rows
        ) AS buckets
      ) AS rows WHERE moved IS NOT NULL;
    END IF;
  ELSE
    INSERT INTO public.cache_changes (tags, r) VALUES (
      ARRAY[name, pg_catalog.concat(name, '!')], pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
    );
  END IF;
  RETURN NULL;
END $$;

-- Any role could otherwise put this trigger on a table of its own, whose columns have a type and casts of its own, and these
-- would run with the rights of the owner. Triggers need no right when they fire.
REVOKE EXECUTE ON FUNCTION larder_v2_trigger() FROM PUBLIC;

-- Adds at most this many changes to the totals and returns their number. No stamp changes by it, and it waits for
-- no lock: where another process folds, it does nothing. One statement deletes and adds, so that every snapshot sees
-- both or neither; a change that is committed later is not in its snapshot, and so is not deleted.
-- Two processes exclude each other by the row of '*', which a role without rights on the stamps cannot lock; any role
-- could hold an advisory lock. Where that row is missing, two that fold at once take different rows all the same.
-- It runs with the rights of its owner, so it finds no function or operator that another role has made.
CREATE OR REPLACE FUNCTION larder_v2_fold(most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
  folded bigint;
BEGIN
  PERFORM FROM public.cache_versions WHERE tag = '*' FOR UPDATE SKIP LOCKED;
  IF NOT FOUND AND EXISTS (SELECT FROM public.cache_versions WHERE tag = '*') THEN
    RETURN 0;
  END IF;
  WITH taken AS (
    DELETE FROM public.cache_changes
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.cache_changes LIMIT most FOR UPDATE SKIP LOCKED))
    RETURNING tags, r
  ), sums AS (
    SELECT tag, count(*) AS n, bit_xor(r) AS r FROM taken, unnest(tags || '{*}'::text[]) AS tag
    -- What another program has inserted and no table can hold would stop folding for ever.
    WHERE length(tag) <= 600 GROUP BY tag ORDER BY tag
  ), added AS (
    INSERT INTO public.cache_versions AS known (tag, n, r) SELECT tag, n, r FROM sums
    ON CONFLICT (tag) DO UPDATE SET n = known.n + excluded.n, r = known.r # excluded.r
  )
  SELECT count(*) INTO folded FROM taken;
  RETURN folded;
END $$;

-- For the role that owns it, which is the one that migrates and serves; grant it to another that serves.
REVOKE EXECUTE ON FUNCTION larder_v2_fold(bigint) FROM PUBLIC;
