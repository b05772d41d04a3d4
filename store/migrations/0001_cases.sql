-- +goose Up
create schema if not exists kam;

create table kam.case_counter (
    year int primary key,
    last bigint not null
);

create table kam.cases (
    case_no        text primary key,
    request_key    text not null unique,
    request_digest text not null,
    opening        jsonb not null,
    snapshot       jsonb not null,
    version        bigint not null default 0,
    by_person      boolean not null default false, -- a person has acted on it
    state          text not null,
    step_code      text not null default '',
    case_type      text not null,
    outcome        text not null default '',
    requester      text not null,
    territory      text not null default '',
    owner          text not null default '',
    customer_no    text not null default '',
    customer_name  text not null default '',
    country        text not null default '',
    open           boolean not null default true,
    audit_seq      bigint not null default 0,
    audit_hash     text not null default '',
    created_at     timestamptz not null default clock_timestamp(),
    opened_at      timestamptz,
    updated_at     timestamptz not null,
    touched_at     timestamptz not null default clock_timestamp() -- database time of the last effect
);
create index cases_open on kam.cases (updated_at) where open;
create index cases_requester on kam.cases (requester, updated_at);
create index cases_customer on kam.cases (customer_no) where customer_no <> '';
create index cases_people on kam.cases (touched_at) where by_person;

create table kam.effect (
    case_no  text not null references kam.cases,
    key      text not null,
    digest   text not null,
    progress jsonb not null,
    at       timestamptz not null default clock_timestamp(),
    primary key (case_no, key)
);

create table kam.audit (
    case_no        text not null references kam.cases,
    seq            bigint not null,
    at             timestamptz not null,
    db_at          timestamptz not null,
    actor_id       text not null,
    on_behalf_of   text not null,
    roles_used     text[] not null,
    type           text not null,
    step_code      text not null,
    from_state     text not null,
    to_state       text not null,
    revision       int not null,
    material_hash  text not null,
    policy_version int not null,
    decision_id    text not null,
    reason_code    text not null,
    text           text not null,
    restricted     boolean not null,
    payload_digest text not null,
    prev_hash      text not null,
    hash           text not null,
    primary key (case_no, seq)
);

-- +goose StatementBegin
create function kam.append_only() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd

create trigger audit_append_only before update or delete on kam.audit
    for each row execute function kam.append_only();
create trigger audit_no_truncate before truncate on kam.audit
    for each statement execute function kam.append_only();

create table kam.refusal (
    case_no     text not null references kam.cases,
    decision_id text not null,
    code        text not null,
    at          timestamptz not null default clock_timestamp(),
    primary key (case_no, decision_id, code)
);

create table kam.withdraw_intent (
    case_no     text primary key references kam.cases,
    by_user     text not null,
    decision_id text not null,
    at          timestamptz not null default clock_timestamp()
);

create table kam.staged (
    case_no     text not null references kam.cases,
    decision_id text not null,
    digest      text not null,
    data        jsonb not null,
    at          timestamptz not null default clock_timestamp(),
    primary key (case_no, decision_id)
);

create table kam.revision (
    case_no       text not null references kam.cases,
    revision      int not null,
    at            timestamptz not null,
    by_user       text not null,
    material_hash text not null,
    digest        text not null,
    data          jsonb not null,
    primary key (case_no, revision)
);

-- Personal data: erasing a person touches this table only.
create table kam.contact (
    owner    text not null, -- KAM-…/opening, KAM-…/staged/<id>, KAM-…/<revision>, C-…
    position int not null,
    contact  jsonb not null,
    primary key (owner, position)
);

create table kam.decision_record (
    case_no text not null references kam.cases,
    n       int not null,
    kind    text not null,
    record  jsonb not null,
    primary key (case_no, n)
);

-- What the stages know of a case, one row for each kind: candidates,
-- analysis, segment.
create table kam.case_fact (
    case_no text not null references kam.cases,
    kind    text not null,
    value   jsonb not null,
    primary key (case_no, kind)
);

create table kam.finding (
    case_no  text not null references kam.cases,
    position int not null,
    rule_id  text not null,
    finding  jsonb not null,
    primary key (case_no, position)
);

create table kam.waiver (
    case_no text not null references kam.cases,
    kind    text not null, -- FINDING or CANDIDATE
    ref     text not null,
    by_user text not null,
    reason  text not null,
    finding jsonb,
    at      timestamptz not null,
    primary key (case_no, kind, ref)
);

create table kam.task (
    task_id   text primary key,
    case_no   text not null references kam.cases,
    subject   text not null default '', -- what a task that outlives its case is about
    kind      text not null,
    step_code text not null,
    node      text not null,
    queue     text not null,
    priority  text not null,
    opened_at timestamptz not null,
    due_at    timestamptz,
    status    text not null default 'OPEN',
    closed_at timestamptz,
    closed_by text not null default '',
    task      jsonb not null
);
create index task_open on kam.task (case_no) where status = 'OPEN';
create index task_queue on kam.task (queue) where status = 'OPEN' and queue <> '';

create table kam.task_assignee (
    task_id text not null references kam.task on delete cascade,
    user_id text not null,
    primary key (user_id, task_id)
);
create index task_assignee_task on kam.task_assignee (task_id);

create table kam.outbox (
    id           text primary key,
    case_no      text not null references kam.cases,
    kind         text not null,
    recipients   text[] not null,
    subject      text not null,
    data         jsonb not null,
    at           timestamptz not null,
    attempts     int not null default 0,
    next_try     timestamptz not null default clock_timestamp(),
    delivered_at timestamptz,
    dead_at      timestamptz,
    last_error   text not null default '',
    created_at   timestamptz not null default clock_timestamp()
);
create index outbox_waiting on kam.outbox (next_try) where delivered_at is null and dead_at is null;
