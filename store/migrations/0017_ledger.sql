-- +goose Up
-- What a subject is stands beside its id, which says it no more: a case, a
-- customer, a book that is imported, the organisation.
alter table kam.subject add column kind text not null default '';

-- +goose StatementBegin
create function kam.kind_by_id(id text) returns text language sql immutable as $$
    select case split_part(id, '/', 1)
        when 'customer' then 'customer'
        when 'import' then 'book'
        when 'org' then 'organisation'
        else '' end
$$;
-- +goose StatementEnd
update kam.subject set kind = kam.kind_by_id(subject);

-- A program of the release before writes no kind: it follows from the ids that
-- it knows.
-- +goose StatementBegin
create function kam.fill_kind() returns trigger language plpgsql as $$
begin
    if new.kind = '' then
        new.kind = kam.kind_by_id(new.subject);
    end if;
    return new;
end $$;
-- +goose StatementEnd
create trigger subject_kind before insert on kam.subject for each row execute function kam.fill_kind();

-- Every head of the ledger, wherever its row is.
create view kam.head as
    select case_no as subject, 'case' as kind, version, audit_seq, audit_hash from kam.cases
    union all
    select subject, kind, audit_seq, audit_seq, audit_hash from kam.subject;

-- Refusals are on record once for each decision, of any subject.
alter table kam.refusal drop constraint refusal_case_no_fkey;

-- Data may be sent ahead of an act on any subject.
alter table kam.staged drop constraint staged_case_no_fkey;
