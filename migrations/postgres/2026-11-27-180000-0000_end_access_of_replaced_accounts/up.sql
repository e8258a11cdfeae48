-- A new row under the ID of an account is another account: DELETE and INSERT under `session_replication_role` leave
-- the sessions and tokens of the old one.
CREATE TRIGGER accounts_replaced AFTER INSERT ON accounts
FOR EACH ROW EXECUTE FUNCTION end_access();

ALTER TABLE accounts ENABLE ALWAYS TRIGGER accounts_replaced;

CREATE TRIGGER accounts_moved AFTER UPDATE OF id ON accounts
FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION end_access();

ALTER TABLE accounts ENABLE ALWAYS TRIGGER accounts_moved;
