-- +goose Up
-- A change that gives rights is proposed by one admin and takes effect when a
-- second one agrees (SOD9); a policy likewise (SOD4). What is open is found by
-- the digest of its content, so that the same command by another admin agrees.
create sequence kam.proposal_number;
create table kam.proposal (
    proposal_no    text primary key,
    kind           text not null,
    change         jsonb not null,
    digest         text not null,
    ground         text not null, -- digest of the rows before and after: what the second admin agrees to
    what           text not null,
    differences    text[] not null,
    by_user        text not null,
    roles          text[] not null,
    reason         text not null,
    at             timestamptz not null,
    expires_at     timestamptz not null,
    state          text not null default 'OPEN', -- AGREED, REFUSED, EXPIRED, STALE
    decided_by     text not null default '',
    decided_at     timestamptz,
    decided_reason text not null default ''
);
create unique index proposal_open on kam.proposal (digest) where state = 'OPEN';

-- Nodes where a person works, but not as a manager: the post there was taken
-- away, his other role stays.
alter table kam.person add column no_post text[] not null default '{}';
