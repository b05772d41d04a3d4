-- +goose Up
-- A candidate is waived as certain as it looked: where that was not kept, it is
-- the class that the candidate had in the last search.
update kam.waiver w
set finding = jsonb_build_object('class', coalesce(
    (select c ->> 'class' from kam.case_fact f, jsonb_array_elements(f.value) c
     where f.case_no = w.case_no and f.kind = 'CANDIDATES' and c ->> 'ref' = w.ref limit 1), 'PROBABLE'))
where w.kind = 'CANDIDATE' and w.finding is null;
