-- +goose Up
-- An import of an existing customer book (P4.4 5.7). Its audit trail stands
-- under the subject import/B-000001.
create sequence kam.batch_number;

create table kam.import_batch (
    batch_no    text primary key,
    batch_key   text not null unique,
    content     text not null, -- digest of what was uploaded
    state       text not null,
    uploader    text not null,
    snapshot    jsonb not null,
    uploaded_at timestamptz not null,
    updated_at  timestamptz not null
);
create index import_batch_open on kam.import_batch (updated_at) where state not in ('APPLIED', 'CANCELLED');

-- What was uploaded: staged by COPY, read by the check, and removed when the
-- batch has ended. Contacts of a row are in kam.contact, under
-- import/B-000001/<row>. No foreign keys here and below: looking the batch up
-- for each of a million rows would cost more than copying them.
create table kam.batch_row (
    batch_no    text not null,
    row_no      int not null,
    line        int not null,
    read_as     text not null, -- READY, REFUSED or SAME
    warned      boolean not null,
    customer_no text not null,
    owner       text not null,
    status      text not null,
    ka_status   text not null,
    tier        text not null,
    coverage    text not null,
    review_due  date,
    contacts    int not null, -- how many
    data        jsonb not null,
    primary key (batch_no, row_no)
);
create table kam.batch_sales (
    batch_no        text not null,
    row_no          int not null,
    account_no      text not null,
    month           date not null,
    product_family  text not null,
    currency        text not null,
    net_revenue     bigint not null,
    gross_margin    bigint,
    orders          bigint not null,
    last_order_date date,
    pl_lines        jsonb,
    pl_only         boolean not null -- a row of the profit and loss file
);
create table kam.batch_group (
    batch_no text not null,
    row_no   int not null,
    group_id text not null,
    name     text not null
);

-- What the check made of each row; the outcome stays when the batch has ended.
create table kam.batch_checked (
    batch_no    text not null,
    row_no      int not null,
    line        int not null,
    customer_no text not null,
    outcome     text not null,
    scope       text not null,
    territory   text not null,
    owner       text not null,
    group_id    text not null,
    site        text not null,
    primary key (batch_no, row_no)
);
-- How the duplicate search finds a row that is new.
create table kam.batch_party (
    batch_no text not null,
    row_no   int not null,
    names    text[] not null,
    keys     text[] not null,
    data     jsonb not null
);
create table kam.batch_finding (
    batch_no text not null,
    n        int not null,
    severity text not null,
    finding  jsonb not null,
    primary key (batch_no, n)
);
create table kam.batch_proposal (
    batch_no text not null,
    n        int not null,
    proposal jsonb not null,
    primary key (batch_no, n)
);

-- A customer with segment fits into a page; compressing it would cost more time
-- than it saves room.
alter table kam.customer set (toast_tuple_target = 8160);
alter table kam.batch_row set (toast_tuple_target = 8160);
