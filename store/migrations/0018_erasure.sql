-- +goose Up
-- Orders to erase a contact person, without the person: what was given of him
-- is kept as a digest with a salt of its own, by which the same order is known
-- again when it is carried out once more, after a restore for example.
create sequence kam.erasure_number;
create table kam.erasure (
    erasure_no text primary key,
    subject    text not null, -- the customer or case that the order names
    given      text not null, -- EMAIL, NAME or BOTH
    salt       bytea not null,
    digest     bytea not null,
    order_text text not null,
    by_user    text not null,
    at         timestamptz not null,
    last_at    timestamptz not null, -- when it last found anything
    result     jsonb not null        -- of the last time that it did
);
