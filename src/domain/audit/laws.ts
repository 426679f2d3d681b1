import { entryLaws } from './entry-laws.repository.ts';
import { holdLaws } from './hold-laws.repository.ts';
import type { Law } from './law.ts';
import { ledgerLaws } from './ledger-laws.repository.ts';
import { legLaws } from './leg-laws.repository.ts';
import { lotLaws } from './lot-laws.repository.ts';
import { memberLaws } from './member-laws.repository.ts';
import { operationLaws } from './operation-laws.repository.ts';

/** Every law of the ledger, each checked over the whole of a tenant. */
export const LAWS: readonly Law[] = [
  ...entryLaws,
  ...ledgerLaws,
  ...lotLaws,
  ...holdLaws,
  ...operationLaws,
  ...legLaws,
  ...memberLaws,
];
