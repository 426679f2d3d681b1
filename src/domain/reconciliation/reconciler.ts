import { newKey, toPublicId } from '../../kernel/ids.ts';
import { isInRange } from '../../kernel/points.ts';
import type { Database } from '../../persistence/index.ts';
import {
  type Ledger,
  LedgerReads,
  type LedgerRecord,
  type MirrorService,
  type RecordReading,
  toBalance,
} from '../ledgers/index.ts';
import { isExternal, type PinnedProgram, type ProgramService } from '../programs/index.ts';
import { outcomeOf } from './comparison.policy.ts';
import {
  findDue,
  findOpen,
  findQuiet,
  followFeed,
  recordChecks,
  recordDifference,
  settleDifferences,
} from './reconciliation.repository.ts';

const ENTRIES_AT_ONCE = 5_000;
/** In one round: the tenant's other jobs wait meanwhile. */
const MOST_A_ROUND = 400;
/** Half of what a webhook keeps connections for: the other half is for callers. */
const AT_ONCE = 8;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** After how many seconds a mirror is looked at again, if it doesn't move before. */
const AGAIN_AFTER = {
  AGREES: 7 * DAY,
  /** Something may be on its way to us. */
  SEEN: 5 * MINUTE,
  CONFIRMED: DAY,
  /** Something is on its way to the record. */
  BUSY: 5 * MINUTE,
  UNANSWERED: HOUR,
} as const;

export type MirrorOutcome = keyof typeof AGAIN_AFTER | 'ADOPTED';

/** What a round found. */
export interface Reconciled {
  readonly compared: number;
  readonly differ: number;
  readonly adopted: number;
}

export interface ReconcilerParts {
  readonly database: Database;
  readonly programs: ProgramService;
  readonly records: RecordReading;
  readonly mirrors: MirrorService;
  /** Hears of each mirror that was looked at. */
  readonly onCompared: (outcome: MirrorOutcome) => void;
  /** Hears why a record could not be taken over: it stays a difference. */
  readonly onRefused: (tenantKey: string, codes: string) => void;
}

/** A difference that was confirmed just now, or before. */
interface Confirmed {
  readonly differenceKey: string;
  readonly ledger: Ledger;
  readonly amount: bigint;
}

/** Holds our mirrors against the records that other systems keep. */
export class Reconciler {
  readonly #parts: ReconcilerParts;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /**
   * Compares the mirrors that are due: those that moved, those that were seen to differ, and each of the
   * others once a week. Where nobody answers, it leaves the rest to the next round.
   * @throws Refusal NO_PROGRAM
   */
  async reconcile(tenantKey: string): Promise<Reconciled> {
    const { database, programs } = this.#parts;
    const program = await programs.inForce(tenantKey);
    const assets = [...program.assets.values()].filter(isExternal).map(({ code }) => code);
    const round = { compared: 0, differ: 0, adopted: 0 };
    if (assets.length === 0) return round;
    while (await database.transaction(tenantKey, (tx) => followFeed(tx, tenantKey, assets, ENTRIES_AT_ONCE)));
    const due = await findDue(database.read(tenantKey), tenantKey, assets, MOST_A_ROUND);
    for (let from = 0; from < due.length; from += AT_ONCE) {
      const { answered, confirmed } = await this.#compare(
        tenantKey,
        program,
        due.slice(from, from + AT_ONCE),
      );
      if (answered === 0) break;
      round.compared += answered;
      round.differ += confirmed.length;
      round.adopted += await this.#adopt(tenantKey, program, confirmed);
    }
    return round;
  }

  async #compare(
    tenantKey: string,
    program: PinnedProgram,
    ledgerKeys: readonly string[],
  ): Promise<{ answered: number; confirmed: Confirmed[] }> {
    const { database, records, onCompared } = this.#parts;
    const sql = database.read(tenantKey);
    const ledgers = await new LedgerReads(sql, tenantKey).byKeys(ledgerKeys);
    const told = await records.now(tenantKey, program, ledgers);
    const outcomes: { ledgerKey: string; outcome: keyof typeof AGAIN_AFTER }[] = [];
    const confirmed: Confirmed[] = [];
    let answered = 0;
    await database.transaction(tenantKey, async (tx) => {
      const [quiet, open] = await Promise.all([
        findQuiet(tx, tenantKey, ledgerKeys),
        findOpen(tx, tenantKey, ledgerKeys),
      ]);
      const stateOf = new Map(quiet.map((one) => [one.ledgerKey, one]));
      const beforeOf = new Map(open.map((one) => [one.ledgerKey, one]));
      for (const [index, ledger] of ledgers.entries()) {
        const { ledgerKey, memberKey, assetCode: asset, version } = ledger;
        const record = toldRecord(told[index]);
        const state = stateOf.get(ledgerKey);
        if (record === null) {
          outcomes.push({ ledgerKey, outcome: 'UNANSWERED' });
          continue;
        }
        answered += 1;
        if (state === undefined || state.isAsked || state.version !== version) {
          outcomes.push({ ledgerKey, outcome: 'BUSY' });
          continue;
        }
        const seen = { mirror: toBalance(ledger).available, record: record.available, version };
        const outcome = outcomeOf(beforeOf.get(ledgerKey) ?? null, seen);
        outcomes.push({ ledgerKey, outcome });
        if (outcome === 'AGREES') continue;
        const isConfirmed = outcome === 'CONFIRMED';
        const found = { tenantKey, ledgerKey, memberKey, asset, ...seen, isConfirmed };
        const differenceKey = await recordDifference(tx, found);
        if (isConfirmed) confirmed.push({ differenceKey, ledger, amount: seen.record - seen.mirror });
      }
      const agreeing = outcomes.filter(({ outcome }) => outcome === 'AGREES');
      await settleDifferences(
        tx,
        tenantKey,
        agreeing.map(({ ledgerKey }) => ledgerKey),
        'AGREED',
      );
      const checks = outcomes.map(({ ledgerKey, outcome }) => ({ ledgerKey, seconds: AGAIN_AFTER[outcome] }));
      await recordChecks(tx, tenantKey, checks);
    });
    for (const { outcome } of outcomes) onCompared(outcome);
    return { answered, confirmed };
  }

  /** Takes records over, where their assets say so; answers how many. */
  async #adopt(tenantKey: string, program: PinnedProgram, confirmed: readonly Confirmed[]): Promise<number> {
    const { database, mirrors, onCompared, onRefused } = this.#parts;
    let adopted = 0;
    for (const { differenceKey, ledger, amount } of confirmed) {
      const { memberKey, ledgerKey, assetCode: asset } = ledger;
      if (program.assets.get(asset)?.onDifference !== 'ADOPT' || !isInRange(amount)) continue;
      const id = toPublicId('mirrorDifference', differenceKey);
      const item = {
        ...{ idempotencyKey: `reconciled-${id}`, memberId: toPublicId('member', memberKey), asset, amount },
        ...{ reason: REASON, reference: { type: 'mirror-difference', id } },
      };
      const [result] = await mirrors.mirrorAll(contextOf(tenantKey), { items: [item] });
      if (result instanceof Error) {
        onRefused(tenantKey, result.message);
        continue;
      }
      await database.transaction(tenantKey, (tx) => settleDifferences(tx, tenantKey, [ledgerKey], 'ADOPTED'));
      onCompared('ADOPTED');
      adopted += 1;
    }
    return adopted;
  }
}

const REASON = 'RECONCILED';

function toldRecord(told: LedgerRecord | Error | null | undefined): LedgerRecord | null {
  return told === undefined || told instanceof Error ? null : told;
}

function contextOf(tenantKey: string) {
  const caller = { role: 'STAFF', memberKey: null, subject: 'reconciliation', expiresAt: null } as const;
  return { requestId: newKey(), tenantKey, caller, language: 'en' } as const;
}
