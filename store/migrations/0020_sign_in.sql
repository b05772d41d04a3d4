-- +goose Up
-- How people sign in. A person has any number of identities: a local account
-- (issuer local, the subject is his login), or the issuer and the subject of an
-- OpenID provider. The ids of people stay what they are.
create table kam.identity (
    issuer    text not null,
    subject   text not null,
    user_id   text not null,
    linked_by text not null, -- the admin who agreed to it
    linked_at timestamptz not null,
    password  text not null default '', -- of a local account, argon2id; empty until it is set
    primary key (issuer, subject)
);
create index identity_person on kam.identity (user_id);

-- What a browser holds is kept as a hash only; likewise of tokens and links.
create table kam.session (
    token     text primary key,
    id        text not null unique, -- by which people name it
    user_id   text not null,
    via       text not null, -- the issuer of the identity, or the kind of link
    agent     text not null,
    data      bytea not null,
    expiry    timestamptz not null,
    opened_at timestamptz not null,
    seen_at   timestamptz not null
);
create index session_person on kam.session (user_id);
create index session_expiry on kam.session (expiry);

create sequence kam.token_number;
create table kam.token (
    token_no  text primary key,
    hash      bytea not null unique,
    user_id   text not null,
    name      text not null,
    scope     text not null, -- READ, ALL
    made_at   timestamptz not null,
    expiry    timestamptz not null,
    used_at   timestamptz
);
create index token_person on kam.token (user_id);

create table kam.sign_in_link (
    hash    bytea primary key,
    purpose text not null, -- FIRST, PASSWORD, SIGN_IN
    user_id text not null, -- of FIRST nobody yet
    subject text not null, -- the login of PASSWORD
    made_by text not null,
    expiry  timestamptz not null,
    used_at timestamptz
);

-- Whoever leaves, on whatever way, has no session, token or link any more, also
-- when he comes back.
-- +goose StatementBegin
create function kam.person_left() returns trigger language plpgsql as $$
begin
    delete from kam.session where user_id = new.user_id;
    delete from kam.token where user_id = new.user_id;
    delete from kam.sign_in_link where user_id = new.user_id;
    return null;
end $$;
-- +goose StatementEnd
create trigger person_left after update of active on kam.person for each row
    when (old.active and not new.active) execute function kam.person_left();
