-- Credits to distinct ledgers in one call, set-based: the rows that the product writes, one statement a table;
-- operations' ids are their keys. The feed's position is taken last, because its lock is held until the commit, and
-- the keys are bound then.
create function bench_post_many(p_tenant uuid, p_keys uuid[], p_hashes bytea[], p_members uuid[], p_ledgers uuid[],
                                p_amounts bigint[], p_lots uuid[]) returns bigint
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_now timestamptz;
  v_expires timestamptz;
  v_program integer;
  v_count bigint := cardinality(p_keys);
  v_before bigint;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  select business_time(), program_version into v_now, v_program from tenant where tenant_id = p_tenant;
  v_expires := v_now + interval '1 year';
  perform from ledger where tenant_id = p_tenant and ledger_id = any(p_ledgers) order by ledger_id for update;
  -- Who waited for a lock doesn't record a time before the last.
  select greatest(v_now, max(recorded_at)) into v_now from ledger
   where tenant_id = p_tenant and ledger_id = any(p_ledgers);
  perform from unnest(p_members) m (member_id)
     left join member on member.tenant_id = p_tenant and member.member_id = m.member_id and status = 'ACTIVE'
    where member.member_id is null;
  if found then raise 'MEMBER_NOT_ACTIVE'; end if;
  insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at, matured_at)
  select p_tenant, ledger_id, lot_id, operation_id, amount, v_now, v_expires, v_now
    from unnest(p_ledgers, p_lots, p_keys, p_amounts) as t (ledger_id, lot_id, operation_id, amount);
  insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending, available_at,
                        expires_at)
  select p_tenant, ledger_id, lot_id, operation_id, amount, amount, 0, 0, false, v_now, v_expires
    from unnest(p_ledgers, p_lots, p_keys, p_amounts) as t (ledger_id, lot_id, operation_id, amount);
  update tenant_feed set position = position + v_count where tenant_id = p_tenant
  returning position - v_count into v_before;
  insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after, pending_after,
                            held_after, feed_position, reason, available_at, expires_at, occurred_at, account,
                            program_version, input_hash)
  select p_tenant, l.ledger_id, l.version + 1, e.operation_id, 'EARN', e.amount, l.posted + e.amount,
         nullif(l.pending, 0), nullif(l.held, 0), v_before + e.place, 'bench', v_now, v_expires, v_now, 'I',
         v_program, e.hash
    from unnest(p_ledgers, p_keys, p_amounts, p_hashes) with ordinality
           as e (ledger_id, operation_id, amount, hash, place)
    join ledger l on l.tenant_id = p_tenant and l.ledger_id = e.ledger_id;
  update ledger l
     set posted = l.posted + e.amount, version = l.version + 1, feed_position = v_before + e.place, recorded_at = v_now
    from unnest(p_ledgers, p_amounts) with ordinality as e (ledger_id, amount, place)
   where l.tenant_id = p_tenant and l.ledger_id = e.ledger_id;
  perform bind_to_operations(p_tenant, p_keys);
  return v_before;
end $$;
