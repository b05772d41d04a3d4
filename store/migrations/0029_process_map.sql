-- +goose Up
-- What went through the boxes of the process lately: rows of the trail stand in
-- the order of time, so a small index is enough.
create index audit_at on kam.audit using brin (at) with (pages_per_range = 32);
