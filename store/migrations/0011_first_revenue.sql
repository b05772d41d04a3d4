-- +goose Up
-- What stays known of an account when its facts are deleted: the first month
-- with revenue. Who bought once and stopped is no new customer (P3.3.2).
create table kam.sales_history (
    account_no    text primary key,
    first_revenue date not null
);

-- +goose StatementBegin
create function kam.keep_first_revenue() returns trigger language plpgsql as $$
begin
    insert into kam.sales_history as kept (account_no, first_revenue)
    select account_no, min(month) from gone where net_revenue > 0 group by account_no
    on conflict (account_no) do update set first_revenue = least(kept.first_revenue, excluded.first_revenue);
    return null;
end $$;
-- +goose StatementEnd
create trigger keep_first_revenue after delete on kam.sales_fact
    referencing old table as gone for each statement execute function kam.keep_first_revenue();

-- Since when a company is a customer: the first version of its record, of the
-- records that were merged into it, and of the one that it was split from. Null
-- in what was written by a program that does not know the column yet: the
-- function answers then.
alter table kam.customer add column since timestamptz;

-- +goose StatementBegin
create function kam.customer_since(no text) returns timestamptz language sql stable as $$
    with recursive record as (
        select no as customer_no
        union
        select o.customer_no from record r join (
            select merged_into as part_of, customer_no from kam.customer where merged_into <> ''
            union all
            select other_no, customer_no from kam.merge where kind = 'SPLIT'
        ) o on o.part_of = r.customer_no
    )
    select min(v.at) from record join kam.customer_version v using (customer_no) where v.version = 1
$$;
-- +goose StatementEnd

update kam.customer c set since = (select v.at from kam.customer_version v where v.customer_no = c.customer_no and v.version = 1);
update kam.customer set since = kam.customer_since(customer_no)
where customer_no in (select merged_into from kam.customer where merged_into <> '' union select other_no from kam.merge where kind = 'SPLIT');
