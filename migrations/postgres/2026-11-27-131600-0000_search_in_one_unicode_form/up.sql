-- Texts are now compared in one Unicode form, so the search texts are built again before the next search.
-- Titles in ASCII are left out, since ASCII is the same in all forms.
UPDATE products SET search_text = NULL WHERE octet_length(title) <> char_length(title);
