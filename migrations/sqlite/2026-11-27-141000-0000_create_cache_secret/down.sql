DROP TABLE cache_secret;
