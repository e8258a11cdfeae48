-- A new row under the ID of an account is another account: REPLACE, or DELETE without foreign keys and INSERT, leave
-- the sessions and tokens of the old one.
CREATE TRIGGER accounts_replaced AFTER INSERT ON accounts
BEGIN
  DELETE FROM sessions WHERE account_id = NEW.id;
  DELETE FROM tokens WHERE account_id = NEW.id;
END;

CREATE TRIGGER accounts_moved AFTER UPDATE OF id ON accounts
WHEN OLD.id <> NEW.id
BEGIN
  DELETE FROM sessions WHERE account_id = NEW.id;
  DELETE FROM tokens WHERE account_id = NEW.id;
END;
