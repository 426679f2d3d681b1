-- What follows from a row, or stands beside it, isn't stored with it. Entries and operations are read as they always
-- were, through views of the same columns; a request's key is kept as its digest.

-- The first half of the key's SHA-256. What the operation keeps itself, the request's hash and the moment, is null here.
alter table idempotency
  drop column mutation,
  alter column key type uuid using encode(substring(sha256(convert_to(key, 'UTF8')) for 16), 'hex')::uuid,
  alter column request_hash drop not null,
  alter column created_at drop not null,
  add constraint idempotency_told check (
    (request_hash is not null and created_at is not null) or operation_id is not null);

-- Row security binds the owner too, so it is lifted while rows are moved, in the transaction that ends with all of it
-- forced again.
alter table entry no force row level security;
alter table operation no force row level security;
drop view leg;

create table stored_operation (
  created_at timestamptz not null,
  -- The entry of an operation with one; null where there are lists.
  version bigint,
  program_version integer not null,
  explained_by smallint,
  pays_back boolean not null default false,
  tenant_id uuid not null,
  operation_id uuid not null,
  ledger_id uuid,
  kind text not null,
  input_hash bytea,
  activity_id uuid,
  ref_operation_id uuid,
  reason text,
  reference_type text,
  reference_id text,
  explanation jsonb,
  ledger_ids uuid[],
  versions bigint[],
  primary key (tenant_id, operation_id),
  constraint stored_operation_paid_back check (not pays_back or kind = 'REDEEM'),
  constraint stored_operation_explained check (
    explained_by is null or (explained_by >= 0 and activity_id is not null and explanation is null)),
  constraint stored_operation_wrote check (
    num_nonnulls(ledger_id, ledger_ids) = 1 and num_nonnulls(version, versions) = 1
      and num_nonnulls(ledger_id, version) <> 1)
);

insert into stored_operation (
  created_at, version, program_version, explained_by, pays_back, tenant_id, operation_id, ledger_id, kind,
  input_hash, activity_id, ref_operation_id, reason, reference_type, reference_id, explanation, ledger_ids,
  versions)
select created_at, case when is_one then versions[1] end, program_version, explained_by, pays_back, tenant_id,
       operation_id, case when is_one then ledger_ids[1] end, kind, input_hash, activity_id, ref_operation_id,
       reason, reference_type, reference_id, explanation, case when not is_one then ledger_ids end,
       case when not is_one then versions end
  from (select *, cardinality(ledger_ids) = 1 and cardinality(versions) = 1 as is_one from operation) o;
drop table operation;
create index operation_by_activity on stored_operation (tenant_id, activity_id) where activity_id is not null;
create index operation_by_ref on stored_operation (tenant_id, ref_operation_id) where ref_operation_id is not null;

create table stored_entry (
  version bigint not null,
  amount bigint not null,
  posted_after bigint not null,
  feed_position bigint not null,
  occurred_at timestamptz not null,
  -- Null where it is the amount.
  posted_delta bigint,
  -- Null for zero.
  pending_delta bigint,
  held_delta bigint,
  pending_after bigint,
  held_after bigint,
  -- Null where it happened when it was recorded.
  recorded_at timestamptz,
  available_at timestamptz,
  expires_at timestamptz,
  tenant_id uuid not null,
  ledger_id uuid not null,
  operation_id uuid not null,
  -- The lot that alone gave all of it (or took it back), and lost nothing; null where there are lists, or none.
  lot_id uuid,
  account "char",
  kind text not null,
  reason text,
  lot_ids uuid[],
  taken bigint[],
  lost bigint[],
  primary key (tenant_id, ledger_id, version),
  constraint stored_entry_account check (account in ('I', 'R', 'P', 'T', 'A')),
  constraint stored_entry_taken_from_lots check (
    (lot_ids is null) = (taken is null) and (lost is null or lot_ids is not null)
      and (lot_id is null or lot_ids is null)
      and cardinality(taken) = cardinality(lot_ids) and cardinality(lost) = cardinality(lot_ids))
);

insert into stored_entry (
  version, amount, posted_after, feed_position, occurred_at, posted_delta, pending_delta, held_delta,
  pending_after, held_after, recorded_at, available_at, expires_at, tenant_id, ledger_id, operation_id, lot_id,
  account, kind, reason, lot_ids, taken, lost)
select version, amount, posted_after, feed_position, occurred_at, nullif(posted_delta, amount),
       nullif(pending_delta, 0), nullif(held_delta, 0), nullif(pending_after, 0), nullif(held_after, 0),
       nullif(recorded_at, occurred_at), available_at, expires_at, tenant_id, ledger_id, operation_id,
       case when is_one then lot_ids[1] end, account, kind, reason, case when not is_one then lot_ids end,
       case when not is_one then taken end, lost
  from (select *, lost is null and coalesce(taken = array[-amount], false) as is_one from entry) e;
drop table entry;
create index entry_by_feed on stored_entry (tenant_id, feed_position);

-- Nothing asks for statistics of these.
alter table stored_operation
  alter column input_hash set statistics 0,
  alter column explanation set statistics 0,
  alter column ledger_ids set statistics 0,
  alter column versions set statistics 0;
alter table stored_entry
  alter column lot_ids set statistics 0,
  alter column taken set statistics 0,
  alter column lost set statistics 0;

alter table stored_operation enable row level security;
alter table stored_operation force row level security;
create policy own_tenant on stored_operation
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table stored_entry enable row level security;
alter table stored_entry force row level security;
create policy own_tenant on stored_entry
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- What was done, with all that follows from the row; seen through the row security of its table, as entries are.
create view operation with (security_invoker = true) as
select tenant_id, operation_id, kind, program_version, activity_id, reason, reference_type, reference_id,
       explanation, coalesce(ledger_ids, array[ledger_id]) as ledger_ids,
       coalesce(versions, array[version]) as versions, created_at, ref_operation_id, input_hash, pays_back,
       explained_by
  from stored_operation;

create view entry with (security_invoker = true) as
select tenant_id, ledger_id, version, operation_id, kind, amount, coalesce(posted_delta, amount) as posted_delta,
       coalesce(pending_delta, 0) as pending_delta, coalesce(held_delta, 0) as held_delta, posted_after,
       coalesce(pending_after, 0) as pending_after, coalesce(held_after, 0) as held_after, feed_position, reason,
       available_at, expires_at, occurred_at, coalesce(recorded_at, occurred_at) as recorded_at,
       case when lot_id is null then lot_ids else array[lot_id] end as lot_ids,
       case when lot_id is null then taken else array[-amount] end as taken, lost, account
  from stored_entry;

-- As it was, over the view.
create view leg with (security_invoker = true) as
select e.tenant_id, e.feed_position as position, l.asset, g.account, e.operation_id, g.amount, e.recorded_at
  from entry e
  join ledger l on l.tenant_id = e.tenant_id and l.ledger_id = e.ledger_id
 cross join lateral (values
         (case e.account
            when 'I' then 'ISSUED' when 'R' then 'REDEEMED' when 'P' then 'PAID_BACK' when 'T' then 'TRANSFERRED'
            when 'A' then 'ADJUSTED' end, -e.amount),
         ('BREAKAGE', case when e.account is null then 0 else e.amount end - e.posted_delta - e.pending_delta)
       ) as g (account, amount)
 where g.account is not null and g.amount <> 0;
