import { type IdType, toEntryId, toPublicId } from '../../kernel/ids.ts';
import type { BreachRow } from './law.ts';

/** The columns that hold keys, with the type of their public id. */
const ID_COLUMNS: Readonly<Record<string, readonly [name: string, type: IdType]>> = {
  operation_id: ['operation', 'operation'],
  ref_operation_id: ['reverses', 'operation'],
  member_id: ['member', 'member'],
  ledger_id: ['ledger', 'ledger'],
  lot_id: ['lot', 'lot'],
  hold_id: ['hold', 'hold'],
};

/** A breach in words: public ids where objects have them, then the values that don't agree. */
export function describeBreach({ violations: _all, ...row }: BreachRow): string {
  const { ledger_id: ledgerKey, version, ...others } = row;
  const isEntry = typeof ledgerKey === 'string' && version !== undefined && version !== null;
  const words = isEntry ? [`entry=${toEntryId(ledgerKey, BigInt(String(version)))}`] : [];
  for (const [column, value] of Object.entries(isEntry ? others : row)) {
    if (value === null) continue;
    const [name, type] = ID_COLUMNS[column] ?? [column, null];
    words.push(`${name}=${type === null ? spell(value) : toPublicId(type, String(value))}`);
  }
  return words.join(' ');
}

function spell(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
