-- +goose Up
-- How names and numbers are written in the keys may change with a release. A
-- party says in its data which form its keys have: older ones are found by this
-- index, whatever they are, until the worker has written them anew. Blocked
-- parties may carry a domain, a phone, a street and a postal code in their JSON.
create index party_keys_version on kam.party (coalesce((data ->> 'keys_version')::int, 0));
