-- +goose Up
-- Lists of customers: by name, by place, by owner, and by what may be gained. Parts
-- of a name are found by an index where the database has pg_trgm.
create index customer_name on kam.customer (name, customer_no) where merged_into = '';
create index customer_place on kam.customer (territory, name, customer_no) where merged_into = '';
create index customer_owner on kam.customer (owner, name, customer_no) where merged_into = '';
create index customer_gain on kam.customer (((segment ->> 'improvement_potential_index')::numeric) desc nulls last, customer_no) where merged_into = '';

-- +goose StatementBegin
do $$
declare
    trigrams text := (select nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = 'pg_trgm');
begin
    if trigrams is not null then
        execute format('create index customer_name_part on kam.customer using gin (lower(name) %I.gin_trgm_ops)', trigrams);
        execute format('create index customer_trading_part on kam.customer using gin (lower((data -> ''trading_names'')::text) %I.gin_trgm_ops) where data ? ''trading_names''', trigrams);
    end if;
end $$;
-- +goose StatementEnd
