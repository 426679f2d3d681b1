import type { FeedListener } from '../../events/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import {
  type BoundKey,
  bindKeys,
  type Database,
  findAnswers,
  type IdempotentRequest,
  idempotentRequest,
  resultFor,
} from '../../persistence/index.ts';
import { businessNow } from '../members/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import { rulesFor } from '../rules/index.ts';
import { refuseLongSource } from '../shared/index.ts';
import type { RecordActivityInput } from './activity.inputs.ts';
import { REFUND, refuseBadMoment, refuseBadType } from './activity.policy.ts';
import { findKnownOrders } from './activity.repository.ts';
import { nameOf } from './member-finder.ts';
import type { Recorded, RecordOptions } from './recorded.ts';
import { type ActivityProposal, type Known, type Recording, toStored } from './recording.ts';

/** How many members' activities are proposed at once: an extension may be asked about each who is new. */
const MOST_PROPOSED_AT_ONCE = 32;

interface Line {
  readonly place: number;
  readonly input: RecordActivityInput;
  readonly request: IdempotentRequest;
}

type Outcomes = Map<Line, Refusal | null>;

interface ProposedLine {
  readonly line: Line;
  readonly proposal: ActivityProposal;
}

/** What lines are judged by before they are proposed. */
interface Found {
  readonly known: Known;
  readonly bound: ReadonlyMap<string, BoundKey>;
  readonly now: Date;
  /** Orders that are recorded already. */
  readonly orders: ReadonlySet<string>;
  /** The first line with each key, and of each order. */
  readonly firstWith: ReadonlyMap<string, Line>;
}

/** The lines of one go, by what becomes of them. */
interface Sorted {
  /** Known without a commit: replays, and what was refused. */
  readonly done: Outcomes;
  readonly together: ProposedLine[];
  /** They go through `record` once the others are committed. */
  readonly alone: Line[];
  /** They must see what lines before them leave, so they wait for the next go. */
  readonly rest: Line[];
}

/** How one activity is recorded by itself. */
type RecordOne = (
  ctx: RequestContext,
  input: RecordActivityInput,
  options: RecordOptions,
) => Promise<Recorded>;

export interface TogetherParts {
  readonly database: Database;
  readonly programs: ProgramService;
  readonly listener: FeedListener;
}

/** Records many activities of a tenant, as many in one transaction as can be. */
export class RecordingTogether {
  readonly #parts: TogetherParts;
  readonly #recording: Recording;
  readonly #record: RecordOne;

  constructor(parts: TogetherParts, recording: Recording, record: RecordOne) {
    this.#parts = parts;
    this.#recording = recording;
    this.#record = record;
  }

  /** For each activity why it was refused; null where it is recorded, now or before. */
  async recordAll(
    ctx: RequestContext,
    inputs: readonly RecordActivityInput[],
    options: RecordOptions,
  ): Promise<(Refusal | null)[]> {
    const refused = new Map<number, Refusal>();
    const lines = inputs.flatMap((input, place): Line[] => {
      try {
        refuseBadType(input.type, options.isOwn === true);
        refuseLongSource(input.source);
        return [{ place, input, request: idempotentRequest('recordActivity', input) }];
      } catch (error) {
        refused.set(place, refusalOf(error));
        return [];
      }
    });
    for (const [{ place }, refusal] of await this.#carryOut(ctx, lines, options)) {
      if (refusal !== null) refused.set(place, refusal);
    }
    return inputs.map((_, place) => refused.get(place) ?? null);
  }

  async #carryOut(ctx: RequestContext, lines: readonly Line[], options: RecordOptions): Promise<Outcomes> {
    const outcomes: Outcomes = new Map();
    let left = lines;
    while (left.length > 1) {
      const { done, rest } = await this.#go(ctx, left, options);
      for (const [line, outcome] of done) outcomes.set(line, outcome);
      left = rest;
    }
    for (const line of left) outcomes.set(line, await this.#alone(ctx, line, options));
    return outcomes;
  }

  /** Commits what can go together, then what goes alone; the rest is the next go's. */
  async #go(
    ctx: RequestContext,
    lines: readonly Line[],
    options: RecordOptions,
  ): Promise<Pick<Sorted, 'done' | 'rest'>> {
    try {
      const { done, together, alone, rest } = await this.#parts.programs.underProgram(
        ctx.tenantKey,
        async (program) => {
          const sorted = await this.#sort(ctx, program, lines, options);
          await this.#commit(ctx, program, sorted.together, options);
          return sorted;
        },
      );
      for (const { line } of together) done.set(line, null);
      for (const line of alone) done.set(line, await this.#alone(ctx, line, options));
      return { done, rest };
    } catch {
      // Somebody else was first with a key, an order or an identity; one line asks for what PostgreSQL or the
      // ledger refuses; or the answer to COMMIT was lost. Each half finds out by itself, down to one line,
      // which is told its own fault. The keys tell what is done.
      const middle = Math.ceil(lines.length / 2);
      const first = await this.#carryOut(ctx, lines.slice(0, middle), options);
      const second = await this.#carryOut(ctx, lines.slice(middle), options);
      return { done: new Map([...first, ...second]), rest: [] };
    }
  }

  async #alone(ctx: RequestContext, { input }: Line, options: RecordOptions): Promise<Refusal | null> {
    try {
      await this.#record(ctx, input, options);
      return null;
    } catch (error) {
      return refusalOf(error);
    }
  }

  /** Looks up what the lines stand on, and proposes those that can go together. */
  async #sort(
    ctx: RequestContext,
    program: PinnedProgram,
    lines: readonly Line[],
    options: RecordOptions,
  ): Promise<Sorted> {
    const found = await this.#look(ctx, program, lines, options);
    const sorted: Sorted = { done: new Map(), together: [], alone: [], rest: [] };
    const open = lines.filter((line) => {
      const bound = found.bound.get(line.request.key);
      if (bound !== undefined)
        sorted.done.set(
          line,
          refusalIn(() => resultFor(line.request, bound)),
        );
      return bound === undefined;
    });
    const memberOf = ({ input }: Line): string =>
      found.known.members.known(input)?.memberKey ?? nameOf(input);
    const groups = [...Map.groupBy(open, memberOf).values()].values();
    const work = async (): Promise<void> => {
      for (const group of groups) await this.#sortMember(ctx, program, group, found, sorted, options);
    };
    await Promise.all(Array.from({ length: MOST_PROPOSED_AT_ONCE }, work));
    sorted.together.sort((a, b) => a.line.place - b.line.place);
    sorted.rest.sort((a, b) => a.place - b.place);
    return sorted;
  }

  async #look(
    ctx: RequestContext,
    program: PinnedProgram,
    lines: readonly Line[],
    options: RecordOptions,
  ): Promise<Found> {
    const { tenantKey } = ctx;
    const sql = this.#parts.database.read(tenantKey);
    const orders = lines.flatMap(({ input: { type, order } }) =>
      order ? { type, number: order.number } : [],
    );
    const [known, bound, now, knownOrders] = await Promise.all([
      this.#recording.look(
        ctx,
        program,
        lines.map(({ input }) => input),
        options,
      ),
      findAnswers(
        sql,
        tenantKey,
        lines.map(({ request }) => request.key),
      ),
      businessNow(sql, tenantKey),
      findKnownOrders(sql, tenantKey, orders),
    ]);
    const firstWith = new Map<string, Line>();
    for (const line of lines) {
      for (const name of claimsOf(line)) if (!firstWith.has(name)) firstWith.set(name, line);
    }
    return {
      ...{ known, now, firstWith },
      bound: new Map(bound.map((one) => [one.key, one])),
      orders: new Set(knownOrders.map(orderName)),
    };
  }

  /**
   * Sorts the lines of one member, in their order: as soon as one can't go together with those before it, all
   * that follow wait as well.
   */
  async #sortMember(
    ctx: RequestContext,
    program: PinnedProgram,
    lines: readonly Line[],
    found: Found,
    { done, together, alone, rest }: Sorted,
    { isImport = false }: RecordOptions,
  ): Promise<void> {
    const before: ActivityProposal[] = [];
    for (const [index, line] of lines.entries()) {
      if (
        claimsOf(line).some((name) => found.firstWith.get(name) !== line) ||
        seesWhatIsLeft(program, line, before, found.known)
      ) {
        rest.push(...lines.slice(index));
        return;
      }
      if (goesAlone(program, line, found, isImport)) {
        if (before.length === 0) alone.push(line);
        rest.push(...lines.slice(before.length === 0 ? index + 1 : index));
        return;
      }
      try {
        const proposed = await this.#recording.propose(ctx, program, line.input, found.known);
        if (isNamedByExtension(proposed, line, found.known)) {
          // Other lines may be that member's, too; and none before it is: that one would have enrolled them.
          alone.push(line);
          rest.push(...lines.slice(index + 1));
          return;
        }
        const proposal = { ...proposed, inputHash: line.request.hash };
        // Tags of one member are changed once a transaction.
        if (mayTag(proposal) && before.some(mayTag)) {
          rest.push(...lines.slice(index));
          return;
        }
        before.push(proposal);
        together.push({ line, proposal });
      } catch (error) {
        done.set(line, refusalOf(error));
      }
    }
  }

  async #commit(
    ctx: RequestContext,
    program: PinnedProgram,
    together: readonly ProposedLine[],
    { isImport = false }: RecordOptions,
  ): Promise<void> {
    if (together.length === 0) return;
    const { database, programs, listener } = this.#parts;
    const { tenantKey } = ctx;
    const keys = together.map(({ line, proposal }) => ({ ...line.request, result: toStored(proposal) }));
    const proposals = together.map(({ proposal }) => proposal);
    await database.transaction(tenantKey, async (tx) => {
      const claimed = bindKeys(tx, tenantKey, keys);
      const facts = Promise.all([programs.recheck(tx, program), claimed]).then(([checked]) => checked);
      const committing = this.#recording.commit(tx, { tenantKey, program, facts }, proposals, (now) => {
        for (const { line } of together) refuseBadMoment(line.input, now, program, isImport);
      });
      await Promise.all([facts, committing]);
    });
    listener.posted(tenantKey);
  }
}

function orderName({ type, number }: { readonly type: string; readonly number: string }): string {
  return `order ${type} ${number}`;
}

/** What only one line can have: its key, and its order. */
function claimsOf({ request, input: { type, order } }: Line): string[] {
  const key = `key ${request.key}`;
  return order ? [key, orderName({ type, number: order.number })] : [key];
}

/**
 * Whether the rules for a line look at what lines of the same member before it may change: the tier, which is
 * known only when those are counted; tags that their rules, or enrolling, give. Extensions are told both.
 */
function seesWhatIsLeft(
  program: PinnedProgram,
  { input }: Line,
  before: readonly ActivityProposal[],
  { extensions }: Known,
): boolean {
  if (before.length === 0) return false;
  if (extensions !== null) return true;
  const { reads, hasExpressions } = rulesFor(program.definition, input.type);
  return reads.has('tier') || (hasExpressions && before.some(mayTag));
}

/** Whether an extension answered that who seemed to be new is an existing member. */
function isNamedByExtension({ member }: ActivityProposal, { input }: Line, { members }: Known): boolean {
  return member !== null && members.known(input) === null;
}

function mayTag({ proposals, enrolment }: ActivityProposal): boolean {
  return [...proposals, ...(enrolment?.proposals ?? [])].some(
    ({ miss, rule }) => miss === null && rule?.tags !== undefined,
  );
}

/**
 * Whether a line is carried out by itself: a refund, which looks at what its purchase gave; a dry run, which
 * is rolled back; and what is going to be refused in its transaction, which would take the others along.
 */
function goesAlone(
  program: PinnedProgram,
  { input }: Line,
  { now, orders }: Found,
  isImport: boolean,
): boolean {
  const { type, order, dryRun } = input;
  if (type === REFUND || dryRun === true) return true;
  if (order && orders.has(orderName({ type, number: order.number }))) return true;
  return refusalIn(() => refuseBadMoment(input, now, program, isImport)) !== null;
}

/** @throws what is no refusal */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Refusal)) throw error;
  return error;
}

function refusalIn(work: () => unknown): Refusal | null {
  try {
    work();
    return null;
  } catch (error) {
    return refusalOf(error);
  }
}
