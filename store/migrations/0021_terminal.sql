-- +goose Up
-- A terminal that asks to be let in, until somebody who is signed in agrees. It
-- holds the secret of which the hash stands here, and which is its token then.
create table kam.terminal_login (
    hash     bytea primary key,
    code     text not null unique, -- what its user reads and types
    name     text not null,        -- what it says that it is
    asked_at timestamptz not null,
    expiry   timestamptz not null,
    state    text not null, -- PENDING, AGREED, DECLINED
    user_id  text not null default '' -- who has decided
);

-- Changes are read in the order in which they were written.
create index audit_written on kam.audit (db_at);
