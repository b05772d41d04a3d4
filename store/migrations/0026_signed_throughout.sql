-- +goose Up
-- Acts that pass no workflow are signed too from now on: changes of the
-- organisation, merges, uploads, orders to erase. direct says whether a mode holds
-- for them: those of before were not signed, whatever the mode of their time was.
alter table kam.signature_mode add column direct boolean not null default true;
update kam.signature_mode set direct = false;
insert into kam.signature_mode (mode)
    select mode from kam.signature_mode order by since desc limit 1;
