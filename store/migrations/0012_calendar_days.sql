-- +goose Up
-- Weekdays with hours of their own ({"friday": "09:00-15:00"}), and half days.
alter table kam.calendar add column hours jsonb not null default '{}';
alter table kam.calendar add column half_days text[] not null default '{}';
