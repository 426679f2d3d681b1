import { maturesAt, parseDuration, plus } from '../../kernel/calendar.ts';
import { refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import type { AdvanceTestClockInput } from './tenant.inputs.ts';
import type { TenantService } from './tenant.service.ts';
import { carryOut } from './tenant-act.ts';
import { moveClockTo, readClock } from './test-clock.repository.ts';

const MOST_DAYS = 1_100;
const DAY = durationOf('P1D');
const LONGEST = durationOf(`P${MOST_DAYS}D`);

/** What happens because time passes. */
export interface PassingTime {
  /** @throws Refusal NO_PROGRAM */
  timeZone(tenantKey: string): Promise<string>;
  /** Does what time has done up to now, the work of each day that has begun included. */
  catchUp(tenantKey: string): Promise<void>;
}

interface StoredMoment {
  readonly now: string;
}

/** The clock of sandboxes, which staff may move on. */
export class TestClockService {
  readonly #database: Database;
  readonly #tenants: TenantService;
  readonly #time: PassingTime;
  /** By tenant: two that move the clock by a day each move it by two. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(database: Database, tenants: TenantService, time: PassingTime) {
    this.#database = database;
    this.#tenants = tenants;
    this.#time = time;
  }

  /**
   * Moves the clock on, stops at each local midnight on the way, and does there what that day brings. A
   * request that broke off on the way goes on when it is sent again.
   * @returns the moment that the clock goes on from
   * @throws Refusal IDEMPOTENCY_CONFLICT, CLOCK_BY_OR_TO, NOT_A_SANDBOX, CLOCK_NOT_BACK, CLOCK_TOO_FAR,
   *   NO_PROGRAM
   */
  async advance(
    { tenantKey }: Pick<RequestContext, 'tenantKey'>,
    input: AdvanceTestClockInput,
  ): Promise<Date> {
    const before = this.#turns.get(tenantKey) ?? Promise.resolve();
    const advance = (): Promise<Date> => this.#advance(tenantKey, input);
    const running = before.then(advance, advance);
    this.#turns.set(tenantKey, running);
    try {
      return await running;
    } finally {
      if (this.#turns.get(tenantKey) === running) this.#turns.delete(tenantKey);
    }
  }

  async #advance(tenantKey: string, input: AdvanceTestClockInput): Promise<Date> {
    const { stored, prepared } = await carryOut<string, StoredMoment>(this.#database, tenantKey, {
      mutation: 'advanceTestClock',
      input,
      prepare: async () => {
        if ((await this.#tenants.facts(tenantKey))?.sandbox !== true) throw refuse('NOT_A_SANDBOX', null);
        return await this.#time.timeZone(tenantKey);
      },
      commit: async (tx, zone) => ({ now: targetOf(input, (await tx.facts).now, zone).toISOString() }),
    });
    const target = new Date(stored.now);
    const isTried = input.dryRun === true && prepared !== null;
    if (!isTried) await this.#walk(tenantKey, target);
    return target;
  }

  /** From midnight to midnight; what the present day owes is done before the first step. */
  async #walk(tenantKey: string, target: Date): Promise<void> {
    const zone = await this.#time.timeZone(tenantKey);
    for (let now = await this.#now(tenantKey); now < target; now = await this.#now(tenantKey)) {
      await this.#time.catchUp(tenantKey);
      const midnight = maturesAt(now, DAY, zone);
      const next = midnight < target ? midnight : target;
      await this.#database.transaction(tenantKey, (tx) => moveClockTo(tx, tenantKey, next), { alone: true });
    }
    await this.#time.catchUp(tenantKey);
  }

  async #now(tenantKey: string): Promise<Date> {
    return await readClock(this.#database.read(tenantKey));
  }
}

/** @throws Refusal CLOCK_BY_OR_TO, CLOCK_NOT_BACK, CLOCK_TOO_FAR */
function targetOf({ by, to }: AdvanceTestClockInput, now: Date, zone: string): Date {
  const isBy = by !== null && by !== undefined;
  const isTo = to !== null && to !== undefined;
  if (isBy === isTo) throw refuse('CLOCK_BY_OR_TO', ['by']);
  const target = isTo ? to : plus(now, durationOf(by ?? ''), zone);
  const field = [isTo ? 'to' : 'by'];
  if (target < now) throw refuse('CLOCK_NOT_BACK', field, { now: now.toISOString() });
  if (target > plus(now, LONGEST, zone)) throw refuse('CLOCK_TOO_FAR', field, { most: MOST_DAYS });
  return target;
}

function durationOf(text: string): NonNullable<ReturnType<typeof parseDuration>> {
  const duration = parseDuration(text);
  if (duration === null) throw new Error(`"${text}" is no duration.`);
  return duration;
}
