import { refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import type { Transaction } from '../../persistence/index.ts';
import { isExternal, type PinnedProgram } from '../programs/index.ts';
import { lockExisting } from './ledger.repository.ts';
import { type LedgerWriter, ledgerKeyOf, type Posted, type PostingContext } from './ledger-writer.ts';
import type { Posting } from './posting.ts';
import type { ChangeKind } from './record-change.entity.ts';
import { findGivenUp, findUnsettled, type NewChange, sendChanges } from './record-change.repository.ts';
import { findReversalOrigins } from './reversal.repository.ts';

/** When a credit falls due that another system is asked for: no sooner than it answers. */
export const WHEN_ANSWERED = new Date('9999-12-31T00:00:00.000Z');

/** A change of a record that is kept elsewhere, and the posting that stands for it until it is settled. */
interface Asked {
  readonly posting: Posting;
  readonly kind: ChangeKind;
  /** With its sign. */
  readonly amount: bigint;
  readonly reversesKey: string | null;
  readonly countsAt: Date | null;
}

/**
 * Posts as the writer within it does. Where another system keeps the record of an asset, what is to change is
 * written down to be asked for: a credit as pending, a debit as a hold, neither with an end. Whatever posts,
 * posts through it; what can't be asked for is refused.
 */
export class ExternalLedgerWriter implements LedgerWriter {
  readonly #inner: LedgerWriter;

  constructor(inner: LedgerWriter) {
    this.#inner = inner;
  }

  /** @throws Refusal RECORD_ELSEWHERE, RECORD_UNSETTLED, and what the writer within throws */
  async post(tx: Transaction, context: PostingContext, postings: readonly Posting[]): Promise<Posted> {
    const elsewhere = await this.#toAsk(tx, context, postings);
    if (elsewhere.length === 0) return await this.#inner.post(tx, context, postings);
    const takenBack = elsewhere.filter(({ kind }) => kind === 'REVERSE');
    const amounts = takenBack.length === 0 ? new Map() : await amountsOf(tx, context, takenBack);
    const asked = new Map(
      elsewhere.flatMap((posting) => {
        const change = toAsked(posting, amounts.get(posting) ?? posting.amount);
        return change === null ? [] : [[posting, change] as const];
      }),
    );
    const left = postings.flatMap((posting) =>
      elsewhere.includes(posting) ? (asked.get(posting)?.posting ?? []) : [posting],
    );
    const posted = await this.#inner.post(tx, context, left);
    const changes = [...asked.values()].map((one) => toChange(one, posted));
    if (changes.length > 0) sendChanges(tx, context.tenantKey, changes);
    return posted;
  }

  /** What is to be asked for. What a person ends, since nobody answered about it, happened there or didn't. */
  async #toAsk(
    tx: Transaction,
    { tenantKey, program }: PostingContext,
    postings: readonly Posting[],
  ): Promise<readonly Posting[]> {
    const own = postings.filter((posting) => posting.mirrors !== true && isElsewhere(program, posting));
    const ends = own.filter(({ kind }) => kind === 'CAPTURE' || kind === 'RELEASE');
    if (ends.length === 0) return own;
    const holdKeys = ends.map(({ hold }) => hold?.holdKey ?? '');
    const over = await findGivenUp(tx, tenantKey, holdKeys);
    return own.filter((posting) => !ends.includes(posting) || !over.has(posting.hold?.holdKey ?? ''));
  }

  async settle(tx: Transaction, context: PostingContext, ledgerKeys: readonly string[]): Promise<Posted> {
    return await this.#inner.settle(tx, context, ledgerKeys);
  }

  countsBeyond(program: PinnedProgram, posting: Posting): boolean {
    return isElsewhere(program, posting) || this.#inner.countsBeyond(program, posting);
  }
}

/** Whether another system keeps the record of what is posted. */
export function isElsewhere({ assets }: PinnedProgram, { asset }: Pick<Posting, 'asset'>): boolean {
  const definition = assets.get(asset);
  return definition !== undefined && isExternal(definition);
}

/** Null where it comes to nothing. @throws Refusal RECORD_ELSEWHERE */
function toAsked(posting: Posting, amount: bigint): Asked | null {
  const { kind, asset, availableAt = null, availableAfter = null, expiresAt = null } = posting;
  const isMoved = availableAt !== null || availableAfter !== null || expiresAt !== null;
  if (isMoved || posting.availableOn != null || !isAskable(kind)) {
    throw refuse('RECORD_ELSEWHERE', ['asset'], { asset });
  }
  const countsAt = posting.countsAt ?? posting.occurredAt;
  if (kind === 'EARN' || (kind === 'ADJUST' && amount > 0n)) {
    const credited = { ...posting, availableAt: WHEN_ANSWERED };
    return { posting: credited, kind, amount, reversesKey: null, countsAt };
  }
  if (amount === 0n) return null;
  const taken = amount < 0n ? -amount : amount;
  const { reverses = null, reversedKind: _kind, whole: _whole, explain, ...rest } = posting;
  const explanation = explain?.(taken) ?? posting.explanation;
  const hold = { holdKey: newKey() };
  const reserved: Posting = { ...rest, kind: 'HOLD', amount: taken, hold, explanation };
  return { posting: reserved, kind, amount: -taken, reversesKey: reverses, countsAt };
}

function isAskable(kind: Posting['kind']): kind is ChangeKind {
  return kind === 'EARN' || kind === 'REDEEM' || kind === 'ADJUST' || kind === 'REVERSE';
}

/**
 * How much can be taken back of each of these credits, with their ledgers locked: what is left of them, as
 * far as the balance goes. What is open can't be taken back before it is answered.
 * @throws Refusal RECORD_ELSEWHERE, RECORD_UNSETTLED, INSUFFICIENT_BALANCE, REVERSAL_EXCEEDS_ORIGINAL
 */
async function amountsOf(
  tx: Transaction,
  { tenantKey }: PostingContext,
  postings: readonly Posting[],
): Promise<Map<Posting, bigint>> {
  const ledgerKeys = [...new Set(postings.map(({ memberKey, asset }) => ledgerKeyOf(memberKey, asset)))];
  const states = await lockExisting(tx, tenantKey, ledgerKeys);
  const undone = postings.flatMap(({ reverses }) => reverses ?? []);
  const [origins, unsettled] = await Promise.all([
    findReversalOrigins(tx, tenantKey, ledgerKeys, undone),
    findUnsettled(tx, tenantKey, undone),
  ]);
  const free = new Map(states.map(({ ledgerKey, posted, held }) => [ledgerKey, posted - held]));
  return new Map(
    postings.map((posting) => {
      const { asset, reverses, memberKey, amount, whole } = posting;
      const origin = origins.find(({ operationKey }) => operationKey === reverses);
      if (origin === undefined || origin.isSpend || posting.toMemberKey !== undefined)
        throw refuse('RECORD_ELSEWHERE', ['asset'], { asset });
      if (unsettled.has(origin.operationKey)) throw refuse('RECORD_UNSETTLED', null, { asset });
      const isByHand = posting.reversedKind !== undefined;
      const rest = origin.original - origin.reversed;
      const wanted = whole === true ? rest : amount;
      if (isByHand && (wanted > rest || wanted === 0n)) {
        throw refuse('REVERSAL_EXCEEDS_ORIGINAL', [whole === true ? 'operationId' : 'amount'], {
          rest: String(rest),
        });
      }
      const ledgerKey = ledgerKeyOf(memberKey, asset);
      const available = free.get(ledgerKey) ?? 0n;
      const taken = [wanted, rest, available > 0n ? available : 0n].reduce((a, b) => (a < b ? a : b));
      if (isByHand && taken === 0n)
        throw refuse('INSUFFICIENT_BALANCE', ['amount'], {
          available: String(available),
          required: String(wanted),
        });
      free.set(ledgerKey, available - taken);
      return [posting, taken];
    }),
  );
}

function toChange({ posting, ...asked }: Asked, { operations }: Posted): NewChange {
  const { operationKey, memberKey, asset, hold } = posting;
  const made = operations.find((operation) => operation.operationKey === operationKey);
  const [ledgerKey] = made?.ledgerKeys ?? [];
  const [version] = made?.versions ?? [];
  if (ledgerKey === undefined || version === undefined) throw new Error('A change has no operation.');
  const holdKey = hold?.holdKey ?? null;
  return { ...asked, operationKey, ledgerKey, version, memberKey, asset, holdKey };
}
