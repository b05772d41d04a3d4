-- +goose Up
-- The earlier case that a case was the same request as.
alter table kam.cases add column same_as text not null default '';
create index cases_same_as on kam.cases (same_as) where same_as <> '';
