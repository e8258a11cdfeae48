DROP TRIGGER accounts_replaced;
