import { createHash } from 'node:crypto';
import type { CallMode, Registration, Revision } from '../extension/index.ts';

/** Bytes of the hash that decide: 2^48 places are more than enough for percents. */
const DRAWN_BYTES = 6;

/** Who of an extension is asked about somebody. */
export interface Casting<Facts> {
  /** Whose answer counts; null where there is none. */
  readonly counted: { readonly revision: Revision<Facts>; readonly mode: CallMode } | null;
  /** Who is only watched. */
  readonly shadow: Revision<Facts> | null;
}

const NOBODY = { counted: null, shadow: null };

/** Whether anybody of it may be asked at all. */
export function mayBeAsked({ stage, newest, live }: Registration<never>): boolean {
  return stage !== 'RETIRED' && ((stage !== 'DRAFT' && newest !== null) || live !== null);
}

/** Whether it asks the same of everybody, whomever it is about. */
export function asksAlike({ stage, newest, live }: Registration<never>): boolean {
  return stage !== 'CANARY' && !newest?.filter && !live?.filter;
}

/** What stages come to: the newest revision, the one that was LIVE before, both, or neither. */
export function cast<Facts>(registration: Registration<Facts>, subject: string | null): Casting<Facts> {
  const { stage, newest, live } = registration;
  const before = live === null ? null : { revision: live, mode: 'LIVE' as const };
  if (stage === 'RETIRED') return NOBODY;
  if (stage === 'SHADOW') return { counted: before, shadow: newest };
  if (stage === 'DRAFT' || newest === null) return { counted: before, shadow: null };
  if (stage === 'LIVE') return { counted: { revision: newest, mode: 'LIVE' }, shadow: null };
  const isIn = subject === null || isDrawn(registration.extensionKey, subject, registration.canaryPercent);
  return { counted: isIn ? { revision: newest, mode: 'CANARY' } : before, shadow: null };
}

/** Always the same for the same two: a higher percentage adds some, and takes nobody away. */
function isDrawn(extensionKey: string, subject: string, percent: number): boolean {
  const hash = createHash('sha256').update(`${extensionKey}\0${subject}`).digest();
  return hash.readUIntBE(0, DRAWN_BYTES) * 100 < percent * 2 ** (8 * DRAWN_BYTES);
}
