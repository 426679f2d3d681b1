-- What is left of a lot stands in a row of its own for as long as something is. A spend that empties a lot deletes that
-- row, where it would have written a new version of the lot and of its key. The row has all that a posting asks of a
-- lot: what never changes, and the lot's moments, are copies, and the law `open-lots` of the audit compares them.
create table open_lot (
  amount bigint not null,
  remaining bigint not null constraint open_lot_remaining check (remaining > 0),
  held bigint not null,
  lost bigint not null,
  available_at timestamptz not null,
  expires_at timestamptz,
  -- When it was made, if its expiry moves on with whatever happens in the ledger; null of others.
  idles_since timestamptz,
  pending boolean not null,
  tenant_id uuid not null,
  ledger_id uuid not null,
  lot_id uuid not null,
  operation_id uuid not null,
  origin_lot_id uuid,
  awaits text,
  portion text,
  primary key (tenant_id, ledger_id, lot_id),
  constraint open_lot_held check (held >= 0 and held <= remaining)
);

-- Row security binds the owner too.
alter table stored_lot no force row level security;
insert into open_lot (
  amount, remaining, held, lost, available_at, expires_at, idles_since, pending, tenant_id, ledger_id, lot_id,
  operation_id, origin_lot_id, awaits, portion)
select amount, remaining, held, lost, available_at, expires_at, case when idles then created_at end, pending, tenant_id,
       ledger_id, lot_id, operation_id, origin_lot_id, awaits, portion
  from lot where remaining > 0;
alter table stored_lot force row level security;

create index open_lot_maturing on open_lot (tenant_id, available_at) where pending;
create index open_lot_expiring on open_lot (tenant_id, expires_at) where expires_at is not null;
alter table open_lot enable row level security;
alter table open_lot force row level security;
create policy own_tenant on open_lot
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- A lot is pending until it has matured, as it always was.
drop view lot;
drop index lot_open;
drop index lot_maturing;
drop index lot_expiring;
alter table stored_lot
  drop column remaining,
  drop column held,
  drop column pending;
create view lot with (security_invoker = true) as
select l.tenant_id, l.ledger_id, l.lot_id, l.operation_id, l.amount, coalesce(o.remaining, 0) as remaining,
       coalesce(o.held, 0) as held, l.matured_at is null as pending, l.available_at, l.expires_at,
       coalesce(l.created_at, l.available_at) as created_at, l.matured_at, l.origin_lot_id, l.awaits,
       coalesce(l.idles, false) as idles, l.portion, coalesce(l.lost, 0) as lost
  from stored_lot l
  left join open_lot o on o.tenant_id = l.tenant_id and o.ledger_id = l.ledger_id and o.lot_id = l.lot_id;
