-- One posting in one call: the rows that the product writes, decided and written by PL/pgSQL; the operation's id is
-- its key. The feed's position is taken last, because its lock is held until the commit, and the key is bound then.
create function bench_post(p_tenant uuid, p_key uuid, p_hash bytea, p_kind text, p_member uuid, p_ledger uuid,
                           p_amount bigint, p_lot uuid) returns bigint
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  l ledger;
  o open_lot;
  v_now timestamptz;
  v_program integer;
  v_position bigint;
  v_left bigint;
  v_taken bigint;
  v_lots uuid[];
  v_takings bigint[];
  v_delta bigint := case p_kind when 'EARN' then p_amount else -p_amount end;
  v_expires timestamptz;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  select business_time(), program_version into v_now, v_program from tenant where tenant_id = p_tenant;
  v_expires := case p_kind when 'EARN' then v_now + interval '1 year' end;
  perform from member where tenant_id = p_tenant and member_id = p_member and status = 'ACTIVE';
  if not found then raise 'MEMBER_NOT_ACTIVE'; end if;
  select * into l from ledger where tenant_id = p_tenant and ledger_id = p_ledger for update;
  -- Who waited for the lock doesn't record a time before the last.
  v_now := greatest(v_now, l.recorded_at);
  if p_kind = 'EARN' then
    insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at, matured_at)
    values (p_tenant, p_ledger, p_lot, p_key, p_amount, v_now, v_expires, v_now);
    insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                          available_at, expires_at)
    values (p_tenant, p_ledger, p_lot, p_key, p_amount, p_amount, 0, 0, false, v_now, v_expires);
  else
    if l.posted - l.held < p_amount then raise 'INSUFFICIENT_BALANCE'; end if;
    v_left := p_amount;
    for o in select * from open_lot where tenant_id = p_tenant and ledger_id = p_ledger
              order by expires_at, lot_id loop
      v_taken := least(v_left, o.remaining - o.held);
      if v_taken = o.remaining then
        delete from open_lot where tenant_id = p_tenant and ledger_id = p_ledger and lot_id = o.lot_id;
      else
        update open_lot set remaining = remaining - v_taken
         where tenant_id = p_tenant and ledger_id = p_ledger and lot_id = o.lot_id;
      end if;
      v_lots := v_lots || o.lot_id;
      v_takings := v_takings || v_taken;
      v_left := v_left - v_taken;
      exit when v_left = 0;
    end loop;
  end if;
  update tenant_feed set position = position + 1 where tenant_id = p_tenant returning position into v_position;
  insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after, pending_after,
                            held_after, feed_position, reason, available_at, expires_at, occurred_at, lot_id, lot_ids,
                            taken, account, program_version, input_hash)
  values (p_tenant, p_ledger, l.version + 1, p_key, p_kind, v_delta, l.posted + v_delta, nullif(l.pending, 0),
          nullif(l.held, 0), v_position, 'bench', case p_kind when 'EARN' then v_now end, v_expires, v_now,
          case when cardinality(v_lots) = 1 then v_lots[1] end, case when cardinality(v_lots) > 1 then v_lots end,
          case when cardinality(v_lots) > 1 then v_takings end, case p_kind when 'EARN' then 'I' else 'R' end::"char",
          v_program, p_hash);
  update ledger set posted = posted + v_delta, version = version + 1, feed_position = v_position, recorded_at = v_now
   where tenant_id = p_tenant and ledger_id = p_ledger;
  perform bind_to_operations(p_tenant, array[p_key]);
  return v_position;
end $$;
