DROP FUNCTION cache_trigger();
DROP FUNCTION cache_bump(text[]);
DROP FUNCTION cache_nonce();
DROP TABLE cache_versions;
