create table branches (id int primary key, name text not null);
create type mood as enum ('sad', 'ok');
create sequence ticket_numbers;
create function stamp() returns trigger language plpgsql as 'begin return new; end';
create table "odd accounts" (
  id serial primary key,
  "key" bigint generated always as identity,
  branch int references branches,
  parent int references "odd accounts",
  owner text not null,
  feeling mood default 'ok',
  ticket int default nextval('ticket_numbers'),
  balance numeric check (balance >= 0),
  unique (owner, branch)
);
create index "by owner" on "odd accounts" (lower(owner));
create trigger stamps before update on "odd accounts" for each row execute function stamp();
comment on column "odd accounts".owner is 'who';
create table transfers (id int primary key, account int references "odd accounts");
create index on transfers (account);
create view rich as select * from "odd accounts" where balance > 10;
insert into branches values (1, 'north');
insert into "odd accounts" (branch, parent, owner, balance) values (1, null, 'ann', 5), (1, 1, E'bo\nb', 7);
insert into transfers values (1, 1);
create table days (day date not null, n int, primary key (day)) partition by range (day);
create table days_1 partition of days for values from ('2026-01-01') to ('2026-02-01');
create table days_2 partition of days for values from ('2026-02-01') to ('2026-03-01');
insert into days values ('2026-01-05', 1), ('2026-02-05', 2);
