-- Under what the instances of this shop seal what they share in Redis: a key for HMAC-SHA-256, drawn by the
-- program right after this migration, in the same transaction. Replaced by `larder secret rotate`.
CREATE TABLE cache_secret (
  id bigint PRIMARY KEY CHECK (id = 1),
  secret bytea NOT NULL CHECK (octet_length(secret) = 32)
);

-- Also where other roles are given what they need by default.
REVOKE ALL ON cache_secret FROM PUBLIC;

-- However it is replaced, the instances that run notice by its stamp.
CREATE TRIGGER cache_secret_cache_insert AFTER INSERT ON cache_secret
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cache_trigger('cache_secret');

CREATE TRIGGER cache_secret_cache_update AFTER UPDATE ON cache_secret
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cache_trigger('cache_secret');

CREATE TRIGGER cache_secret_cache_delete AFTER DELETE ON cache_secret
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION cache_trigger('cache_secret');

CREATE TRIGGER cache_secret_cache_truncate AFTER TRUNCATE ON cache_secret
FOR EACH STATEMENT EXECUTE FUNCTION cache_trigger('cache_secret');

ALTER TABLE cache_secret
  ENABLE ALWAYS TRIGGER cache_secret_cache_insert,
  ENABLE ALWAYS TRIGGER cache_secret_cache_update,
  ENABLE ALWAYS TRIGGER cache_secret_cache_delete,
  ENABLE ALWAYS TRIGGER cache_secret_cache_truncate;
