import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  acquireEmbeddedPostgres,
  type EmbeddedDatabase,
  removeEmbeddedPostgres,
} from '../../src/persistence/embedded/index.ts';
import { prepareControl, recordedSite } from '../../src/persistence/embedded/site.ts';
import { projectPath } from '../../src/persistence/project-root.ts';
import { freePort, type Running, run } from '../support/process.ts';

const READY = /Membergraph is ready/;
/** Far more than a start with crash recovery takes, also on a slow machine. */
const PATIENCE_MS = 180_000;

/** Whose PostgreSQL it is: the gateway's, which brings it back itself, or one that somebody else looks after. */
export type DatabaseOwner = 'gateway' | 'harness';

/** The real gateway as a process, its PostgreSQL, and the means to kill both. */
export class System {
  readonly owner: DatabaseOwner;
  readonly #dataDir: string;
  readonly #environment: Record<string, string>;
  #database: EmbeddedDatabase;
  #gateway: Running;
  readonly url: string;
  apiKey = '';
  tenantKey = '';

  private constructor(
    owner: DatabaseOwner,
    dataDir: string,
    environment: Record<string, string>,
    [database, gateway]: [EmbeddedDatabase, Running],
  ) {
    this.owner = owner;
    this.#dataDir = dataDir;
    this.#environment = environment;
    this.#database = database;
    this.#gateway = gateway;
    this.url = `http://127.0.0.1:${environment.PORT}`;
  }

  static async start(owner: DatabaseOwner): Promise<System> {
    const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-faults-'));
    const environment: Record<string, string> = {
      ...{ DATA_DIR: dataDir, PORT: String(await freePort()), LOG_LEVEL: 'error' },
    };
    if (owner === 'gateway') {
      const gateway = run('main', [], environment);
      await gateway.until(READY);
      // Joined while it runs, so that it isn't we who start it.
      const system = new System(owner, dataDir, environment, [
        await acquireEmbeddedPostgres({ dataDir }),
        gateway,
      ]);
      const known = JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8'));
      await system.#enter(known.tenant, known.adminApiKey);
      return system;
    }
    const database = await acquireEmbeddedPostgres({ dataDir });
    environment.DATABASE_URL = database.appUrl;
    environment.DATABASE_ADMIN_URL = database.adminUrl;
    const program = projectPath('docs', 'examples', 'programs', 'demo.yaml');
    await cli(['tenant', 'create', 'shop', '--program', program, '--sandbox'], environment);
    const key = await cli(['key', 'create', '--tenant', 'shop'], environment);
    const gateway = run('main', [], environment);
    await gateway.until(READY);
    const system = new System(owner, dataDir, environment, [database, gateway]);
    await system.#enter('shop', key.trim());
    return system;
  }

  async #enter(tenant: string, apiKey: string): Promise<void> {
    const sql = 'select tenant_id from tenant_directory where code = $1';
    const [row] = await this.query<{ tenant_id: string }>(sql, [tenant], '');
    this.tenantKey = row?.tenant_id ?? '';
    this.apiKey = apiKey;
  }

  /** One statement as the app role, with the tenant set. */
  async query<Row>(text: string, values: readonly unknown[], tenantKey = this.tenantKey): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.#database.appUrl });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
      return (await client.query(text, [...values])).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** A backend of the gateway's that is at COMMIT, or at least at work; null when none was met. */
  async findBusyBackend(): Promise<number | null> {
    const client = new pg.Client({ connectionString: this.#database.appUrl });
    client.on('error', () => undefined);
    await client.connect();
    try {
      for (let looks = 0; looks < 2_000; looks += 1) {
        const { rows } = await client.query<{ pid: number; query: string }>(
          `select pid, query from pg_stat_activity
            where usename = current_user and pid <> pg_backend_pid() and state = 'active'
            order by query = 'commit' desc limit 1`,
        );
        const [row] = rows;
        if (row !== undefined && (row.query === 'commit' || looks > 1_000)) return row.pid;
      }
      return null;
    } finally {
      await client.end();
    }
  }

  async postmaster(): Promise<number> {
    const site = await recordedSite(await prepareControl(this.#dataDir));
    const text = await readFile(join(site?.cluster ?? '', 'postmaster.pid'), 'utf8');
    return Number(text.split('\n')[0]);
  }

  async killGateway(): Promise<void> {
    this.#gateway.child.kill('SIGKILL');
    await this.#gateway.ended;
  }

  async startGateway(): Promise<void> {
    this.#gateway = run('main', [], this.#environment);
    await this.#gateway.until(READY);
  }

  /** What somebody else does for a PostgreSQL that isn't the gateway's: start it again. */
  async startDatabase(): Promise<void> {
    const again = await acquireEmbeddedPostgres({ dataDir: this.#dataDir });
    const before = this.#database;
    this.#database = again;
    await before.release();
  }

  async readiness(): Promise<number> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) })).status;
    } catch {
      return 0;
    }
  }

  async untilReadinessIs(wanted: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while ((await this.readiness()) !== wanted) {
      if (performance.now() > deadline) throw new Error(`/readyz was never ${wanted}: ${this.log()}`);
      await sleep(20);
    }
  }

  async memoryBytes(): Promise<number> {
    const metrics = await (await fetch(`${this.url}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1] ?? Number.NaN);
  }

  /** The real audit; throws what it found. */
  async audit(...options: readonly string[]): Promise<void> {
    await cli(['audit', ...options], this.#environment);
  }

  /** What the gateway logged, each error once, with how often it was met. */
  log(): string {
    const stacks = [...this.#gateway.said().matchAll(/"stack":"((?:[^"\\]|\\.)*)"/g)].map(
      ([, stack]) => stack ?? '',
    );
    const counted = [...Map.groupBy(stacks, (stack) => stack)].sort(([, a], [, b]) => a.length - b.length);
    return counted.map(([stack, met]) => `${met.length} × ${stack.replaceAll('\\n', '\n')}`).join('\n');
  }

  async close(): Promise<void> {
    this.#gateway.child.kill('SIGTERM');
    await this.#gateway.ended;
    await this.#database.release();
    await removeEmbeddedPostgres(this.#dataDir);
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

async function cli(args: readonly string[], environment: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await run('cli', args, environment).ended;
  if (code !== 0) throw new Error(`"membergraph ${args.join(' ')}" ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}
