DROP TRIGGER accounts_replaced ON accounts;
