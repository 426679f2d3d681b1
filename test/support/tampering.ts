/** Spells out what entries took from one lot alone as lists, so that each number of them can be changed. */
export const SPELL_TAKEN_OUT = `
  update stored_entry s set lot_id = null, lot_ids = e.lot_ids, taken = e.taken
    from entry e
   where s.lot_id is not null and e.tenant_id = s.tenant_id and e.ledger_id = s.ledger_id
     and e.version = s.version;`;
