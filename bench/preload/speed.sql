-- What sqlite3 is measured with: rows in and out of an index, sorting, joining, text put together.
create table item(id integer primary key, key integer, text text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
insert into item select i, i * 7919 % 200003, 'item ' || i || hex(i * 7919) from n;
create index by_key on item(key);
select count(*), sum(length(text)) from item where key between 1000 and 150000;
update item set text = text || ' again' where key % 3 = 0;
select count(*) from item a join item b on a.key = b.id where length(a.text) > length(b.text);
select length(group_concat(text)) from item;
select key % 1000 as k, count(*), max(text) from item group by k order by max(text) desc limit 3;
delete from item where key % 2 = 0;
select count(*) from (select distinct substr(text, 1, 9) from item);
create table page(id integer primary key, body json);
insert into page select id, json_object('id', id, 'text', text, 'list', json_array(key, id)) from item;
select sum(json_extract(body, '$.list[1]')) from page;
