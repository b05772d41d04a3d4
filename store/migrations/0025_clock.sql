-- +goose Up
-- Whose turn a case is, since when it stands in its stage, and the last instant at
-- which that is within its target: what lists are sorted and filtered by. Clocked
-- is the version of the case that they were written with; where it is another
-- one, a release without a clock has moved the case, and the next comparison of
-- cases (reconcile) writes them.
alter table kam.cases
    add column owed_by text not null default '',
    add column stage_since timestamptz,
    add column target_at timestamptz,
    add column clocked bigint not null default 0;
create index cases_owed on kam.cases (owed_by, stage_since, case_no) where open;
create index cases_stage on kam.cases (stage_since, case_no) where open;
create index cases_target on kam.cases (target_at, case_no) where open;
create index cases_opened on kam.cases (opened_at, case_no) where open;
create index cases_unclocked on kam.cases (case_no) where clocked <> version;

-- When a task came to somebody; null, from a release without a clock, is when it
-- opened.
alter table kam.task_assignee add column since timestamptz;

-- The tasks of a case are the trail that its clock is read from.
create index task_case on kam.task (case_no, opened_at);
