-- A credit of the hand-written server in one call: the same rows and the same answer as its interactive transaction.
-- The operation's id is the key.
create function floor_earn(p_tenant uuid, p_key uuid, p_hash bytea, p_member uuid, p_asset text, p_amount bigint,
                           p_reason text, p_type text, p_reference text, p_lot uuid)
returns table (ledger_id uuid, pending bigint, held bigint, version bigint, posted_after bigint, now timestamptz,
               expires_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  l ledger;
  v_program integer;
  v_position bigint;
  v_now timestamptz := date_trunc('milliseconds', now());
  v_expires timestamptz := (date_trunc('month', (v_now at time zone 'Asia/Shanghai') + interval '12 months')
                            + interval '1 month') at time zone 'Asia/Shanghai';
begin
  select led.* into l
    from ledger led
    join member m on m.tenant_id = led.tenant_id and m.member_id = led.member_id and m.status = 'ACTIVE'
   where led.tenant_id = p_tenant and led.member_id = p_member and led.asset = p_asset for update of led;
  if not found then raise 'There is no such active member with such a ledger.'; end if;
  v_now := greatest(v_now, l.recorded_at);
  select program_version into v_program from tenant where tenant_id = p_tenant;
  insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at, matured_at)
  values (p_tenant, l.ledger_id, p_lot, p_key, p_amount, v_now, v_expires, v_now);
  insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending, available_at,
                        expires_at)
  values (p_tenant, l.ledger_id, p_lot, p_key, p_amount, p_amount, 0, 0, false, v_now, v_expires);
  update tenant_feed set position = position + 1 where tenant_id = p_tenant returning position into v_position;
  update ledger led
     set posted = posted + p_amount, version = version + 1, recorded_at = v_now, feed_position = v_position,
         settle_at = least(settle_at, v_expires)
   where led.tenant_id = p_tenant and led.ledger_id = l.ledger_id;
  insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after, pending_after,
                            held_after, feed_position, reason, available_at, expires_at, occurred_at, account,
                            program_version, reference_type, reference_id, input_hash)
  values (p_tenant, l.ledger_id, l.version + 1, p_key, 'EARN', p_amount, l.posted + p_amount,
          nullif(l.pending, 0), nullif(l.held, 0), v_position, p_reason, v_now, v_expires, v_now, 'I', v_program,
          p_type, p_reference, p_hash);
  perform bind_to_operations(p_tenant, array[p_key]);
  return query select l.ledger_id, l.pending, l.held, l.version + 1, l.posted + p_amount, v_now, v_expires;
end $$;
