-- +goose Up
-- How a person reads: the language that he chose, "" for that of his browser.
create table kam.reader (
    user_id text primary key,
    lang    text not null
);

-- What a person saw last of a subject, and what he had seen before it changed
-- then: by that a page marks what is new to him. Both are revisions of its data.
-- Rows that nobody has looked at for half a year go.
create table kam.seen (
    user_id   text not null,
    subject   text not null,
    revision  int not null,
    at        timestamptz not null,
    before    int not null default 0, -- 0: nothing
    before_at timestamptz,
    primary key (user_id, subject)
);

create index seen_at on kam.seen (at);
