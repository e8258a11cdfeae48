-- The HMAC-SHA-256 key with which the instances of this shop seal their entries in Redis. The program generates
-- it right after this migration, in the same transaction. `larder secret rotate` replaces it.
CREATE TABLE cache_secret (
  id bigint PRIMARY KEY CHECK (id = 1),
  secret bytea NOT NULL CHECK (octet_length(secret) = 32)
);

-- Default privileges may have granted access to other roles.
REVOKE ALL ON cache_secret FROM PUBLIC;

-- Running instances notice by its stamp that the key was replaced, whichever way.
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
