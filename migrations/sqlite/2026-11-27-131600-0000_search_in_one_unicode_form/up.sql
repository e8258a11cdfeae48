-- Texts are compared in one Unicode form now: what was made searchable before is made again before the next
-- search. ASCII is the same in all forms.
UPDATE products SET search_text = NULL WHERE length(CAST(title AS BLOB)) <> length(title);
