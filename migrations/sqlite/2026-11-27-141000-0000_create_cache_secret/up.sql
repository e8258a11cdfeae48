-- Under what the instances of this shop seal what they share in Redis: a key for HMAC-SHA-256, drawn by the
-- program right after this migration, in the same transaction. Replaced by `larder secret rotate`.
CREATE TABLE cache_secret (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT;

-- However it is replaced, the instances that run notice by its stamp.
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
