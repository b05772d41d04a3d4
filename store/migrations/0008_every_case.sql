-- +goose Up
-- A case that works on an existing customer holds it from 1.1.2 to its end: one
-- open case per customer.
alter table kam.cases add column holds text not null default '';
create unique index cases_holds on kam.cases (holds) where holds <> '';

-- A rejection is appealed once.
alter table kam.cases add column appeal_of text not null default '';
create unique index cases_appeal on kam.cases (appeal_of) where appeal_of <> '';

alter table kam.task add column claimed_by text not null default '';

-- Why an account left the programme: DEMOTED or RETIRED.
alter table kam.key_account add column ended_as text not null default '';

-- When people, territories or rules of assignment last changed: open tasks are
-- then looked at again.
create table kam.org_change (
    one        boolean primary key default true check (one),
    changed_at timestamptz not null
);
insert into kam.org_change (changed_at) values (clock_timestamp());
