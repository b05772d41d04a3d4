-- +goose Up
-- What a person did, as the signed document that it came with, beside the effect
-- that it led to: key is that of the effect.
create table kam.envelope (
    subject text not null,
    key     text not null,
    signed  text not null,
    primary key (subject, key)
);

-- Envelopes whose act was refused, by their digest: what was said no to once is not
-- said yes to later, when somebody else sends it again. They are dropped when no
-- envelope holds any more that is as old.
create table kam.envelope_refused (
    digest  text primary key,
    refusal jsonb not null,
    at      timestamptz not null
);

-- Whether acts that are not signed were taken, and since when. A database that
-- is new requires signatures; one that was there before takes unsigned acts and
-- has them on record as such, until its operators say otherwise.
create table kam.signature_mode (
    since timestamptz primary key default clock_timestamp(),
    mode  text not null check (mode in ('record', 'require'))
);
insert into kam.signature_mode (mode)
    select case when exists (select from kam.cases) or exists (select from kam.person) then 'record' else 'require' end;

-- Which public keys each worker knows. A worker says so every few seconds; a row
-- that is old is one that has gone.
create table kam.worker_keys (
    worker  text primary key,
    keys    text[] not null,
    seen_at timestamptz not null
);

-- How many acts were refused for their signature, by minute: those beyond ten a
-- minute on one subject are counted here and are not in its trail.
create table kam.forged (
    subject text not null,
    minute  timestamptz not null,
    count   bigint not null,
    primary key (subject, minute)
);
