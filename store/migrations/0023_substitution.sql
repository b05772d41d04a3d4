-- +goose Up
-- Who stands in for whoever is away, and for which of his tasks: empty lists and
-- no potential leave nothing out. deputy says that he may by the list of deputies.
alter table kam.absence
    add column substitute    text    not null default '',
    add column nodes         text[]  not null default '{}',
    add column kinds         text[]  not null default '{}',
    add column max_potential bigint,
    add column reason        text    not null default '',
    add column deputy        boolean not null default false;
create index absence_substitute on kam.absence (substitute) where substitute <> '';

-- Who may stand in for the manager of a node, whatever his own level is.
create table kam.deputy (
    node    text not null,
    user_id text not null,
    primary key (node, user_id)
);
