-- +goose Up
-- The tree of territories and who holds its posts, with the time in which each
-- row holds: from valid_from until before valid_to. What is planned begins in the
-- future. Of one node no two rows hold at one time; a post that is vacant has a
-- row without a person.
create table kam.territory (
    code       text not null,
    level      text not null,
    parent     text not null,
    name       text not null,
    calendar   text not null,
    valid_from timestamptz not null,
    valid_to   timestamptz not null default 'infinity',
    primary key (code, valid_from),
    check (valid_from < valid_to),
    constraint territory_once exclude using gist (
        int8range(hashtextextended(code, 0), hashtextextended(code, 0), '[]') with &&,
        tstzrange(valid_from, valid_to) with &&)
);
create index territory_from on kam.territory (valid_from);
create index territory_to on kam.territory (valid_to);

create table kam.post (
    node       text not null,
    user_id    text not null,
    valid_from timestamptz not null,
    valid_to   timestamptz not null default 'infinity',
    settled    boolean not null default true, -- where the holders work is written down in kam.person
    primary key (node, valid_from),
    check (valid_from < valid_to),
    constraint post_once exclude using gist (
        int8range(hashtextextended(node, 0), hashtextextended(node, 0), '[]') with &&,
        tstzrange(valid_from, valid_to) with &&)
);
create index post_from on kam.post (valid_from);
create index post_holder on kam.post (user_id) where user_id <> '';
create index post_unsettled on kam.post (valid_from) where not settled;

-- Since when today's rows hold nobody knows.
insert into kam.territory (code, level, parent, name, calendar, valid_from)
    select code, level, parent, name, calendar, '-infinity' from kam.node;
insert into kam.post (node, user_id, valid_from) select code, manager_id, '-infinity' from kam.node;

-- The tree with who holds its posts, as of an instant.
create function kam.node_at(timestamptz)
    returns table (code text, level text, parent text, name text, manager_id text, calendar text)
    language sql stable as $$
    select t.code, t.level, t.parent, t.name, coalesce(p.user_id, ''), t.calendar
    from kam.territory t left join kam.post p on p.node = t.code and p.valid_from <= $1 and $1 < p.valid_to
    where t.valid_from <= $1 and $1 < t.valid_to
$$;

-- Where people work and which posts they lack, as of an instant: what is written
-- down of them, and what the posts say that have changed hands since. Who comes
-- to a post works at its node, who leaves it manages there no longer.
create function kam.works_at(timestamptz)
    returns table (user_id text, nodes text[], no_post text[])
    language sql stable as $$
    with moved as (
        select n.user_id, n.node, n.valid_from, true as holds from kam.post n
        where not n.settled and n.valid_from <= $1
        union all
        select b.user_id, n.node, n.valid_from, false from kam.post n join kam.post b on b.node = n.node and b.valid_to = n.valid_from
        where not n.settled and n.valid_from <= $1 and b.user_id <> n.user_id
    ), last as (
        select distinct on (user_id, node) * from moved order by user_id, node, valid_from desc
    ), of_person as (
        select user_id, coalesce(array_agg(node order by node) filter (where holds), '{}') as gained,
            coalesce(array_agg(node order by node) filter (where not holds), '{}') as lost
        from last group by user_id
    )
    select p.user_id,
        case when d.user_id is null then p.nodes else p.nodes || array(select g from unnest(d.gained) g where g <> all (p.nodes)) end,
        case when d.user_id is null then p.no_post else array(select x from unnest(p.no_post) x where x <> all (d.gained))
            || array(select l from unnest(d.lost) l where l = any (p.nodes) and l <> all (p.no_post)) end
    from kam.person p left join of_person d using (user_id)
$$;

-- What a node is from an instant on, until what is planned after that. Rows
-- that begin like the one before become one with it.
-- +goose StatementBegin
create function kam.set_territory(since timestamptz, node_code text, at_level text, below text, called text, goes_by text) returns void language plpgsql as $$
declare
    was kam.territory;
    until timestamptz;
begin
    select * into was from kam.territory t where t.code = node_code and t.valid_from <= since and since < t.valid_to;
    if found and (was.level, was.parent, was.name, was.calendar) = (at_level, below, called, goes_by) then
        return;
    end if;
    until := coalesce(was.valid_to, (select min(t.valid_from) from kam.territory t where t.code = node_code and t.valid_from > since), 'infinity');
    if was.valid_from = since then
        delete from kam.territory t where t.code = node_code and t.valid_from = since;
    else
        update kam.territory t set valid_to = since where t.code = node_code and t.valid_from = was.valid_from;
    end if;
    update kam.territory t set valid_to = until
    where t.code = node_code and t.valid_to = since and (t.level, t.parent, t.name, t.calendar) = (at_level, below, called, goes_by);
    if not found then
        insert into kam.territory values (node_code, at_level, below, called, goes_by, since, until);
    end if;
end $$;
-- +goose StatementEnd

-- Who holds a post from an instant on, until what is planned after that; nobody
-- for ''.
-- +goose StatementBegin
create function kam.fill_post(since timestamptz, of_node text, holder text, is_settled boolean) returns void language plpgsql as $$
declare
    was kam.post;
    until timestamptz;
begin
    select * into was from kam.post p where p.node = of_node and p.valid_from <= since and since < p.valid_to;
    if found and was.user_id = holder then
        return;
    end if;
    until := coalesce(was.valid_to, (select min(p.valid_from) from kam.post p where p.node = of_node and p.valid_from > since), 'infinity');
    if was.valid_from = since then
        delete from kam.post p where p.node = of_node and p.valid_from = since;
    else
        update kam.post p set valid_to = since where p.node = of_node and p.valid_from = was.valid_from;
    end if;
    update kam.post p set valid_to = until where p.node = of_node and p.valid_to = since and p.user_id = holder;
    if not found then
        insert into kam.post values (of_node, holder, since, until, is_settled);
    end if;
end $$;
-- +goose StatementEnd

-- A node ends, and whatever was planned for it.
-- +goose StatementBegin
create function kam.end_territory(since timestamptz, node_code text) returns void language plpgsql as $$
begin
    delete from kam.territory t where t.code = node_code and t.valid_from >= since;
    update kam.territory t set valid_to = since where t.code = node_code and t.valid_to > since;
    delete from kam.post p where p.node = node_code and p.valid_from >= since;
    update kam.post p set valid_to = since where p.node = node_code and p.valid_to > since;
end $$;
-- +goose StatementEnd

-- Programs of the release before read and write the tree of now under its old
-- name. Whoever loads an organisation removes all nodes and adds them again: a
-- node that comes back as it was has never gone.
drop table kam.node;
create view kam.node as select * from kam.node_at(clock_timestamp());

-- +goose StatementBegin
create function kam.write_node() returns trigger language plpgsql as $$
declare
    since timestamptz := clock_timestamp();
    gone timestamptz;
begin
    if tg_op = 'DELETE' then
        update kam.territory t set valid_to = since where t.code = old.code and t.valid_from <= since and since < t.valid_to;
        return old;
    end if;
    if tg_op = 'INSERT' then
        if exists (select from kam.territory t where t.code = new.code and t.valid_from <= since and since < t.valid_to) then
            raise unique_violation using message = format('there is a node %s', new.code);
        end if;
        select max(t.valid_to) into gone from kam.territory t where t.code = new.code and t.valid_to between now() and since;
    end if;
    perform kam.set_territory(coalesce(gone, since), new.code, new.level, new.parent, new.name, new.calendar);
    perform kam.fill_post(since, new.code, new.manager_id, true);
    return new;
end $$;
-- +goose StatementEnd
create trigger node_written instead of insert or update or delete on kam.node for each row execute function kam.write_node();

-- By which post somebody has a task; '' where he has it himself. Whoever holds the
-- post has the task.
alter table kam.task_assignee add column node text not null default '';
create index task_assignee_node on kam.task_assignee (node) where node <> '';
