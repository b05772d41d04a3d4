-- +goose Up
-- A record that was merged into another one stays, under its number: reads
-- follow merged_into. Nothing else may set or leave its status.
alter table kam.customer add column merged_into text not null default '';
alter table kam.customer add constraint customer_is_merged check ((status = 'MERGED') = (merged_into <> ''));
create index customer_merged on kam.customer (merged_into) where merged_into <> '';

-- +goose StatementBegin
create function kam.survivor(no text) returns text language sql stable as $$
    with recursive chain as (
        select no as customer_no, 0 as depth
        union all
        select c.merged_into, depth + 1 from chain join kam.customer c using (customer_no)
        where c.merged_into <> '' and depth < 100
    )
    select customer_no from chain order by depth desc limit 1
$$;
-- +goose StatementEnd

-- The sales accounts of a customer besides its own (customer.sales_account, or
-- its number): those of records that were merged into it.
create table kam.customer_sales_account (
    customer_no text not null references kam.customer,
    account_no  text not null,
    primary key (customer_no, account_no)
);
create index customer_sales_account_no on kam.customer_sales_account (account_no);

-- Why an account ended, for people.
alter table kam.key_account add column note text not null default '';

create sequence kam.merge_number;

-- Two records became one (MERGE) or one became two (SPLIT): what moved, with
-- what was there before, so that it can be undone. Contacts are personal data
-- and stay in kam.contact, under the owners merge/<id>/before, /absorbed and
-- /merged.
create table kam.merge (
    merge_id    text primary key,
    kind        text not null,
    customer_no text not null references kam.customer, -- the survivor, or the record that was split
    other_no    text not null references kam.customer, -- the absorbed, or the new one
    decision_id text not null unique,
    by_user     text not null,
    reason      text not null,
    at          timestamptz not null,
    record      jsonb not null,
    undone_at   timestamptz,
    undone_by   text not null default '',
    undo_id     text not null default '' -- the decision that undid it
);
create index merge_customer on kam.merge (customer_no);
create index merge_other on kam.merge (other_no);
