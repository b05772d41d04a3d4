-- +goose Up
-- A subject is what has an audit trail and is no case: a customer that a
-- steward merges, an import batch, the organisation. Its events stand in the
-- same table, under its name, and are chained like those of a case.
create table kam.subject (
    subject    text primary key, -- customer/C-000012, import/B-000001, org
    audit_seq  bigint not null default 0,
    audit_hash text not null default '',
    created_at timestamptz not null default clock_timestamp()
);

create table kam.subject_effect (
    subject text not null references kam.subject,
    key     text not null,
    digest  text not null,
    result  jsonb not null,
    at      timestamptz not null default clock_timestamp(),
    primary key (subject, key)
);

alter table kam.audit drop constraint audit_case_no_fkey;
alter table kam.outbox drop constraint outbox_case_no_fkey;
alter table kam.task drop constraint task_case_no_fkey;

-- Heads stay, too: without them a trail that was cut off would not show.
create trigger cases_no_truncate before truncate on kam.cases
    for each statement execute function kam.append_only();
create trigger subject_no_truncate before truncate on kam.subject
    for each statement execute function kam.append_only();
