CREATE TABLE events (
  -- AUTOINCREMENT: the address of a deleted event never becomes another event's.
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  -- UTC, written as the products' times are.
  starts_at TEXT NOT NULL CHECK (
    julianday(starts_at) IS NOT NULL
    AND substr(starts_at, 1, 19) GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]'
    AND (length(starts_at) = 19 OR substr(starts_at, 20) GLOB '.[0-9]*')
    AND substr(starts_at, 21) NOT GLOB '*[^0-9]*' AND length(starts_at) <= 26
  ),
  -- Whether only the day is known; it is then that day's midnight.
  is_date INTEGER NOT NULL DEFAULT 0 CHECK (is_date IN (0, 1)),
  location TEXT NOT NULL CHECK (length(location) BETWEEN 1 AND 255),
  description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 10000)
) STRICT;

CREATE INDEX events_by_start ON events (starts_at, id);

CREATE TABLE guests (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  -- The deletions of a cascade fire the triggers of the guests, row by row.
  event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 1 AND 255)
) STRICT;

CREATE INDEX guests_of_event ON guests (event_id, id);

-- The stamps change in the transaction of every writer, also of other programs.
CREATE TRIGGER events_cache_insert AFTER INSERT ON events
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('events', 1, random()), ('events#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER events_cache_update AFTER UPDATE ON events
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('events', 1, random()), ('events#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'events#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER events_cache_delete AFTER DELETE ON events
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('events', 1, random()), ('events#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER guests_cache_insert AFTER INSERT ON guests
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('guests', 1, random()), ('guests#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER guests_cache_update AFTER UPDATE ON guests
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('guests', 1, random()), ('guests#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'guests#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER guests_cache_delete AFTER DELETE ON guests
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('guests', 1, random()), ('guests#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
