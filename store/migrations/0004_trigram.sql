-- +goose Up
-- The extension may be missing, or this user not allowed to make it: the
-- search by similar names is then left out, the other keys stay.
-- +goose StatementBegin
do $$
begin
    create extension if not exists pg_trgm with schema public;
exception when others then
    raise notice 'pg_trgm is not available: %', sqlerrm;
end $$;
-- +goose StatementEnd

alter table kam.party add column name_text text not null default '';

-- +goose StatementBegin
do $$
begin
    if exists (select from pg_extension where extname = 'pg_trgm') then
        execute format('create index party_name on kam.party using gin (name_text %I.gin_trgm_ops)',
            (select nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = 'pg_trgm'));
    end if;
end $$;
-- +goose StatementEnd
