import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { WebSocket } from 'ws';
import { fromPublicId } from '../../src/kernel/ids.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';
import { runInProcess } from '../support/in-process.ts';
import { newRequestKey } from '../support/members.ts';
import { type Running, run } from '../support/process.ts';

const READY = /Membergraph is ready: (http:\/\/localhost:\d+)\/graphql/;
const TENANT = 'shop';

/** Which of the two. */
export type Side = 0 | 1;
export const otherSide = (side: Side): Side => (side === 0 ? 1 : 0);

interface GatewayProcess {
  readonly running: Running;
  readonly url: string;
}

/** Two gateway processes on one database, with a tenant that has the demo program. */
export class Pair {
  readonly database: TestDatabase;
  readonly #owner: pg.Client;
  readonly #environment: Record<string, string>;
  readonly #folders: string[] = [];
  readonly #gateways: (GatewayProcess | null)[] = [null, null];
  #key = '';

  private constructor(database: TestDatabase, owner: pg.Client, environment: Record<string, string>) {
    this.database = database;
    this.#owner = owner;
    this.#environment = environment;
  }

  /** The processes don't run yet. */
  static async create(environment: Record<string, string>): Promise<Pair> {
    const database = await createTestDatabase();
    const owner = new pg.Client({ connectionString: database.adminUrl });
    await owner.connect();
    const pair = new Pair(database, owner, {
      ...{ DATABASE_URL: database.appUrl, DATABASE_ADMIN_URL: database.adminUrl, PORT: '0' },
      ...{ ENCRYPTION_KEY: randomBytes(32).toString('base64'), JOBS_EVERY_SECONDS: '0' },
      // The bus is said to be there at this level.
      LOG_LEVEL: 'info',
      ...environment,
    });
    const program = projectPath('docs', 'examples', 'programs', 'demo.yaml');
    await pair.#cli(['tenant', 'create', TENANT, '--program', program, '--sandbox']);
    pair.#key = (await pair.#cli(['key', 'create', '--tenant', TENANT])).trim();
    await owner.query(
      `select set_config('app.tenant_id', tenant_id::text, false) from tenant_directory where code = $1`,
      [TENANT],
    );
    return pair;
  }

  async #cli(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runInProcess(args, {
      ...this.#environment,
      DATA_DIR: await this.#newFolder(),
    });
    if (code !== 0) throw new Error(`"membergraph ${args.join(' ')}" ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  async #newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'membergraph-pair-'));
    this.#folders.push(folder);
    return folder;
  }

  async start(side: Side, environment: Record<string, string> = {}): Promise<Running> {
    const DATA_DIR = await this.#newFolder();
    const running = run('main', [], { ...this.#environment, DATA_DIR, ...environment });
    const [, url = ''] = await running.until(READY);
    this.#gateways[side] = { running, url };
    return running;
  }

  /** kill -9, with whatever it has in memory. */
  async kill(side: Side): Promise<void> {
    const { running } = this.#at(side);
    this.#gateways[side] = null;
    running.child.kill('SIGKILL');
    await running.ended;
  }

  #at(side: Side): GatewayProcess {
    const gateway = this.#gateways[side];
    if (gateway === null || gateway === undefined) throw new Error('That gateway does not run.');
    return gateway;
  }

  get(side: Side, path: string): Promise<Response> {
    return fetch(`${this.#at(side).url}${path}`);
  }

  at(side: Side): Pick<TestGateway, 'ask'> {
    return { ask: (query, variables) => this.#ask(side, query, variables) };
  }

  async #ask(side: Side, query: string, variables: Record<string, unknown> = {}): Promise<Answer> {
    const response = await fetch(`${this.#at(side).url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': this.#key },
      body: JSON.stringify({ query, variables }),
    });
    const { data = null, errors = [] } = (await response.json()) as Partial<Answer>;
    return { status: response.status, data, errors };
  }

  /** @throws Error when it is not known to be posted: then the same key may be sent again, to either. */
  async earn(side: Side, memberId: string, idempotencyKey = newRequestKey()): Promise<void> {
    const input = { idempotencyKey, memberId, asset: 'points', amount: '1' };
    const { data, errors } = await this.#ask(side, EARN, { input });
    if (data === null || errors.length > 0 || data.earnPoints.userErrors.length > 0)
      throw new Error(`Nothing was earned: ${JSON.stringify([errors, data])}`);
  }

  /**
   * A listener of its own, who goes on at the other gateway whenever its own one is gone.
   * @param whose the events of this member (document 22), or the whole program's (23) from there on
   */
  async follow(side: Side, memberId: string, whose: 'member' | 'program' = 'member'): Promise<Follower> {
    const { data } = await this.#ask(side, CARD, { memberId });
    const connect = (at: Side) =>
      createClient({
        url: `${this.#at(at).url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { 'x-api-key': this.#key },
        retryAttempts: 0,
      });
    const [{ position }] = await this.sql(
      `select feed_position as position from ledger where member_id = $1 and asset = 'points'`,
      [fromPublicId('member', memberId)],
    );
    return new Follower(connect, side, {
      ...{ memberId: whose === 'member' ? memberId : null, after: data.member.ledger.eventCursor, position },
    });
  }

  /** What the ledger says that a follower should have heard, in the order of the commits. */
  async entriesBehind({ memberId, position }: Following): Promise<string[]> {
    const rows = await this.sql(
      `select e.ledger_id || ' ' || e.version as entry
         from entry e join ledger l using (tenant_id, ledger_id)
        where ($1::uuid is null or l.member_id = $1) and e.feed_position > $2
        order by e.feed_position`,
      [memberId === null ? null : fromPublicId('member', memberId), position],
    );
    return rows.map(({ entry }) => entry);
  }

  async sql(text: string, values: unknown[] = []): Promise<Json[]> {
    return (await this.#owner.query(text, values)).rows;
  }

  /** Ends the connections of gateways that listen or notify; only their own role may. */
  async cutListeners(): Promise<void> {
    const app = new pg.Client({ connectionString: this.database.appUrl });
    await app.connect();
    await app.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ~ '^(listen |select pg_notify)'`,
    );
    await app.end();
  }

  async close(): Promise<void> {
    for (const side of [0, 1] as const) if (this.#gateways[side] !== null) await this.kill(side);
    await this.#owner.end();
    await this.database.drop();
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}

const EARN = `mutation($input: EarnPointsInput!) {
  earnPoints(input: $input) { operation { id } userErrors { code } } }`;
const CARD = 'query($memberId: ID!) { member(id: $memberId) { ledger(asset: "points") { eventCursor } } }';
const EVENT = '{ cursor entry { version } ledger { id } }';
const OF_MEMBER = `subscription($memberId: ID!, $after: String) {
  event: pointEvents(memberId: $memberId, after: $after) ${EVENT} }`;
const OF_PROGRAM = `subscription($after: String) { event: programPointEvents(after: $after) ${EVENT} }`;

interface Following {
  /** Whose alone; null for everybody's. */
  readonly memberId: string | null;
  /** Where it began, in PostgreSQL's words and in the API's. */
  readonly position: string;
  readonly after: string;
}

/** What every front end does: it keeps the last cursor, and connects again with it. */
export class Follower {
  readonly following: Following;
  /** Each as its ledger's key and its version. */
  readonly heard: string[] = [];
  /** How often it had to connect again. */
  returns = 0;
  readonly #connect: (side: Side) => ReturnType<typeof createClient>;
  readonly #living: Promise<void>;
  #side: Side;
  #client: ReturnType<typeof createClient> | null = null;
  #isOver = false;

  constructor(connect: (side: Side) => ReturnType<typeof createClient>, side: Side, following: Following) {
    this.#connect = connect;
    this.#side = side;
    this.following = following;
    this.#living = this.#live();
  }

  async #live(): Promise<void> {
    const { memberId } = this.following;
    let { after } = this.following;
    while (!this.#isOver) {
      try {
        this.#client = this.#connect(this.#side);
        const results = this.#client.iterate<Json>(
          memberId === null
            ? { query: OF_PROGRAM, variables: { after } }
            : { query: OF_MEMBER, variables: { memberId, after } },
        );
        for await (const { data } of results) {
          const { cursor, entry, ledger } = data.event;
          this.heard.push(`${fromPublicId('ledger', ledger.id)} ${entry.version}`);
          after = cursor;
        }
      } catch {
        // The gateway is gone.
      }
      if (this.#isOver) return;
      this.returns += 1;
      this.#side = otherSide(this.#side);
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#client?.dispose();
    await this.#living;
  }
}
