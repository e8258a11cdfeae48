-- The HMAC-SHA-256 key with which the instances of this shop seal their entries in Redis. The program generates
-- it right after this migration, in the same transaction. `larder secret rotate` replaces it.
CREATE TABLE cache_secret (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT;

-- Running instances notice by its stamp that the key was replaced, whichever way.
CREATE TRIGGER cache_secret_cache_insert AFTER INSERT ON cache_secret
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('cache_secret', 1, random()), ('cache_secret#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER cache_secret_cache_update AFTER UPDATE ON cache_secret
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('cache_secret', 1, random()), ('cache_secret#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'cache_secret#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER cache_secret_cache_delete AFTER DELETE ON cache_secret
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('cache_secret', 1, random()), ('cache_secret#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
