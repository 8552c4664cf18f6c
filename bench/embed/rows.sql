-- A database in memory: rows go in, are indexed, joined, rewritten, sorted, looked for one by one, and go.
CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT, many INT, note TEXT);
WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < 60000)
  INSERT INTO words SELECT i, printf('word %d', i * 7919 % 20011), i % 17, hex(i * 104729) FROM up;
CREATE INDEX by_word ON words(word);
CREATE INDEX by_many ON words(many, note);
CREATE TABLE pairs AS
  SELECT a.id AS one, b.id AS other, a.word || ', ' || b.note AS text
  FROM words a JOIN words b ON a.word = b.word AND a.id < b.id;
UPDATE words SET word = upper(word) || replace(note, '3', 'three') WHERE many > 8;
CREATE TABLE told(text TEXT);
INSERT INTO told SELECT group_concat(text, '; ') FROM pairs GROUP BY one % 500;
INSERT INTO told SELECT json_group_array(json_object('word', word, 'note', note)) FROM words GROUP BY many;
INSERT INTO told SELECT DISTINCT substr(text, 1, 30) FROM pairs ORDER BY text DESC;
DELETE FROM words WHERE id % 3 = 0;
SELECT sum(length(t.text)) || ' ' || (SELECT count(*) FROM words) || ' ' ||
       (SELECT count(*) FROM pairs p WHERE EXISTS (SELECT 1 FROM words w WHERE w.id = p.other AND w.word LIKE '%THREE%'))
  FROM told t;
