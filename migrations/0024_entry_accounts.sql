-- Double entry in one row: an entry names the program's account that it stands against. Its amounts follow from the
-- entry's own, so the program's own side is a view of entries.

-- Whose account the act is booked to: I(SSUED), R(EDEEMED), P(AID_BACK), T(RANSFERRED) or A(DJUSTED), in one byte. Null
-- where the kind has none: nothing then moves between program and member but what time took.
alter table entry
  add column account "char",
  add constraint entry_account check (account in ('I', 'R', 'P', 'T', 'A'));

-- The accounts of what was posted so far: that of its kind; of what undoes, that of what is undone. Row security binds
-- the owner too, so it is lifted for these statements, in the transaction that ends with all of it forced again.
alter table entry no force row level security;
alter table operation no force row level security;
update entry e
   set account = a.account
  from (select o.tenant_id, o.operation_id,
               case when coalesce(r.pays_back, o.pays_back) then 'P' else
               case coalesce(r.kind, o.kind)
                 when 'EARN' then 'I' when 'REDEEM' then 'R' when 'CAPTURE' then 'R' when 'ADJUST' then 'A'
                 when 'TRANSFER' then 'T' when 'MERGE' then 'T'
                 -- Of something that isn't known: legs took it for an EARN.
                 when 'REVERSE' then 'I' end end::"char" as account
          from operation o
          left join operation r on r.tenant_id = o.tenant_id and r.operation_id = o.ref_operation_id) a
 where e.tenant_id = a.tenant_id and e.operation_id = a.operation_id and a.account is not null;
alter table operation force row level security;
alter table entry force row level security;

drop table leg;

-- What an entry did to the program's own accounts: with its deltas, its legs sum to zero. The act itself goes to its
-- account, what time took in the same entry to BREAKAGE, and what comes to nothing nowhere. It is seen through the row
-- security of its tables.
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

-- Legs of an operation with several entries were one, at its first: the job sums all days anew. Until it does, what is
-- asked is summed from entries alone.
alter table leg_day no force row level security;
alter table leg_rollup no force row level security;
delete from leg_day;
update leg_rollup set position = 0;
alter table leg_rollup force row level security;
alter table leg_day force row level security;
