-- Members with one points ledger each and what was posted to it, as the product would have written it: set-based, so
-- that ten millions are a matter of minutes. Runs in one transaction as the tables' owner with app.tenant_id set, on a
-- temporary table seed (n, member_id, ledger_id), n from 1. bench.first is what a ledger earns first; bench.lots, how
-- many such credits it has; bench.pairs, how many times it then earned 100 and spent them.
create temporary table setting on commit drop as
select t.tenant_id, t.program_version, f.position as feed_before, date_trunc('milliseconds', now()) as now,
       date_trunc('milliseconds', now()) + interval '1 year' as expires,
       current_setting('bench.first')::bigint as first, current_setting('bench.lots')::bigint as lots,
       current_setting('bench.pairs')::bigint as pairs, (select count(*) from seed) as ledgers
  from tenant t join tenant_feed f using (tenant_id);

insert into member (tenant_id, member_id, status, display_name, locale, consents, attributes, tags, enrolled_at,
                    updated_at)
select tenant_id, member_id, 'ACTIVE', '茶友 ' || n, 'zh-CN', '[]', '{}', '{}', now, now from seed, setting;

-- In the feed, ledgers take turns, as in life: the entries of one lie far apart.
create temporary table act on commit drop as
select s.ledger_id, k as version, as_key(uuid_send(gen_random_uuid())) as operation_id, uuidv7() as lot_id, first as delta,
       first * k as posted, feed_before + (k - 1) * ledgers + n as position
  from setting, generate_series(1, lots) k, seed s
union all
select p.ledger_id, lots + (k - 1) * 2 + side, as_key(uuid_send(gen_random_uuid())), p.lot_id, case side when 1 then 100 else -100 end,
       first * lots + case side when 1 then 100 else 0 end,
       feed_before + ledgers * lots + ((k - 1) * ledgers + n - 1) * 2 + side
  from setting, (select s.*, k, uuidv7() as lot_id from setting, generate_series(1, pairs) k, seed s offset 0) p,
       generate_series(1, 2) side;

insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after, feed_position,
                          available_at, expires_at, occurred_at, lot_id, account, program_version, input_hash)
select tenant_id, ledger_id, version, operation_id, case when delta > 0 then 'EARN' else 'REDEEM' end, delta,
       posted, position, case when delta > 0 then now end, case when delta > 0 then expires end, now,
       case when delta < 0 then lot_id end, case when delta > 0 then 'I' else 'R' end::"char",
       program_version, sha256(uuid_send(operation_id))
  from act, setting;

-- What a ledger earned first it has still; of the pairs nothing is left.
insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at, matured_at)
select tenant_id, ledger_id, lot_id, operation_id, delta, now, expires, now from act, setting where delta > 0;
insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending, available_at,
                      expires_at)
select tenant_id, ledger_id, lot_id, operation_id, delta, delta, 0, 0, false, now, expires
  from act, setting where version <= lots;

insert into ledger (tenant_id, ledger_id, member_id, asset, posted, floor, version, feed_position, recorded_at,
                    settle_at)
select tenant_id, ledger_id, member_id, 'points', first * lots, 0, lots + 2 * pairs,
       feed_before + ledgers * lots + case when pairs = 0 then n - ledgers
                                           else ((pairs - 1) * ledgers + n - 1) * 2 + 2 end, now, expires
  from seed, setting where lots > 0;

update tenant_feed set position = position + (select ledgers * (lots + 2 * pairs) from setting);
