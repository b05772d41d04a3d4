-- +goose Up
create sequence kam.customer_number;
create sequence kam.key_account_number;
create sequence kam.group_number;

create table kam.customer (
    customer_no    text primary key,
    version        int not null,
    case_no        text not null default '',
    name           text not null,
    country        text not null,
    group_id       text not null default '',
    parent_no      text not null default '',
    territory      text not null default '',
    owner          text not null default '',
    status         text not null,
    sales_account  text not null default '',
    ka_status      text not null default '',
    tier           text not null default '',
    watch          boolean not null default false,
    provisional    boolean not null default false,
    failed_reviews int not null default 0,
    review_due     timestamptz,
    coverage       text not null default '',
    segment        jsonb,
    data           jsonb not null,
    updated_at     timestamptz not null
);
create index customer_group on kam.customer (group_id) where group_id <> '';
create index customer_parent on kam.customer (parent_no) where parent_no <> '';
create index customer_account on kam.customer (sales_account) where sales_account <> '';

create table kam.customer_version (
    customer_no text not null references kam.customer,
    version     int not null,
    case_no     text not null,
    at          timestamptz not null,
    data        jsonb not null,
    primary key (customer_no, version)
);

create table kam.customer_address (
    customer_no text not null references kam.customer,
    position    int not null,
    type        text not null,
    address     jsonb not null,
    primary key (customer_no, position)
);

-- An identifier of a company may stand on several sites, one of a site on one.
-- A site that is not known counts as one site.
create table kam.customer_identifier (
    customer_no text not null references kam.customer,
    position    int not null,
    scheme      text not null,
    value       text not null,
    country     text not null,
    name        text not null,
    source      text not null,
    site        text,
    primary key (customer_no, position)
);
create unique index customer_identifier_entity on kam.customer_identifier (scheme, value, site) nulls not distinct
    where scheme not in ('GLN', 'FR_SIRET', 'IBAN', 'OTHER');
create unique index customer_identifier_site on kam.customer_identifier (scheme, value)
    where scheme in ('GLN', 'FR_SIRET');
create index customer_identifier_value on kam.customer_identifier (scheme, value);

create table kam.key_account (
    key_account_no text primary key,
    group_id       text not null,
    name           text not null,
    tier           text not null,
    home_node      text not null,
    owner          text not null,
    state          text not null,
    case_no        text not null,
    review_due     timestamptz,
    since          timestamptz not null,
    updated_at     timestamptz not null
);
create index key_account_owner on kam.key_account (owner) where state <> 'ENDED';
create unique index key_account_group on kam.key_account (group_id) where group_id <> '' and state <> 'ENDED';

create table kam.key_account_member (
    key_account_no text not null references kam.key_account,
    customer_no    text not null references kam.customer,
    primary key (customer_no, key_account_no)
);
create index key_account_member_account on kam.key_account_member (key_account_no);

-- A party is what the duplicate search compares: a customer, or a case until
-- it has become one. The keys are computed by the rules.
create table kam.party (
    ref      text primary key,
    kind     text not null,
    group_id text not null,
    country  text not null,
    names    text[] not null,
    keys     text[] not null,
    data     jsonb not null
);
create index party_keys on kam.party using gin (keys);

create table kam.sales_fact (
    account_no      text not null,
    month           date not null,
    product_family  text not null,
    currency        text not null,
    net_revenue     bigint not null,
    gross_margin    bigint,
    orders          bigint not null,
    last_order_date date,
    pl_lines        jsonb not null,
    primary key (account_no, month, product_family)
);

create table kam.abc_snapshot (
    id    text primary key,
    as_of timestamptz not null,
    at    timestamptz not null default clock_timestamp()
);
create table kam.abc_row (
    snapshot_id text not null references kam.abc_snapshot on delete cascade,
    customer_no text not null,
    revenue     bigint not null,
    currency    text not null,
    primary key (snapshot_id, customer_no)
);
