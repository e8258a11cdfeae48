-- The function of the triggers of tables without a column `id` of whole numbers. Any write to their rows changes the
-- stamps of the table's tag and of its reset tag, on which every read of a row depends.
CREATE OR REPLACE FUNCTION larder_v2_whole_trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_variable
DECLARE
  name text := TG_ARGV[0];
  moved boolean := true;
BEGIN
  IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
    SELECT EXISTS (SELECT FROM old_rows) INTO moved;
  ELSIF TG_OP OPERATOR(pg_catalog.<>) 'TRUNCATE' THEN
    SELECT EXISTS (SELECT FROM new_rows) INTO moved;
  END IF;
  IF moved THEN
    INSERT INTO public.cache_changes (tags, r) VALUES (
      ARRAY[name, pg_catalog.concat(name, '!')], pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)
    );
  END IF;
  RETURN NULL;
END $$;

-- As with larder_v2_trigger: what runs with the rights of its owner is for its owner.
REVOKE EXECUTE ON FUNCTION larder_v2_whole_trigger() FROM PUBLIC;

-- Drops the triggers of this table, its partitions and the tables that inherit it, of any version. Returns how many
-- triggers other tables have.
CREATE OR REPLACE FUNCTION larder_v2_uncover(name text) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  known text := '^(cache_trigger|larder_v[0-9]+_(whole_)?trigger)$';
  old record;
BEGIN
  FOR old IN
    WITH RECURSIVE family AS (
      SELECT to_regclass(name)::oid AS id UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = id
    )
    SELECT tgname, id::regclass AS covered
    FROM family JOIN pg_trigger t ON tgrelid = id JOIN pg_proc p ON p.oid = tgfoid
    WHERE proname ~ known AND tgargs = convert_to(name, getdatabaseencoding()) || '\x00'::bytea
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', old.tgname, old.covered);
  END LOOP;
  RETURN (SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid WHERE proname ~ known);
END $$;

-- Creates the triggers of this table, its partitions and the tables that inherit it, in place of older ones; then
-- writes to each, so that a trigger which could fail does so now. The name is as in SQL: blog.notes, "Users".
CREATE OR REPLACE FUNCTION larder_v2_cover(name text) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  covered pg_class;
  member regclass;
  has_id boolean;
  writable record;
  wanted record;
BEGIN
  SELECT * INTO covered FROM pg_class WHERE oid = to_regclass(name);
  IF covered.oid IS NULL THEN
    RAISE EXCEPTION 'there is no table %', name;
  ELSIF covered.relkind IN ('v', 'm') THEN
    RAISE EXCEPTION '% is a view, which has no rows of its own: cover the tables that it reads', name;
  ELSIF covered.relkind NOT IN ('r', 'p') THEN
    RAISE EXCEPTION '% is no table of this database, so its changes cannot be seen', name;
  ELSIF covered.relpersistence <> 'p' THEN
    RAISE EXCEPTION 'the table % is temporary or unlogged: a crash empties it, which no trigger sees', name;
  END IF;
  PERFORM larder_v2_uncover(name);
  FOR member IN
    WITH RECURSIVE family AS (
      SELECT covered.oid AS id UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = id
    )
    SELECT id FROM family
  LOOP
    SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = member AND attname = 'id' AND NOT attisdropped
      AND atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) INTO has_id;
    FOR wanted IN
      SELECT event, references_rows, format('larder_v2_%s_%s', lower(event), left(md5(name), 8)) AS trigger_name
      FROM (VALUES
        ('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
        ('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
        ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
        ('TRUNCATE', '')
      ) AS events (event, references_rows)
    LOOP
      EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s(%L)',
        wanted.trigger_name, wanted.event, member, wanted.references_rows,
        CASE WHEN has_id THEN 'larder_v2_trigger' ELSE 'larder_v2_whole_trigger' END, name);
      -- ALWAYS: the triggers also fire for writes of a replication role.
      EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', member, wanted.trigger_name);
    END LOOP;
    SELECT string_agg(quote_ident(attname), ', ') AS inserted,
      min(quote_ident(attname)) FILTER (WHERE attidentity <> 'a') AS updated
    INTO writable FROM pg_attribute
    WHERE attrelid = member AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    BEGIN
      EXECUTE format('DELETE FROM %s WHERE false', member);
      IF writable.inserted IS NOT NULL THEN
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s WHERE false',
          member, writable.inserted, writable.inserted, member);
      END IF;
      IF writable.updated IS NOT NULL THEN
        EXECUTE format('UPDATE %s SET %s = %s WHERE false', member, writable.updated, writable.updated);
      END IF;
      -- Undoes what other triggers have done.
      RAISE EXCEPTION 'it works' USING ERRCODE = 'LV200';
    EXCEPTION WHEN SQLSTATE 'LV200' THEN
      NULL;
    END;
  END LOOP;
END $$;
