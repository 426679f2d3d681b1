-- Ledgers of which the books don't add up, and whether the feed has a gap.
select
  (select count(*) from ledger l
     cross join lateral (
       select coalesce(sum(posted_delta), 0) as posted, coalesce(max(version), 0) as version,
              count(*) as entries
         from entry e where e.tenant_id = l.tenant_id and e.ledger_id = l.ledger_id) as e
     cross join lateral (
       select coalesce(sum(remaining), 0) as remaining
         from lot where lot.tenant_id = l.tenant_id and lot.ledger_id = l.ledger_id) as lots
    where l.posted <> e.posted or l.version <> e.version or l.version <> e.entries
       or lots.remaining - l.debt <> l.posted + l.pending)::integer as wrong_ledgers,
  (select count(*) <> max(position) or count(distinct position) <> count(*)
     from (select feed_position as position from entry union all select position from feed_event) as taken)
    as feed_has_gap
