-- Texts are compared in one Unicode form now: what was made searchable before is made again before the next
-- search. ASCII is the same in all forms.
UPDATE products SET search_text = NULL WHERE octet_length(title) <> char_length(title);
