import type { GraphQLResolveInfo } from 'graphql';
import { askedFields } from '../shared/index.ts';
import type { Entry } from './entry.entity.ts';

/** What lists of entries mostly show: half of the columns, and less than half of the work. */
const BRIEF_FIELDS = [
  ...['__typename', 'id', 'version', 'kind', 'amount', 'balanceAfter', 'reason', 'status', 'occurredAt'],
];

/** An entry as far as `BRIEF_FIELDS` need it. */
export type BriefEntry = Pick<
  Entry,
  | 'ledgerKey'
  | 'memberKey'
  | 'assetCode'
  | 'version'
  | 'kind'
  | 'amount'
  | 'balanceAfter'
  | 'reason'
  | 'status'
  | 'occurredAt'
>;

const known = new WeakMap<object, boolean>();

/** Whether a field `entries` asks of its nodes nothing but what is brief; remembered by its document. */
export function isBriefEntryPage(info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>): boolean {
  const [field] = info.fieldNodes;
  if (field === undefined || info.fieldNodes.length > 1) return false;
  let isBrief = known.get(field);
  if (isBrief === undefined) {
    isBrief = askedFields(info, 'edges', 'node').every(({ name }) => BRIEF_FIELDS.includes(name.value));
    known.set(field, isBrief);
  }
  return isBrief;
}
