-- What an entry took from lots is a part of the entry: nobody takes without one, and a spend of many lots is one row.

-- The lots in the order in which it took from them, how much from each (below zero: what it gave back), and what of
-- that was lost by time: null where nothing was.
alter table entry
  add column lot_ids uuid[],
  add column taken bigint[],
  add column lost bigint[];

-- What time took of a lot, in whichever operation.
alter table lot add column lost bigint not null default 0 check (lost >= 0);

-- What was taken so far, in the order of spending where none was kept. Row security binds the owner too, so it is
-- lifted for these statements, in the transaction that ends with all of it forced again.
alter table allocation no force row level security;
alter table entry no force row level security;
alter table lot no force row level security;
alter table operation no force row level security;
alter table operation_chain no force row level security;
-- The chain covers what is told of it now: where older releases kept less, the next job seals all anew, and a head that
-- was noted before has to be noted again.
delete from operation_chain
 where tenant_id in (select tenant_id from allocation where place is null);
update entry e
   set lot_ids = a.lot_ids, taken = a.taken, lost = case when a.loses then a.lost end
  from (select p.tenant_id, p.operation_id, p.ledger_id,
               array_agg(p.lot_id order by p.place, l.expires_at, p.lot_id) as lot_ids,
               array_agg(p.amount order by p.place, l.expires_at, p.lot_id) as taken,
               array_agg(case o.kind when 'EXPIRE' then p.amount else p.expired end
                         order by p.place, l.expires_at, p.lot_id) as lost,
               bool_or(o.kind = 'EXPIRE' or p.expired <> 0) as loses
          from allocation p
          join lot l on l.tenant_id = p.tenant_id and l.ledger_id = p.ledger_id and l.lot_id = p.lot_id
          join operation o on o.tenant_id = p.tenant_id and o.operation_id = p.operation_id
         group by p.tenant_id, p.operation_id, p.ledger_id) a
 where e.tenant_id = a.tenant_id and e.ledger_id = a.ledger_id and e.operation_id = a.operation_id;
update lot t
   set lost = a.lost
  from (select e.tenant_id, e.ledger_id, u.lot_id, sum(u.lost) as lost
          from entry e cross join lateral unnest(e.lot_ids, e.lost) as u (lot_id, lost)
         where e.lost is not null
         group by e.tenant_id, e.ledger_id, u.lot_id) a
 where t.tenant_id = a.tenant_id and t.ledger_id = a.ledger_id and t.lot_id = a.lot_id and a.lost > 0;
alter table operation_chain force row level security;
alter table operation force row level security;
alter table lot force row level security;
alter table entry force row level security;

drop table allocation;

alter table entry add constraint entry_taken_from_lots check (
  (lot_ids is null) = (taken is null) and (lost is null or lot_ids is not null)
  and cardinality(taken) = cardinality(lot_ids) and cardinality(lost) = cardinality(lot_ids));
