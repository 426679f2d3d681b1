-- Proof: the program's own side of every operation, its roll-up by day, and a chain of hashes over operations.

-- What an operation did to the program's own accounts: with the entries of its operation, an asset's legs sum to
-- zero. position and recorded_at are those of the operation's first entry. Append-only, and no row is shared.
create table leg (
  tenant_id uuid not null,
  position bigint not null,
  asset text not null,
  account text not null
    check (account in ('ISSUED', 'REDEEMED', 'BREAKAGE', 'TRANSFERRED', 'ADJUSTED')),
  operation_id uuid not null,
  amount bigint not null check (amount <> 0),
  recorded_at timestamptz not null,
  primary key (tenant_id, position, asset, account)
);

-- The legs of each local day up to a position of the feed, summed; they lie between the two positions.
create table leg_day (
  tenant_id uuid not null,
  asset text not null,
  account text not null,
  day date not null,
  amount numeric not null,
  first_position bigint not null,
  last_position bigint not null,
  primary key (tenant_id, asset, account, day)
);

-- How far legs are summed, and in which time zone a day is a day: the program's, when it was done first.
create table leg_rollup (
  tenant_id uuid primary key,
  position bigint not null,
  time_zone text not null
);

-- Operations in the order of the feed (position: of the first entry), each with the SHA-256 of the hash before it
-- and of its content: what is changed, taken out or put in later is found.
create table operation_chain (
  tenant_id uuid not null,
  position bigint not null,
  operation_id uuid not null,
  hash bytea not null,
  primary key (tenant_id, position)
);

-- The feed in its order, for the chain and for whoever follows a tenant's feed.
create index entry_by_feed on entry (tenant_id, feed_position);

-- The legs of what was posted before there were any. Row security binds the owner too, so it is lifted for this
-- one statement, in the transaction that ends with all of it forced again.
alter table entry no force row level security;
alter table operation no force row level security;
alter table ledger no force row level security;
with whole as (
  select e.tenant_id, e.operation_id, l.asset, min(e.feed_position) as position,
         min(e.recorded_at) as recorded_at, sum(e.amount) as amount,
         sum(e.posted_delta + e.pending_delta) as net
    from entry e join ledger l on l.tenant_id = e.tenant_id and l.ledger_id = e.ledger_id
   group by e.tenant_id, e.operation_id, l.asset),
placed as (
  select w.*, case coalesce(r.kind, o.kind)
                when 'EARN' then 'ISSUED' when 'REDEEM' then 'REDEEMED' when 'CAPTURE' then 'REDEEMED'
                when 'ADJUST' then 'ADJUSTED' when 'TRANSFER' then 'TRANSFERRED'
                when 'MERGE' then 'TRANSFERRED' end as account
    from whole w
    join operation o on o.tenant_id = w.tenant_id and o.operation_id = w.operation_id
    left join operation r on r.tenant_id = w.tenant_id and r.operation_id = o.ref_operation_id)
insert into leg (tenant_id, position, asset, account, operation_id, amount, recorded_at)
select tenant_id, position, asset, account, operation_id, -amount, recorded_at
  from placed where account is not null and amount <> 0
union all
select tenant_id, position, asset, 'BREAKAGE', operation_id, part, recorded_at
  from (select *, case when account is null then 0 else amount end - net as part from placed) lost
 where part <> 0;
alter table entry force row level security;
alter table operation force row level security;
alter table ledger force row level security;

alter table leg enable row level security;
alter table leg force row level security;
create policy own_tenant on leg
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table leg_day enable row level security;
alter table leg_day force row level security;
create policy own_tenant on leg_day
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table leg_rollup enable row level security;
alter table leg_rollup force row level security;
create policy own_tenant on leg_rollup
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table operation_chain enable row level security;
alter table operation_chain force row level security;
create policy own_tenant on operation_chain
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
