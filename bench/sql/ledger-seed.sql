-- Members with one points ledger each, of one large lot, on a temporary table seed (n, member_id, ledger_id).
create temporary table setting on commit drop as
select t.tenant_id, t.program_version, f.position as feed_before, date_trunc('milliseconds', now()) as now
  from tenant t join tenant_feed f using (tenant_id);

insert into member (tenant_id, member_id, status, display_name, locale, consents, attributes, tags, enrolled_at,
                    updated_at)
select tenant_id, member_id, 'ACTIVE', '茶友 ' || n, 'zh-CN', '[]', '{}', '{}', now, now from seed, setting;

create temporary table act on commit drop as
select s.*, uuidv7() as operation_id, uuidv7() as lot_id from seed s;

insert into operation (tenant_id, operation_id, kind, program_version, ledger_ids, versions, created_at)
select tenant_id, operation_id, 'EARN', program_version, array[ledger_id], array[1], now from act, setting;

insert into entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_delta, pending_delta,
                   held_delta, posted_after, pending_after, held_after, feed_position, available_at,
                   expires_at, occurred_at, recorded_at)
select tenant_id, ledger_id, 1, operation_id, 'EARN', 1000000, 1000000, 0, 0, 1000000, 0, 0, feed_before + n,
       now, now + interval '1 year', now, now
  from act, setting;

insert into leg (tenant_id, position, asset, account, operation_id, amount, recorded_at)
select tenant_id, feed_before + n, 'points', 'ISSUED', operation_id, -1000000, now from act, setting;

insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, pending, available_at,
                 expires_at, created_at, matured_at)
select tenant_id, ledger_id, lot_id, operation_id, 1000000, 1000000, false, now, now + interval '1 year', now, now
  from act, setting;

insert into ledger (tenant_id, ledger_id, member_id, asset, posted, floor, version, feed_position, recorded_at,
                    settle_at)
select tenant_id, ledger_id, member_id, 'points', 1000000, 0, 1, feed_before + n, now, now + interval '1 year'
  from act, setting;

update tenant_feed set position = position + (select count(*) from act);
