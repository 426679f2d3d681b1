-- Holds at work, reversals and transfers.

-- Which lots a hold has: what operations gave it of them (above zero) and took from it (below). What it still
-- has of a lot is the sum; rows never change, so it is known for any moment.
create table hold_lot (
  tenant_id uuid not null,
  ledger_id uuid not null,
  hold_id uuid not null,
  lot_id uuid not null,
  operation_id uuid not null,
  amount bigint not null check (amount <> 0),
  recorded_at timestamptz not null,
  primary key (tenant_id, ledger_id, hold_id, lot_id, operation_id),
  foreign key (tenant_id, hold_id) references hold (tenant_id, hold_id)
);
create index hold_active on hold (tenant_id, ledger_id) where status = 'ACTIVE';
create index hold_ending on hold (tenant_id, expires_at) where status = 'ACTIVE' and expires_at is not null;

-- What of an allocation was lost by time, where the operation is no EXPIRE: released or given back too late.
alter table allocation add column expired bigint not null default 0 check (expired >= 0);

-- The first lot that a transferred lot came from, in whichever ledger it was earned.
alter table lot add column origin_lot_id uuid;

alter table hold_lot enable row level security;
alter table hold_lot force row level security;
create policy own_tenant on hold_lot
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
