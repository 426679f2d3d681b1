import { Refusal } from '../../kernel/errors.ts';
import {
  type BoundKey,
  bindToOperations,
  findBound,
  type IdempotentRequest,
  resultFor,
  type Transaction,
} from '../../persistence/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import { PLAIN_POLICY, policyOf } from './asset.policy.ts';
import { writeDrafts } from './draft.repository.ts';
import { LedgerDraft, looksAtLots, needsLots } from './ledger.policy.ts';
import { findMemberStatuses, findOpenLots, lockExisting } from './ledger.repository.ts';
import { newLedger, PostedDrafts, refuseInactive } from './ledger-writer.ts';
import { insertNew } from './new-ledger.repository.ts';
import type { LedgerOperation } from './operation.entity.ts';
import { type LedgerState, type LotState, type Posting, scheduled } from './posting.ts';

/** What is kept of a request under its key: the operation that it made. */
export interface StoredOperation {
  readonly operation: string;
}

/** A posting by hand, ready to be committed together with others. */
export interface HandPosting {
  readonly request: IdempotentRequest;
  /** Its operation's key is the request's: who looks for the one finds the other. */
  readonly posting: Posting;
  readonly ledgerKey: string;
  /** What it was proposed under; in force still, or it has to be proposed again. */
  readonly program: PinnedProgram;
}

/** What became of one posting of a batch. */
export type Outcome =
  | { readonly became: 'WRITTEN'; readonly operation: LedgerOperation }
  | { readonly became: 'REPLAYED'; readonly stored: StoredOperation }
  | { readonly became: 'REFUSED'; readonly refusal: Refusal }
  /** Another program came into force: `moved` says so to `ProgramService.underProgram`. */
  | { readonly became: 'MOVED'; readonly moved: unknown };

/** What a batch finds, with its ledgers locked. */
interface Found {
  readonly now: Date;
  readonly states: readonly LedgerState[];
  /** The keys that are bound, by themselves. */
  readonly bound: Map<string, BoundKey>;
  readonly statuses: ReadonlyMap<string, string>;
  readonly lots: readonly LotState[];
  /** The ledgers whose lots were read. */
  readonly withLots: ReadonlySet<string>;
  /** Why postings proposed under a version must be proposed again, by that version. */
  readonly moved: ReadonlyMap<number, unknown>;
}

/** What a batch is going to write. */
interface Drafted {
  readonly drafts: ReadonlyMap<string, LedgerDraft>;
  readonly accepted: HandPosting[];
  /** The drafts of what was accepted: time alone is not written, as if nobody had asked. */
  readonly changed: Set<LedgerDraft>;
}

/**
 * Posts what many callers of a tenant asked for in one transaction, in their order: lock and read, decide,
 * write with the COMMIT. A refusal is that posting's answer: it binds no key, writes nothing and costs its
 * neighbours nothing. When another transaction binds one of the keys or makes one of the ledgers meanwhile, a
 * unique constraint breaks the batch: it is to be run again, and finds it.
 */
export async function postBatch(
  tx: Transaction,
  tenantKey: string,
  programs: Pick<ProgramService, 'recheck'>,
  batch: readonly HandPosting[],
): Promise<Outcome[]> {
  const found = await lockAndRead(tx, tenantKey, programs, batch);
  const drafted: Drafted = { drafts: draftsOf(tenantKey, found, batch), accepted: [], changed: new Set() };
  for (const draft of drafted.drafts.values()) draft.settle();
  const outcomes = batch.map((one) => decide(one, found, drafted));
  const written = write(tx, tenantKey, found, drafted);
  return outcomes.map((outcome, index) => outcome ?? writtenOf(written, batch[index]));
}

/** One round trip; a second one where time has done something to a ledger that nobody spends from. */
async function lockAndRead(
  tx: Transaction,
  tenantKey: string,
  programs: Pick<ProgramService, 'recheck'>,
  batch: readonly HandPosting[],
): Promise<Found> {
  const distinct = (pick: (one: HandPosting) => string): string[] => [...new Set(batch.map(pick))];
  const looking = batch.filter(({ posting, program }) =>
    looksAtLots(posting, policyOf(program, posting.asset)),
  );
  const spent = new Set(looking.map(({ ledgerKey }) => ledgerKey));
  // The keys are looked up behind the locks: whoever held a ledger for the same request has committed then.
  const [{ now }, locked, bound, statuses, lots] = await Promise.all([
    tx.facts,
    lockExisting(
      tx,
      tenantKey,
      distinct(({ ledgerKey }) => ledgerKey),
    ),
    findBound(
      tx,
      tenantKey,
      distinct(({ request }) => request.key),
    ),
    findMemberStatuses(
      tx,
      tenantKey,
      distinct(({ posting }) => posting.memberKey),
    ),
    spent.size === 0 ? [] : findOpenLots(tx, tenantKey, [...spent]),
  ]);
  const moved = await movedVersions(tx, programs, batch);
  const inForce = batch.find(({ program }) => !moved.has(program.version))?.program;
  const states = locked.map((row): LedgerState => {
    return { ...row, policy: inForce === undefined ? PLAIN_POLICY : policyOf(inForce, row.asset) };
  });
  const due = states.filter((state) => !spent.has(state.ledgerKey) && needsLots(state, [], now));
  const dueKeys = due.map(({ ledgerKey }) => ledgerKey);
  const lotsOfDue = dueKeys.length === 0 ? [] : await findOpenLots(tx, tenantKey, dueKeys);
  return {
    ...{ now, states, statuses },
    bound: new Map(bound.map((one) => [one.key, one])),
    lots: [...lots, ...lotsOfDue],
    withLots: new Set([...spent, ...dueKeys]),
    moved,
  };
}

async function movedVersions(
  tx: Transaction,
  programs: Pick<ProgramService, 'recheck'>,
  batch: readonly HandPosting[],
): Promise<Map<number, unknown>> {
  const moved = new Map<number, unknown>();
  const proposedUnder = new Map(batch.map(({ program }) => [program.version, program]));
  for (const program of proposedUnder.values()) {
    await programs.recheck(tx, program).catch((error: unknown) => moved.set(program.version, error));
  }
  return moved;
}

/** A draft for each ledger; those that there aren't yet are written only if something is posted to them. */
function draftsOf(
  tenantKey: string,
  { now, states, lots, withLots }: Found,
  batch: readonly HandPosting[],
): Map<string, LedgerDraft> {
  const lotsOf = Map.groupBy(lots, ({ ledgerKey }) => ledgerKey);
  const drafts = new Map<string, LedgerDraft>();
  for (const state of states) {
    const own = withLots.has(state.ledgerKey) ? (lotsOf.get(state.ledgerKey) ?? []) : null;
    drafts.set(state.ledgerKey, new LedgerDraft(state, own, now));
  }
  for (const { ledgerKey, posting, program } of batch) {
    if (drafts.has(ledgerKey)) continue;
    const { memberKey, asset } = posting;
    const state = newLedger(tenantKey, { ledgerKey, memberKey, asset });
    drafts.set(ledgerKey, new LedgerDraft({ ...state, policy: policyOf(program, asset) }, [], now));
  }
  return drafts;
}

/** Decides on one posting; null when it was accepted, and its draft has it. */
function decide(one: HandPosting, found: Found, drafted: Drafted): Outcome | null {
  const { request, posting, ledgerKey, program } = one;
  try {
    const bound = found.bound.get(request.key);
    if (bound !== undefined) return { became: 'REPLAYED', stored: resultFor(request, bound) };
    if (found.moved.has(program.version)) return { became: 'MOVED', moved: found.moved.get(program.version) };
    refuseInactive([posting.memberKey], found.statuses);
    const draft = drafted.drafts.get(ledgerKey);
    if (draft === undefined) throw new Error(`The batch has no draft of the ledger ${ledgerKey}.`);
    // What came over before it was earned is gone for what follows, as it is in a transaction of its own.
    if (needsLots(draft.state, [], found.now)) draft.settle();
    draft.apply(scheduled({ ...posting, inputHash: request.hash }, program, found.now));
    drafted.changed.add(draft);
    drafted.accepted.push(one);
    // What follows in this batch under the same key finds it bound.
    const stored: StoredOperation = { operation: request.key };
    found.bound.set(request.key, { ...request, result: stored });
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { became: 'REFUSED', refusal: error };
  }
}

/** Sends the rows on their way with the COMMIT; what was written, by operation. */
function write(
  tx: Transaction,
  tenantKey: string,
  { now, states }: Found,
  { accepted, changed }: Drafted,
): Map<string, LedgerOperation> {
  const [first] = accepted;
  if (first === undefined) return new Map();
  const { program } = first;
  const drafts = [...changed];
  const keys = accepted.map(({ request: { key } }) => key);
  bindToOperations(tx, tenantKey, keys);
  const existing = new Set(states.map(({ ledgerKey }) => ledgerKey));
  const fresh = drafts.map(({ state }) => state).filter(({ ledgerKey }) => !existing.has(ledgerKey));
  // Nobody waits for this: if it fails, the transaction tells so at its end.
  if (fresh.length > 0) insertNew(tx, tenantKey, fresh).catch(() => undefined);
  writeDrafts(tx, tenantKey, drafts, { programVersion: program.version, now });
  const postings = accepted.map(({ posting }) => posting);
  const { operations } = new PostedDrafts(drafts, postings, { tenantKey, program, now });
  return new Map(operations.map((operation) => [operation.operationKey, operation]));
}

function writtenOf(written: ReadonlyMap<string, LedgerOperation>, one: HandPosting | undefined): Outcome {
  const operation = written.get(one?.posting.operationKey ?? '');
  if (operation === undefined) throw new Error('An operation that must be there is missing.');
  return { became: 'WRITTEN', operation };
}
