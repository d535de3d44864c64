-- The bank that production's clients work on: money moves between accounts, and each transfer leaves a numbered row.
create role app login;
create database bank;
\connect bank
create table accounts (id int primary key, balance bigint not null);
insert into accounts select n, 1000 from generate_series(1, 10000) n;
create table transfers (
  client int,
  number bigint,
  from_account int not null,
  to_account int not null,
  amount bigint not null,
  sent_at timestamptz not null default now(),
  primary key (client, number)
);
grant select, update on accounts to app;
grant select, insert on transfers to app;
vacuum analyze;
checkpoint;
