-- Members with ledgers, lots, entries, tiers and grants, as the product would have written them over a month.
-- Runs in one transaction as the tables' owner with app.tenant_id set, on a temporary table
-- seed (n, member_id, points_id, growth_id, token_id) that the caller has filled.

create temporary table setting on commit drop as
select t.tenant_id, t.program_version, f.position as feed_before, date_trunc('milliseconds', now()) as now,
       p.definition ->> 'timeZone' as time_zone, p.definition -> 'ladders' -> 0 as ladder
  from tenant t
  join tenant_feed f using (tenant_id)
  join program p on p.tenant_id = t.tenant_id and p.version = t.program_version;

-- Who was there before enrolled before: what the first pages of a list show is seeded.
update member set enrolled_at = now - interval '500 days' from setting;
update member_tier set enrolled_at = now - interval '500 days' from setting;

insert into member (tenant_id, member_id, status, display_name, locale, consents, attributes, tags,
                    enrolled_at, updated_at)
select tenant_id, member_id, 'ACTIVE', '茶友 ' || n, 'zh-CN', '[]', '{}',
       (array['regular', 'tea-lover', 'newsletter'])[1 : 1 + n % 3],
       now - interval '400 days' + make_interval(secs => n * 10), now
  from seed, setting;

insert into member_identity (tenant_id, kind, value, member_id, position, verified)
select tenant_id, 'EXTERNAL', 'bench-' || n, member_id, 0, true from seed, setting;

-- What each member did: 30 acts on points (every tenth a spend), 3 on growth, 1 on tokens. The first four
-- points lots expire within 30 days, the others in a year; spends are small, so all come from the first lot.
create temporary table act on commit drop as
select s.n, s.member_id, a.asset, a.ledger_id, a.version, a.kind, a.amount, a.reason,
       now - make_interval(days => (31 - a.version)::integer, mins => (s.n % 600)::integer) as occurred_at,
       case when a.asset <> 'points' or a.kind <> 'EARN' then null
            when a.version <= 4
              then now + make_interval(days => a.version::integer * 5, hours => (s.n % 24)::integer)
            else now + make_interval(years => 1, days => a.version::integer) end as expires_at,
       uuidv7() as operation_id, uuidv7() as lot_id
  from seed s, setting,
       lateral (
         select 'points' as asset, s.points_id as ledger_id, v::bigint as version,
                case when v % 10 = 0 then 'REDEEM' else 'EARN' end as kind,
                case when v % 10 = 0 then -50 when v = 1 then 500
                     else 100 + (s.n * 7 + v * 13) % 200 end::bigint as amount,
                case when v % 10 = 0 then 'a cup of tea' else 'order ' || v end as reason
           from generate_series(1, 30) v
         union all
         select 'growth', s.growth_id, v, 'EARN', 1 + (s.n * 97) % 1500, 'order ' || v
           from generate_series(1, 3) v
         union all
         select 'token', s.token_id, 1, 'EARN', 10, 'welcome') a;
analyze act;

insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after, feed_position,
                          reason, available_at, expires_at, occurred_at, lot_id, account, program_version)
select tenant_id, ledger_id, version, operation_id, kind, amount,
       sum(amount) over (partition by ledger_id order by version),
       feed_before + row_number() over (order by occurred_at, ledger_id, version), reason,
       case when kind = 'EARN' then occurred_at end, expires_at, occurred_at,
       case when kind = 'REDEEM' then first_value(lot_id) over (partition by ledger_id order by version) end,
       case when kind = 'REDEEM' then 'R' else 'I' end::"char", program_version
  from act, setting;

insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at, matured_at)
select tenant_id, ledger_id, lot_id, operation_id, amount, occurred_at, expires_at, occurred_at
  from act cross join setting where kind = 'EARN';

insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending, available_at,
                      expires_at)
select tenant_id, a.ledger_id, a.lot_id, a.operation_id, a.amount, a.amount - coalesce(spent.amount, 0), 0, 0, false,
       a.occurred_at, a.expires_at
  from act a
  cross join setting
  left join (select ledger_id, 1 as version, -sum(amount) as amount from act where kind = 'REDEEM'
              group by ledger_id) as spent using (ledger_id, version)
 where a.kind = 'EARN' and a.amount > coalesce(spent.amount, 0);

insert into ledger (tenant_id, ledger_id, member_id, asset, posted, floor, version, feed_position,
                    recorded_at, settle_at)
select s.tenant_id, a.ledger_id, a.member_id, a.asset, sum(a.amount), 0, max(a.version),
       max(e.feed_position), max(a.occurred_at), min(a.expires_at)
  from act a
  cross join setting s
  join entry e on e.tenant_id = s.tenant_id and e.ledger_id = a.ledger_id and e.version = a.version
 group by s.tenant_id, a.ledger_id, a.member_id, a.asset;

-- What the ladder counts, and the tiers that it makes: of nine members one bronze, three silver, five gold.
insert into metric_day (tenant_id, member_id, metric, day, amount)
select tenant_id, member_id, ladder ->> 'metric', (occurred_at at time zone time_zone)::date, sum(amount)
  from act, setting
 where asset = ladder ->> 'metric'
 group by tenant_id, member_id, ladder ->> 'metric', (occurred_at at time zone time_zone)::date;

insert into member_tier (tenant_id, member_id, ladder, tier, since, enrolled_at)
with step as (
  select tenant_id, ladder ->> 'code' as ladder, t ->> 'code' as tier, (t ->> 'threshold')::bigint as threshold,
         lead((t ->> 'threshold')::bigint) over (order by place) as above
    from setting, jsonb_array_elements(ladder -> 'tiers') with ordinality as tiers (t, place)),
counted as (
  select member_id, occurred_at, sum(amount) over (partition by member_id order by version) as so_far,
         sum(amount) over (partition by member_id) as total
    from act, setting
   where asset = ladder ->> 'metric')
select m.tenant_id, m.member_id, s.ladder, s.tier,
       case when s.threshold = 0 then m.enrolled_at
            else min(c.occurred_at) filter (where c.so_far >= s.threshold) end, m.enrolled_at
  from counted c
  join member m using (member_id)
  join step s on c.total >= s.threshold and (c.total < s.above or s.above is null)
 group by m.tenant_id, m.member_id, s.ladder, s.tier, s.threshold, m.enrolled_at;

insert into benefit_grant (tenant_id, grant_id, member_id, benefit, uses_left, valid_from, valid_until,
                           created_at)
select tenant_id, uuidv7(), member_id, g.benefit, g.uses_left, now - interval '1 day', now + g.lasts, now
  from seed, setting,
       (values ('birthday-gift', 1, interval '90 days'), ('free-shipping', null, interval '30 days'),
               ('gold-discount', 0, interval '30 days')) as g (benefit, uses_left, lasts);

update tenant_feed
   set position = (select max(feed_position) from entry where tenant_id = tenant_feed.tenant_id);
