-- +goose Up
-- A refused signal that comes again is on record again: which signal of its case
-- was the last one refused under this id, 0 where it was no signal.
alter table kam.refusal add column signal bigint not null default 0;
