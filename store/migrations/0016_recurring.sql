-- +goose Up
-- What each recurring job has seen when it last went well, so that the next
-- round, on whichever worker, goes on from there.
create table kam.recurring (
    job     text        primary key,
    seen    text        not null,
    seen_at timestamptz not null
);
