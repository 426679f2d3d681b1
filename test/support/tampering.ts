/** Spells out what entries took from one lot alone as lists, so that each number of them can be changed. */
export const SPELL_TAKEN_OUT = `
  update stored_entry s set lot_id = null, lot_ids = e.lot_ids, taken = e.taken
    from entry e
   where s.lot_id is not null and e.tenant_id = s.tenant_id and e.ledger_id = s.ledger_id
     and e.version = s.version;`;

/** Forgets the operations of entries that have them in their own row. */
export const FORGET_OPERATION = `
  update stored_entry
     set program_version = null, explained_by = null, pays_back = null, created_at = null, input_hash = null,
         activity_id = null, ref_operation_id = null, reference_type = null, reference_id = null,
         explanation = null`;
