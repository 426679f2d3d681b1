import { LRUCache } from 'lru-cache';
import {
  type Answer,
  type Answerers,
  type GrowthReadInput,
  type GrowthReadOutput,
  growthRead,
  type PointsReadInput,
  type PointsReadOutput,
  pointsRead,
  type Question,
} from '../../extension/index.ts';
import { newKey, toPublicId } from '../../kernel/ids.ts';
import { isStorable } from '../../kernel/text.ts';
import { type AskedTier, type ExpressionFacts, toFacts, toldMember } from '../expressions/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { AskingParts } from './act-asking.ts';
import { type FoundMember, findAskedMembers } from './asked-member.repository.ts';

/** How long an answer may be told again. One that our mirror has moved behind is asked for anew. */
const FRESH_MS = 5_000;
const MOST_REMEMBERED = 10_000;
/** How many ledgers of one request are asked about at once: as many as a webhook keeps connections. */
const MOST_AT_ONCE = 16;

/** A ledger whose record is asked for; `version` is the mirror's. */
export interface MirroredLedger {
  readonly ledgerKey: string;
  readonly memberKey: string;
  readonly assetCode: string;
  readonly version: bigint;
}

/** What the system that keeps a ledger's record answered. */
export interface LedgerRecord {
  readonly available: bigint;
  /** Null where it doesn't say. */
  readonly held: bigint | null;
  readonly expiringSoon: readonly { readonly amount: bigint; readonly expiresAt: Date }[];
  /** Business time when it was asked. */
  readonly asOf: Date;
}

/** A page of the log that such a system keeps, by the reference of the line that it begins behind. */
export interface LogPage {
  readonly first: number;
  readonly after: string | null;
}

export interface RecordLine {
  readonly reference: string;
  readonly amount: bigint;
  readonly occurredAt: Date;
  readonly reason: string | null;
}

/** A member who is asked about, with the tier in the primary ladder. */
interface Subject {
  readonly found: FoundMember;
  readonly tier: AskedTier | null;
}

/**
 * Asks the systems that keep the records of EXTERNAL assets, with no transaction open. Null always means that
 * nobody answered, or nobody who knows the member: the mirror is all that can be told.
 */
export class RecordReading {
  readonly #parts: AskingParts;
  readonly #known = new LRUCache<string, LedgerRecord>({ max: MOST_REMEMBERED, ttl: FRESH_MS });

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /**
   * The records of several ledgers, as they were told within the last seconds; an error where an extension
   * failed that fails closed.
   */
  async recent(
    tenantKey: string,
    program: PinnedProgram,
    ledgers: readonly MirroredLedger[],
  ): Promise<(LedgerRecord | null | Error)[]> {
    const idOf = ({ ledgerKey, version }: MirroredLedger): string => `${tenantKey} ${ledgerKey} ${version}`;
    const known = new Map(ledgers.map((ledger) => [ledger, this.#known.get(idOf(ledger)) ?? null]));
    const unknown = ledgers.filter((ledger) => known.get(ledger) === null);
    const told = await this.now(tenantKey, program, unknown);
    const answers = new Map<MirroredLedger, LedgerRecord | null | Error>(known);
    unknown.forEach((ledger, index) => {
      const answer = told[index] ?? null;
      if (answer !== null && !(answer instanceof Error)) this.#known.set(idOf(ledger), answer);
      answers.set(ledger, answer);
    });
    return ledgers.map((ledger) => answers.get(ledger) ?? null);
  }

  /** The same, asked for now. */
  async now(
    tenantKey: string,
    program: PinnedProgram,
    ledgers: readonly MirroredLedger[],
  ): Promise<(LedgerRecord | null | Error)[]> {
    const { asker } = this.#parts;
    const grows = (ledger: MirroredLedger): boolean => isGrowth(program, ledger);
    const [points, growth] = await Promise.all([
      ledgers.every(grows) ? null : asker.find(tenantKey, pointsRead),
      ledgers.some(grows) ? asker.find(tenantKey, growthRead) : null,
    ]);
    const asked = ledgers.filter((ledger) => (grows(ledger) ? growth : points) !== null);
    if (asked.length === 0) return ledgers.map(() => null);
    const subjects = await this.#subjects(tenantKey, program, asked);
    const answers = new Map<MirroredLedger, LedgerRecord | null | Error>();
    const queue = asked.values();
    const work = async (): Promise<void> => {
      for (const ledger of queue) {
        const subject = subjects.get(ledger.memberKey);
        if (subject === undefined) continue;
        const answer = grows(ledger)
          ? askGrowth(growth, program, ledger, subject)
          : askPoints(points, program, ledger, subject, null).then(toRecord(subject));
        answers.set(ledger, await answer.catch(asError));
      }
    };
    await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, asked.length) }, work));
    return ledgers.map((ledger) => answers.get(ledger) ?? null);
  }

  /**
   * A page of the log that is kept elsewhere, newest first; null where nobody keeps one, as of growth.
   * @throws Refusal EXTENSION_UNAVAILABLE
   */
  async log(
    tenantKey: string,
    program: PinnedProgram,
    ledger: MirroredLedger,
    page: LogPage,
  ): Promise<RecordLine[] | null> {
    if (isGrowth(program, ledger)) return null;
    const points = await this.#parts.asker.find(tenantKey, pointsRead);
    if (points === null) return null;
    const subject = (await this.#subjects(tenantKey, program, [ledger])).get(ledger.memberKey);
    if (subject === undefined) return null;
    const output = await askPoints(points, program, ledger, subject, page);
    return output?.log?.slice(0, page.first).map(toLine) ?? null;
  }

  async #subjects(
    tenantKey: string,
    program: PinnedProgram,
    ledgers: readonly MirroredLedger[],
  ): Promise<Map<string, Subject>> {
    const memberKeys = [...new Set(ledgers.map(({ memberKey }) => memberKey))];
    const [members, tiers] = await Promise.all([
      findAskedMembers(this.#parts.database.read(tenantKey), tenantKey, memberKeys),
      this.#parts.tiersOf(tenantKey, program, memberKeys),
    ]);
    return new Map(
      members.map((found) => [found.memberKey, { found, tier: tiers.get(found.memberKey) ?? null }]),
    );
  }
}

function isGrowth({ assets }: PinnedProgram, { assetCode }: MirroredLedger): boolean {
  return assets.get(assetCode)?.kind === 'GROWTH';
}

type PointsAnswerers = Answerers<ExpressionFacts, PointsReadInput, PointsReadOutput>;
type GrowthAnswerers = Answerers<ExpressionFacts, GrowthReadInput, GrowthReadOutput>;

async function askPoints(
  answerers: PointsAnswerers | null,
  program: PinnedProgram,
  { assetCode }: MirroredLedger,
  subject: Subject,
  page: LogPage | null,
): Promise<PointsReadOutput | null> {
  const input = { member: toldSubject(subject), asset: assetCode, log: page };
  const answers = await answerers?.ask(input, {
    ...questionOf('points_read', program, subject),
    enough: ({ available }) => available !== null,
  });
  return counting(answers);
}

async function askGrowth(
  answerers: GrowthAnswerers | null,
  program: PinnedProgram,
  { assetCode }: MirroredLedger,
  subject: Subject,
): Promise<LedgerRecord | null> {
  const input = { member: toldSubject(subject), asset: assetCode };
  const answers = await answerers?.ask(input, {
    ...questionOf('growth_read', program, subject),
    enough: ({ current }) => current !== null,
  });
  const output = counting(answers);
  return toRecord(subject)(output === null ? null : { available: output.current });
}

/** What the last says: those before it don't know the member. What stands in for a failure is no record. */
function counting<Out>(answers: readonly Answer<Out>[] | undefined): Out | null {
  const last = answers?.at(-1);
  return last === undefined || last.isFallback ? null : last.output;
}

function questionOf<Out>(
  trigger: string,
  { definition: { timeZone } }: PinnedProgram,
  { found: { now, ...member }, tier }: Subject,
): Question<ExpressionFacts, Out> {
  const publicId = toPublicId('member', member.memberKey);
  const nowhere = { channel: null, store: null, orderNumber: null, lines: [] };
  const happening = { trigger, amount: null, occurredAt: null, ...nowhere };
  return {
    ...{ mode: 'LIVE', idempotencyKey: `read-${newKey()}`, subject: publicId, now },
    facts: () => toFacts({ member, publicId, happening, tier }, now, timeZone),
    judge: (output) => (isStorable(output) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} }),
  };
}

function toldSubject({ found: { now: _, ...member }, tier }: Subject): PointsReadInput['member'] {
  return toldMember(member, toPublicId('member', member.memberKey), tier);
}

function toRecord({ found: { now } }: Subject) {
  return (output: Omit<PointsReadOutput, 'log'> | null): LedgerRecord | null => {
    if (output === null || output.available === null) return null;
    const { available, held, expiringSoon = [] } = output;
    return {
      available: BigInt(available),
      held: held === undefined ? null : BigInt(held),
      expiringSoon: expiringSoon.map(({ amount, expiresAt }) => ({
        amount: BigInt(amount),
        expiresAt: new Date(expiresAt),
      })),
      asOf: now,
    };
  };
}

function toLine(line: NonNullable<PointsReadOutput['log']>[number]): RecordLine {
  const { reference, amount, occurredAt, reason } = line;
  return { reference, amount: BigInt(amount), occurredAt: new Date(occurredAt), reason: reason ?? null };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
