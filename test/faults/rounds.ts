import { setTimeout as sleep } from 'node:timers/promises';
import { act, anyAct, type World } from './acts.ts';
import { type Books, checkBooks, checkHealth, checkShown, readBooks, sendAgain } from './checks.ts';
import { Client, type Kept, learn } from './client.ts';
import { Random } from './random.ts';
import { type DatabaseOwner, System } from './system.ts';

export type Kind = 'server' | 'postgres';

/** What is killed in a round: the gateway, all of PostgreSQL, or its one process that serves a connection. */
type Victim = 'gateway' | 'postmaster' | 'backend';

export interface RoundsOptions {
  readonly kinds: readonly Kind[];
  /** Of each kind. */
  readonly rounds: number;
  readonly seed: number;
  /** Hears one line a round. */
  readonly tell: (line: string) => void;
}

const MEMBERS = 36;
const CALLERS = 24;
/** So much is acknowledged before the kill, and after the system is back. */
const ACKNOWLEDGED_BEFORE = 60;
const ACKNOWLEDGED_AFTER = 30;
/** All laws are asked after so many rounds, and after the last. */
const AUDIT_EVERY = 5;
const PAUSE_WHEN_AWAY_MS = 500;
const PATIENCE_MS = 180_000;

/**
 * Kills, under load, round after round, and looks after each whether what was promised holds.
 * @throws Error that says what was violated, in which round, and the seed
 */
export async function runRounds({ kinds, rounds, seed, tell }: RoundsOptions): Promise<void> {
  // Half of PostgreSQL's with one that the gateway has to bring back itself, half with one of the user's own.
  const postgres = kinds.includes('postgres') ? victimsOf(['postmaster', 'backend'], rounds) : [];
  const own = Math.floor(postgres.length / 2);
  const server = kinds.includes('server') ? victimsOf(['gateway'], rounds) : [];
  const onEmbedded = [...server, ...postgres.slice(own)];
  await runOn('gateway', onEmbedded, { seed, tell });
  await runOn('harness', postgres.slice(0, own), { seed: seed + 1, tell });
}

function victimsOf(kinds: readonly Victim[], rounds: number): Victim[] {
  return Array.from({ length: rounds }, (_, round) => kinds[round % kinds.length] ?? 'gateway');
}

async function runOn(
  owner: DatabaseOwner,
  victims: readonly Victim[],
  { seed, tell }: Pick<RoundsOptions, 'seed' | 'tell'>,
): Promise<void> {
  if (victims.length === 0) return;
  const system = await System.start(owner);
  try {
    const siege = await Siege.begin(system, new Random(seed));
    tell(`a system whose PostgreSQL is kept by the ${owner} is there`);
    for (const [index, victim] of victims.entries()) {
      const round = index + 1;
      const title = `${victim}, round ${round} of ${victims.length}`;
      const audits = round === victims.length || round % AUDIT_EVERY === 0;
      const said = await siege.round(victim, audits).catch((error: unknown) => {
        throw new Error(`${title}, seed ${seed}: ${(error as Error).message}\n${system.log()}`, {
          cause: error,
        });
      });
      tell(`${title}: ${said}`);
    }
  } finally {
    await system.close();
  }
}

/** A system under load, with the client's memory of what it was told. */
class Siege {
  readonly #system: System;
  readonly #random: Random;
  readonly #client: Client;
  readonly #world: World;
  readonly #before: Books;
  /** Everything so far, and what of it belongs to this round. */
  #kept: Kept[] = [];
  #fresh: Kept[] = [];
  #sent = 0;
  #isOver = false;

  private constructor(
    system: System,
    random: Random,
    { client, world, before }: { client: Client; world: World; before: Books },
  ) {
    this.#system = system;
    this.#random = random;
    this.#client = client;
    this.#world = world;
    this.#before = before;
  }

  static async begin(system: System, random: Random): Promise<Siege> {
    const client = new Client(system.url, system.apiKey);
    const members = await enrolAll(client);
    const world = { members, holds: [], operations: [], purchases: [] };
    return new Siege(system, random, { client, world, before: await readBooks(system) });
  }

  /** @returns what happened, in a few words */
  async round(victim: Victim, audits: boolean): Promise<string> {
    this.#fresh = [];
    this.#isOver = false;
    const callers = Array.from({ length: CALLERS }, () => this.#call());
    try {
      await this.#untilAcknowledged(ACKNOWLEDGED_BEFORE);
      await sleep(this.#random.whole(0, 400));
      await this.#kill(victim);
      await this.#untilAcknowledged(this.#acknowledged() + ACKNOWLEDGED_AFTER);
    } finally {
      this.#isOver = true;
      await Promise.all(callers);
    }
    return await this.#verify(audits);
  }

  async #call(): Promise<void> {
    while (!this.#isOver) {
      this.#sent += 1;
      const next = anyAct(this.#random, this.#world, `request-${this.#sent}`);
      const kept = { act: next, first: await this.#client.send(next) };
      this.#fresh.push(kept);
      learn(this.#world, kept);
      if (kept.first.became === 'UNKNOWN') await sleep(PAUSE_WHEN_AWAY_MS);
    }
  }

  #acknowledged(): number {
    return this.#fresh.filter(({ first }) => first.became === 'DONE').length;
  }

  async #untilAcknowledged(count: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.#acknowledged() < count) {
      if (performance.now() > deadline) throw new Error('nothing is acknowledged any more');
      await sleep(10);
    }
  }

  async #kill(victim: Victim): Promise<void> {
    // Some at any moment, some while a transaction is at its COMMIT.
    const busy = victim === 'backend' || this.#random.whole(0, 1) === 1;
    const backend = busy ? await this.#system.findBusyBackend() : null;
    if (victim === 'gateway') {
      this.#client.mayBeGone = true;
      await this.#system.killGateway();
      await this.#system.startGateway();
      await this.#system.untilReadinessIs(200);
      this.#client.mayBeGone = false;
      return;
    }
    const postmaster = await this.#system.postmaster();
    const pid = victim === 'backend' ? backend : postmaster;
    if (pid === null) throw new Error('no backend was ever at work');
    process.kill(pid, 'SIGKILL');
    if (victim === 'postmaster' && this.#system.owner === 'harness') {
      await this.#system.untilReadinessIs(503);
      await this.#system.startDatabase();
    }
    await this.#system.untilReadinessIs(200);
  }

  async #verifyChain(): Promise<void> {
    await this.#system.audit('--seal');
    await this.#system.audit('--verify-chain');
  }

  async #verify(audits: boolean): Promise<string> {
    const { settled, violations } = await sendAgain(this.#client, this.#fresh);
    for (const one of settled) learn(this.#world, one);
    const known = [...this.#fresh.filter(({ first }) => first.became !== 'UNKNOWN'), ...settled];
    this.#kept.push(...known);
    violations.push(
      ...(await checkShown(this.#client, known)),
      ...(await checkBooks(this.#system, this.#before, this.#kept)),
      ...(await checkHealth(this.#system)),
      ...this.#client.violations.splice(0),
    );
    if (violations.length > 0) throw new Error(violations.slice(0, 20).join('\n'));
    if (audits) await Promise.all([this.#system.audit(), this.#verifyChain()]);
    const count = (became: string, of: readonly Kept[]): number =>
      of.filter(({ first }) => first.became === became).length;
    return (
      `${count('DONE', this.#fresh)} acknowledged, ${count('REFUSED', this.#fresh)} refused, ` +
      `${settled.length} open (${count('DONE', settled)} done by now); all there once${audits ? ', audit clean' : ''}`
    );
  }
}

async function enrolAll(client: Client): Promise<string[]> {
  const enrol = `mutation($input: CreateMemberInput!) {
    createMember(input: $input) { member { id } userErrors { code } } }`;
  const members: string[] = [];
  await Promise.all(
    Array.from({ length: MEMBERS }, async (_, index) => {
      const identities = [{ kind: 'EXTERNAL', value: `siege-${index}` }];
      const [, { data }] = await client.ask(enrol, {
        input: { idempotencyKey: `enrol-${index}`, identities },
      });
      const created = data?.createMember as { member?: { id: string } | null } | undefined;
      if (!created?.member) throw new Error('a member could not be enrolled');
      members.push(created.member.id);
      const purse = { memberId: created.member.id, asset: 'points', amount: '500' };
      await client.send(act('earnPoints', `purse-${index}`, purse));
    }),
  );
  return members;
}
