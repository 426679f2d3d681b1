import { refuse } from '../../kernel/errors.ts';
import { derivedKey } from '../../kernel/ids.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { CommitFacts, PinnedProgram } from '../programs/index.ts';
import { policyOf } from './asset.policy.ts';
import { writeDrafts } from './draft.repository.ts';
import { explanationOf, inputHashOf, paysBack, wholeOperations } from './draft-operation.ts';
import type { Hold } from './hold.entity.ts';
import { LedgerDraft, needsLots } from './ledger.policy.ts';
import {
  findMemberStatuses,
  findOpenLots,
  insertMissing,
  type LockedLedger,
  lockExisting,
  type WantedLedger,
} from './ledger.repository.ts';
import type { LedgerOperation } from './operation.entity.ts';
import { type LedgerState, type Posting, type ScheduledPosting, scheduled } from './posting.ts';
import { findReversalOrigins } from './reversal.repository.ts';

/** A ledger's key: derived from member and asset, so that both lead to it without a look-up. */
export function ledgerKeyOf(memberKey: string, asset: string): string {
  return derivedKey(memberKey, asset);
}

/** What was posted: one operation for each posting, in order, and what time had done before them. */
export interface Posted {
  readonly operations: readonly LedgerOperation[];
  readonly settled: readonly LedgerOperation[];
  /** The ledgers as the postings left them; feed positions are known once the transaction has committed. */
  readonly ledgers: readonly LedgerState[];
  /** The holds that were made or changed, as the postings left them. */
  readonly holds: readonly Hold[];
}

export interface PostingContext {
  readonly tenantKey: string;
  readonly program: PinnedProgram;
  /** Awaited before anything is decided; the ledgers are locked in the same round trip. */
  readonly facts: CommitFacts;
  /** What else the act counts for; the ledger has no use for it, who watches postings has. */
  readonly measures?: readonly Measure[];
  /** Who enrols in the same transaction: nobody else knows them, so nothing of theirs has to be locked. */
  readonly newcomers?: ReadonlySet<string>;
}

/** An amount toward a metric that is no asset: money spent, orders, activities. */
export interface Measure {
  readonly memberKey: string;
  /** As ladders name it: `spend` (in minor units), `orders`, `activities:sign_in`. */
  readonly metric: string;
  /** Below zero when something is taken back. */
  readonly amount: bigint;
  /** The moment that decides on which local day it counts; business time when null. */
  readonly countsAt: Date | null;
  /** The act that it is a part of, as with postings; none where only one is posted. */
  readonly act?: string;
}

type DraftContext = Omit<PostingContext, 'facts'> & {
  readonly now: Date;
  readonly inputHash?: Buffer | null;
};

/** The only way to change a balance. */
export interface LedgerWriter {
  /**
   * Posts within a transaction: all or nothing. The rows are written together with its COMMIT.
   * @throws Refusal MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, and what `LedgerDraft.apply` throws
   */
  post(tx: Transaction, context: PostingContext, postings: readonly Posting[]): Promise<Posted>;

  /** Makes operations of what time has done to these ledgers; nothing when it has done nothing. */
  settle(tx: Transaction, context: PostingContext, ledgerKeys: readonly string[]): Promise<Posted>;

  /** Whether a posting counts for more than its ledger; if not, it may be committed in a batch of many. */
  countsBeyond(program: PinnedProgram, posting: Posting): boolean;
}

/** One posting at a time in a transaction of its own: lock, work it out, write. */
export class TransactionalLedgerWriter implements LedgerWriter {
  async post(tx: Transaction, context: PostingContext, postings: readonly Posting[]): Promise<Posted> {
    if (postings.length === 0) return { operations: [], settled: [], ledgers: [], holds: [] };
    const touched = touchedBy(postings);
    const wanted = wantedLedgers(context.program, touched);
    const { newcomers = NOBODY } = context;
    const known = [...wanted.values()].filter(({ memberKey }) => !newcomers.has(memberKey));
    const memberKeys = [...new Set(postings.flatMap(membersTouched))].filter((key) => !newcomers.has(key));
    const [{ now, inputHash }, statuses, existing] = await Promise.all([
      context.facts,
      memberKeys.length === 0
        ? new Map<string, string>()
        : findMemberStatuses(tx, context.tenantKey, memberKeys),
      known.length === 0 ? [] : lockExisting(tx, context.tenantKey, keysOf(known)),
    ]);
    for (const memberKey of newcomers) statuses.set(memberKey, 'ACTIVE');
    for (const posting of postings) refuseUnfit(posting, statuses);
    const locked = existing.length === known.length ? existing : await this.#withMissing(tx, context, known);
    const fresh = [...wanted.values()].filter(({ memberKey }) => newcomers.has(memberKey));
    const made = fresh.map((one) => ({ ...newLedger(context.tenantKey, one), isNew: true }));
    const states = [...locked, ...made].sort(byKey);
    return await this.#draft(tx, { ...context, now, inputHash }, states, touched);
  }

  async settle(tx: Transaction, context: PostingContext, ledgerKeys: readonly string[]): Promise<Posted> {
    const [{ now }, states] = await Promise.all([
      context.facts,
      lockExisting(tx, context.tenantKey, ledgerKeys),
    ]);
    return await this.#draft(tx, { ...context, now }, states, new Map());
  }

  countsBeyond(): boolean {
    return false;
  }

  async #withMissing(
    tx: Transaction,
    { tenantKey }: PostingContext,
    wanted: readonly WantedLedger[],
  ): Promise<LockedLedger[]> {
    // In the order of their keys, as they are locked, so that two transactions can't wait for each other.
    const [, states] = await Promise.all([
      insertMissing(tx, tenantKey, wanted.toSorted(byKey)),
      lockExisting(tx, tenantKey, keysOf(wanted)),
    ]);
    return states;
  }

  async #draft(
    tx: Transaction,
    { tenantKey, program, now, inputHash }: DraftContext,
    locked: readonly LockedLedger[],
    touching: Touching,
  ): Promise<Posted> {
    const states = locked.map((row): LedgerState => ({ ...row, policy: policyOf(program, row.asset) }));
    const postings = [...touching.keys()];
    const plans = [...touching].map(([posting, ledgerKeys]) => {
      return { posting: scheduled(posting, program, now), ledgerKeys };
    });
    const plansOn = groupByLedger(plans);
    const withLots = new Set(
      states.flatMap((state) => {
        const own = (plansOn.get(state.ledgerKey) ?? []).map(({ posting }) => posting);
        return needsLots(state, own, now) || mayEndBetween(own, now) ? state.ledgerKey : [];
      }),
    );
    const fresh = new Set(states.flatMap(({ ledgerKey, isNew }) => (isNew === true ? ledgerKey : [])));
    const keys = [...withLots].filter((key) => !fresh.has(key));
    const reversed = postings.flatMap(({ reverses }) => reverses ?? []);
    const [lots, origins] = await Promise.all([
      keys.length === 0 ? [] : findOpenLots(tx, tenantKey, keys),
      reversed.length === 0 ? [] : findReversalOrigins(tx, tenantKey, keys, reversed),
    ]);
    const lotsOf = Map.groupBy(lots, ({ ledgerKey }) => ledgerKey);
    const originsOf = Map.groupBy(origins, ({ ledgerKey }) => ledgerKey);
    const drafts = new Map(
      states.map((state) => {
        const own = withLots.has(state.ledgerKey) ? (lotsOf.get(state.ledgerKey) ?? []) : null;
        return [state.ledgerKey, new LedgerDraft(state, own, now, originsOf.get(state.ledgerKey))];
      }),
    );
    for (const draft of drafts.values()) draft.settle();
    const acts = new Map<LedgerDraft, string>();
    for (const { posting, ledgerKeys } of plans) {
      const touched = ledgerKeys.flatMap((key) => drafts.get(key) ?? []);
      for (const draft of touched) {
        // What an act earned may be over already; the next one settles that, as if it came by itself.
        if (acts.has(draft) && acts.get(draft) !== actOf(posting) && draft.isDue) draft.settle();
        acts.set(draft, actOf(posting));
      }
      const [draft, receiver] = touched;
      draft?.apply(posting, receiver);
    }
    writeDrafts(tx, tenantKey, [...drafts.values()], { programVersion: program.version, now, inputHash });
    return new PostedDrafts([...drafts.values()], postings, { tenantKey, program, now, inputHash });
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function byKey(a: { readonly ledgerKey: string }, b: { readonly ledgerKey: string }): number {
  return a.ledgerKey < b.ledgerKey ? -1 : 1;
}

function keysOf(ledgers: readonly WantedLedger[]): string[] {
  return ledgers.map(({ ledgerKey }) => ledgerKey);
}

/** A ledger that there isn't yet. */
export function newLedger(
  tenantKey: string,
  { ledgerKey, memberKey, asset }: Omit<WantedLedger, 'floor'>,
): LockedLedger {
  const nothing = { posted: 0n, pending: 0n, held: 0n, debt: 0n, version: 0n };
  return { tenantKey, ledgerKey, memberKey, asset, ...nothing, recordedAt: null, settleAt: null };
}

/** Postings in their order, each with the ledgers that it changes. */
type Touching = ReadonlyMap<Posting, readonly string[]>;

/** A posting on its way, and the ledgers that it changes. */
interface Plan {
  readonly posting: ScheduledPosting;
  readonly ledgerKeys: readonly string[];
}

function groupByLedger(plans: readonly Plan[]): Map<string, Plan[]> {
  const grouped = new Map<string, Plan[]>();
  for (const plan of plans) {
    for (const key of plan.ledgerKeys) {
      const known = grouped.get(key);
      if (known === undefined) grouped.set(key, [plan]);
      else known.push(plan);
    }
  }
  return grouped;
}

function actOf({ act, activityKey }: Posting): string {
  return act ?? activityKey ?? '';
}

/** Whether something that one act earns is over before the next act on the same ledger: history, mostly. */
function mayEndBetween(postings: readonly ScheduledPosting[], now: Date): boolean {
  const [first, ...others] = postings;
  if (first === undefined || others.every((one) => actOf(one) === actOf(first))) return false;
  return postings.some(({ expiresAt }) => expiresAt !== null && expiresAt <= now);
}

function wantedLedgers(program: PinnedProgram, touching: Touching): Map<string, WantedLedger> {
  const wanted = new Map<string, WantedLedger>();
  for (const [posting, ledgerKeys] of touching) {
    const { asset } = posting;
    for (const [index, memberKey] of membersTouched(posting).entries()) {
      const ledgerKey = ledgerKeys[index];
      if (ledgerKey === undefined || wanted.has(ledgerKey)) continue;
      wanted.set(ledgerKey, { ledgerKey, memberKey, asset, floor: policyOf(program, asset).floor });
    }
  }
  return wanted;
}

/** The member, and who receives it where it is given to another. */
function membersTouched({ memberKey, toMemberKey }: Posting): string[] {
  return toMemberKey === undefined ? [memberKey] : [memberKey, toMemberKey];
}

/** The ledgers that each posting changes; each one's key is derived once. */
function touchedBy(postings: readonly Posting[]): Touching {
  const derived = new Map<string, string>();
  const keyOf = (memberKey: string, asset: string): string => {
    const name = `${memberKey} ${asset}`;
    const key = derived.get(name) ?? ledgerKeyOf(memberKey, asset);
    derived.set(name, key);
    return key;
  };
  return new Map(
    postings.map((posting) => [
      posting,
      membersTouched(posting).map((memberKey) => keyOf(memberKey, posting.asset)),
    ]),
  );
}

/**
 * A release neither earns nor spends, nor does what falls due: they are for every member, and so is what has
 * happened elsewhere.
 */
function refuseUnfit(posting: Posting, statuses: ReadonlyMap<string, string>): void {
  if (posting.kind === 'RELEASE' || posting.kind === 'MATURE') return;
  const { memberField = ['memberId'], toMemberKey } = posting;
  // Whoever tells us of it may name somebody whom we don't know.
  if (posting.mirrors === true) {
    if (!statuses.has(posting.memberKey)) throw refuse('MEMBER_NOT_FOUND', memberField);
    return;
  }
  refuseInactive([posting.memberKey], statuses, memberField);
  const toField = posting.kind === 'TRANSFER' ? ['toMemberId'] : memberField;
  if (toMemberKey !== undefined) refuseInactive([toMemberKey], statuses, toField);
}

/** @throws Refusal MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE */
export function refuseInactive(
  memberKeys: readonly string[],
  statuses: ReadonlyMap<string, string>,
  field: readonly string[] = ['memberId'],
): void {
  for (const memberKey of memberKeys) {
    const status = statuses.get(memberKey);
    if (status === undefined) throw refuse('MEMBER_NOT_FOUND', field);
    if (status !== 'ACTIVE') throw refuse('MEMBER_NOT_ACTIVE', field, { status });
  }
}

/**
 * What drafts have come to: an operation for each posting, in order, and what time had done. It is worked out
 * for who looks at it: those who record many activities don't. A class, because getters of an object literal
 * would be kept, with all that they see, until everything is collected: each has a hidden class of its own.
 */
export class PostedDrafts implements Posted {
  readonly #drafts: readonly LedgerDraft[];
  readonly #postings: readonly Posting[];
  readonly #context: DraftContext;
  #known: Pick<Posted, 'operations' | 'settled'> | null = null;

  constructor(drafts: readonly LedgerDraft[], postings: readonly Posting[], context: DraftContext) {
    this.#drafts = drafts;
    this.#postings = postings;
    this.#context = context;
  }

  get operations(): readonly LedgerOperation[] {
    return this.#made.operations;
  }

  get settled(): readonly LedgerOperation[] {
    return this.#made.settled;
  }

  get ledgers(): readonly LedgerState[] {
    return this.#drafts.map(({ state }) => state);
  }

  get holds(): readonly Hold[] {
    return this.#drafts.flatMap(({ newHolds, changedHolds }) => [...newHolds, ...changedHolds]);
  }

  get #made(): Pick<Posted, 'operations' | 'settled'> {
    this.#known ??= toOperations(this.#drafts, this.#postings, this.#context);
    return this.#known;
  }
}

function toOperations(
  drafts: readonly LedgerDraft[],
  postings: readonly Posting[],
  context: DraftContext,
): Pick<Posted, 'operations' | 'settled'> {
  const taken = Map.groupBy(
    drafts.flatMap(({ allocations }) => allocations),
    ({ operationKey }) => operationKey,
  );
  const made = wholeOperations(drafts).map((operation): LedgerOperation => {
    const { operationKey, kind, posting, entries } = operation;
    return {
      tenantKey: context.tenantKey,
      operationKey,
      kind,
      programVersion: context.program.version,
      activityKey: posting?.activityKey ?? null,
      reason: posting?.reason ?? null,
      referenceType: posting?.reference?.type ?? null,
      referenceId: posting?.reference?.id ?? null,
      refOperationKey: posting?.reverses ?? null,
      storedExplanation: explanationOf(operation),
      paysBack: paysBack(operation),
      ledgerKeys: entries.map(({ ledgerKey }) => ledgerKey),
      versions: entries.map(({ version }) => version),
      createdAt: context.now,
      inputHash: inputHashOf(operation, context),
      writtenEntries: entries,
      writtenAllocations: (taken.get(operationKey) ?? []).flatMap(({ lot, amount }) =>
        amount === 0n ? [] : [{ lot, amount }],
      ),
    };
  });
  const order = new Map(postings.map(({ operationKey }, index) => [operationKey, index]));
  const isAsked = ({ operationKey }: LedgerOperation): boolean => order.has(operationKey);
  const operations = made
    .filter(isAsked)
    .sort((a, b) => (order.get(a.operationKey) ?? 0) - (order.get(b.operationKey) ?? 0));
  return { operations, settled: made.filter((operation) => !isAsked(operation)) };
}
