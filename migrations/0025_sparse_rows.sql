-- What follows from a row, or stands beside it, isn't stored with it, and an operation with one entry is one row with
-- it. Entries, operations and lots are read as they always were, through views of the same columns; a request's key is kept
-- as its digest.

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
alter table lot no force row level security;
drop view leg;

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
  -- Of the operation, where this is its only entry; all of them null otherwise, and the kind and reason its own as well.
  program_version integer,
  explained_by smallint,
  -- Null for no.
  pays_back boolean,
  account "char",
  tenant_id uuid not null,
  ledger_id uuid not null,
  operation_id uuid not null,
  -- The lot that alone gave all of it (or took it back), and lost nothing; null where there are lists, or none.
  lot_id uuid,
  kind text not null,
  reason text,
  lot_ids uuid[],
  taken bigint[],
  lost bigint[],
  -- Of the operation, as above. It was made when this was recorded, where that isn't said.
  created_at timestamptz,
  input_hash bytea,
  activity_id uuid,
  ref_operation_id uuid,
  reference_type text,
  reference_id text,
  explanation jsonb,
  primary key (tenant_id, ledger_id, version),
  constraint stored_entry_account check (account in ('I', 'R', 'P', 'T', 'A')),
  constraint stored_entry_taken_from_lots check (
    (lot_ids is null) = (taken is null) and (lost is null or lot_ids is not null)
      and (lot_id is null or lot_ids is null)
      and cardinality(taken) = cardinality(lot_ids) and cardinality(lost) = cardinality(lot_ids)),
  constraint stored_entry_operation check (
    program_version is not null or num_nonnulls(explained_by, pays_back, created_at, input_hash, activity_id,
      ref_operation_id, reference_type, reference_id, explanation) = 0),
  constraint stored_entry_paid_back check (not pays_back or kind = 'REDEEM'),
  constraint stored_entry_explained check (
    explained_by is null or (explained_by >= 0 and activity_id is not null and explanation is null))
);

insert into stored_entry (
  version, amount, posted_after, feed_position, occurred_at, posted_delta, pending_delta, held_delta,
  pending_after, held_after, recorded_at, available_at, expires_at, program_version, explained_by, pays_back,
  account, tenant_id, ledger_id, operation_id, lot_id, kind, reason, lot_ids, taken, lost, created_at, input_hash,
  activity_id, ref_operation_id, reference_type, reference_id, explanation)
select e.version, e.amount, e.posted_after, e.feed_position, e.occurred_at, nullif(e.posted_delta, e.amount),
       nullif(e.pending_delta, 0), nullif(e.held_delta, 0), nullif(e.pending_after, 0), nullif(e.held_after, 0),
       nullif(e.recorded_at, e.occurred_at), e.available_at, e.expires_at, o.program_version, o.explained_by,
       nullif(o.pays_back, false), e.account, e.tenant_id, e.ledger_id, e.operation_id,
       case when e.is_one then e.lot_ids[1] end, e.kind, e.reason, case when not e.is_one then e.lot_ids end,
       case when not e.is_one then e.taken end, e.lost, nullif(o.created_at, e.recorded_at), o.input_hash,
       o.activity_id, o.ref_operation_id, o.reference_type, o.reference_id, o.explanation
  from (select *, lost is null and coalesce(taken = array[-amount], false) as is_one from entry) e
  left join operation o
    on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id and o.ledger_ids = array[e.ledger_id]
   and o.versions = array[e.version] and o.kind = e.kind and o.reason is not distinct from e.reason;
drop table entry;
create index entry_by_feed on stored_entry (tenant_id, feed_position);
create unique index operation_of_entry on stored_entry (tenant_id, operation_id) where program_version is not null;

-- Operations with several entries.
create table stored_operation (
  tenant_id uuid not null,
  operation_id uuid not null,
  kind text not null,
  program_version integer not null,
  activity_id uuid,
  reason text,
  reference_type text,
  reference_id text,
  explanation jsonb,
  ledger_ids uuid[] not null,
  versions bigint[] not null,
  created_at timestamptz not null,
  ref_operation_id uuid,
  input_hash bytea,
  pays_back boolean not null default false,
  explained_by smallint,
  primary key (tenant_id, operation_id),
  constraint stored_operation_paid_back check (not pays_back or kind = 'REDEEM'),
  constraint stored_operation_explained check (
    explained_by is null or (explained_by >= 0 and activity_id is not null and explanation is null))
);

insert into stored_operation
select o.tenant_id, o.operation_id, o.kind, o.program_version, o.activity_id, o.reason, o.reference_type,
       o.reference_id, o.explanation, o.ledger_ids, o.versions, o.created_at, o.ref_operation_id, o.input_hash,
       o.pays_back, o.explained_by
  from operation o
 where not exists (select from stored_entry e
                    where e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
                      and e.program_version is not null);
drop table operation;
create index entry_by_activity on stored_entry (tenant_id, activity_id) where activity_id is not null;
create index entry_by_ref on stored_entry (tenant_id, ref_operation_id) where ref_operation_id is not null;
create index operation_by_activity on stored_operation (tenant_id, activity_id) where activity_id is not null;
create index operation_by_ref on stored_operation (tenant_id, ref_operation_id) where ref_operation_id is not null;

create table stored_lot (
  amount bigint not null constraint stored_lot_amount check (amount > 0),
  remaining bigint not null constraint stored_lot_remaining check (remaining >= 0),
  available_at timestamptz not null,
  expires_at timestamptz,
  matured_at timestamptz,
  -- Null for zero.
  held bigint,
  lost bigint constraint stored_lot_lost check (lost > 0),
  -- Null where it was available when it was made.
  created_at timestamptz,
  -- Null for no.
  pending boolean,
  idles boolean,
  tenant_id uuid not null,
  ledger_id uuid not null,
  lot_id uuid not null,
  operation_id uuid not null,
  origin_lot_id uuid,
  awaits text,
  portion text constraint stored_lot_portion check (portion in ('PAID', 'BONUS')),
  primary key (tenant_id, ledger_id, lot_id),
  constraint stored_lot_held check (held > 0 and held <= remaining)
);

insert into stored_lot (
  amount, remaining, available_at, expires_at, matured_at, held, lost, created_at, pending, idles, tenant_id,
  ledger_id, lot_id, operation_id, origin_lot_id, awaits, portion)
select amount, remaining, available_at, expires_at, matured_at, nullif(held, 0), nullif(lost, 0),
       nullif(created_at, available_at), nullif(pending, false), nullif(idles, false), tenant_id, ledger_id, lot_id,
       operation_id, origin_lot_id, awaits, portion
  from lot;
drop table lot;
create index lot_open on stored_lot (tenant_id, ledger_id, expires_at, lot_id) where remaining > 0;
create index lot_maturing on stored_lot (tenant_id, available_at) where coalesce(pending, false);
create index lot_expiring on stored_lot (tenant_id, expires_at) where remaining > 0 and expires_at is not null;

-- Nothing asks for statistics of these.
alter table stored_operation
  alter column input_hash set statistics 0,
  alter column explanation set statistics 0,
  alter column ledger_ids set statistics 0,
  alter column versions set statistics 0;
alter table stored_entry
  alter column lot_ids set statistics 0,
  alter column taken set statistics 0,
  alter column lost set statistics 0,
  alter column input_hash set statistics 0,
  alter column explanation set statistics 0;

alter table stored_operation enable row level security;
alter table stored_operation force row level security;
create policy own_tenant on stored_operation
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table stored_entry enable row level security;
alter table stored_entry force row level security;
create policy own_tenant on stored_entry
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table stored_lot enable row level security;
alter table stored_lot force row level security;
create policy own_tenant on stored_lot
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- What was done, with all that follows from its row; seen through the row security of the tables, as entries are.
create view operation with (security_invoker = true) as
select tenant_id, operation_id, kind, program_version, activity_id, reason, reference_type, reference_id, explanation,
       array[ledger_id] as ledger_ids, array[version] as versions,
       coalesce(created_at, recorded_at, occurred_at) as created_at, ref_operation_id, input_hash,
       coalesce(pays_back, false) as pays_back, explained_by
  from stored_entry
 where program_version is not null
union all
select tenant_id, operation_id, kind, program_version, activity_id, reason, reference_type, reference_id, explanation,
       ledger_ids, versions, created_at, ref_operation_id, input_hash, pays_back, explained_by
  from stored_operation;

create view entry with (security_invoker = true) as
select tenant_id, ledger_id, version, operation_id, kind, amount, coalesce(posted_delta, amount) as posted_delta,
       coalesce(pending_delta, 0) as pending_delta, coalesce(held_delta, 0) as held_delta, posted_after,
       coalesce(pending_after, 0) as pending_after, coalesce(held_after, 0) as held_after, feed_position, reason,
       available_at, expires_at, occurred_at, coalesce(recorded_at, occurred_at) as recorded_at,
       case when lot_id is null then lot_ids else array[lot_id] end as lot_ids,
       case when lot_id is null then taken else array[-amount] end as taken, lost, account
  from stored_entry;

create view lot with (security_invoker = true) as
select tenant_id, ledger_id, lot_id, operation_id, amount, remaining, coalesce(held, 0) as held,
       coalesce(pending, false) as pending, available_at, expires_at, coalesce(created_at, available_at) as created_at,
       matured_at, origin_lot_id, awaits, coalesce(idles, false) as idles, portion, coalesce(lost, 0) as lost
  from stored_lot;

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
