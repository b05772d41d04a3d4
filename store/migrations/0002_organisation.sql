-- +goose Up
create table kam.person (
    user_id    text primary key,
    name       text not null,
    email      text not null,
    roles      text[] not null,
    nodes      text[] not null,
    manager_id text not null,
    active     boolean not null
);
create index person_roles on kam.person using gin (roles);

create table kam.calendar (
    code      text primary key,
    time_zone text not null,
    opens     text not null,
    closes    text not null,
    weekend   text[] not null,
    holidays  text[] not null
);

create table kam.node (
    code       text primary key,
    level      text not null,
    parent     text not null,
    name       text not null,
    manager_id text not null,
    calendar   text not null
);

create table kam.assignment_rule (
    code text primary key,
    rule jsonb not null
);

create table kam.blocked_party (
    ref   text primary key,
    party jsonb not null
);

create table kam.party_group (
    group_id text primary key,
    name     text not null,
    name_key text not null
);
create unique index party_group_name on kam.party_group (name_key);

create table kam.finance_hold (
    scheme   text not null,
    value    text not null,
    group_id text not null,
    reason   text not null,
    primary key (scheme, value, group_id)
);

create table kam.absence (
    user_id   text not null,
    from_date date not null,
    to_date   date not null,
    primary key (user_id, from_date)
);

create table kam.policy (
    version int primary key,
    text    bytea not null,
    by_user text not null,
    at      timestamptz not null default clock_timestamp()
);
