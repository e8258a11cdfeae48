CREATE TABLE notices (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
  created_at TEXT NOT NULL
) STRICT;

-- The stamps change in the transaction of every writer, also of other programs.
CREATE TRIGGER notices_cache_insert AFTER INSERT ON notices
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('notices', 1, random()), ('notices#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER notices_cache_update AFTER UPDATE ON notices
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('notices', 1, random()), ('notices#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'notices#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER notices_cache_delete AFTER DELETE ON notices
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('notices', 1, random()), ('notices#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
