DROP TRIGGER accounts_password_changed ON accounts;

DROP FUNCTION end_access();
