-- The forms of the last day that added something, so that a form which is sent twice adds once. Nothing is read from
-- it through the cache.
CREATE TABLE sent_forms (
  -- SHA-256 of the form, which has a random field.
  digest text PRIMARY KEY,
  -- The row that the form has added. The table is known from the form's address, which is part of the digest.
  made_id bigint NOT NULL,
  sent_at timestamp NOT NULL
);
