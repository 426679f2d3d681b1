import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DocumentNode, type GraphQLSchema, Kind, parse, validate } from 'graphql';
import { parseProgram } from '../../src/domain/programs/index.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { setClock } from '../ledger/tenants.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { runInProcess } from '../support/in-process.ts';
import { type Block, withSections } from './guide-blocks.ts';
import { expected, filledIn, type Known, learn, patternOf } from './guide-placeholders.ts';

const PROGRAM = 'teashop.yaml';
const MISTAKE = 'mistake.yaml';

interface Request {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** The tenant of a guide, and when its clock begins. */
interface Scene {
  readonly tenant: string;
  readonly clock: string;
}

/** A reader of the guide, who does what each block says and compares what comes of it. */
export class GuideRun {
  readonly #gateway: TestGateway;
  readonly #scene: Scene;
  readonly #folder: string;
  readonly #schema: GraphQLSchema = buildGraphQLSchema();
  readonly #known: Known = new Map();
  readonly #operations = new Map<string, string>();
  #lastOperation = '';
  #waiting: Request | null = null;
  #program = '';
  #tenantKey: string | null = null;
  #key = '';

  private constructor(gateway: TestGateway, scene: Scene, folder: string) {
    this.#gateway = gateway;
    this.#scene = scene;
    this.#folder = folder;
  }

  static async start(scene: Scene): Promise<GuideRun> {
    const folder = await mkdtemp(join(tmpdir(), 'membergraph-guide-'));
    return new GuideRun(await startTestGateway(), scene, folder);
  }

  async close(): Promise<void> {
    await this.#gateway.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The program file as the guide has built it so far. */
  get program(): string {
    return this.#program;
  }

  /** Whether a request has not been answered yet. */
  get isWaiting(): boolean {
    return this.#waiting !== null;
  }

  /** Does what a block says. */
  async run({ info, text }: Block): Promise<void> {
    const [kind, operation] = /^(json variables)(?: (\w+))?$/.exec(info)?.slice(1) ?? [info];
    switch (kind) {
      case 'yaml program':
        return await this.#keepProgram(text);
      case 'yaml mistake':
        return await this.#keepMistake(text);
      case 'graphql request':
        return this.#keepRequest(text);
      case 'json variables':
        return this.#fillIn(operation ?? this.#lastOperation, text);
      case 'json answer':
        return await this.#answer(text);
      case 'console':
        return await this.#console(text);
      case 'mermaid':
        // A picture: GitHub draws it, and says so where it can't.
        return expect(text).toMatch(/^(flowchart|stateDiagram-v2|sequenceDiagram)\b/);
      default:
        throw new Error(`"${info}" is no kind of block that this test knows.`);
    }
  }

  async #keepProgram(patch: string): Promise<void> {
    this.#program = withSections(this.#program, patch);
    expect(parseProgram(this.#program).findings).toEqual([]);
    await this.#write(PROGRAM, this.#program);
  }

  async #keepMistake(patch: string): Promise<void> {
    const source = withSections(this.#program, patch);
    expect(parseProgram(source).definition).toBeNull();
    await this.#write(MISTAKE, source);
  }

  async #write(name: string, text: string): Promise<void> {
    await writeFile(join(this.#folder, name), text);
    this.#known.set(name, text);
  }

  #keepRequest(query: string): void {
    this.#refuseWaiting();
    const document = parse(query);
    expect(validate(this.#schema, document)).toEqual([]);
    const { name, variables } = headOf(document);
    this.#lastOperation = name;
    this.#operations.set(name, query);
    if (variables.length === 0) this.#waiting = { query, variables: {} };
  }

  #fillIn(operation: string, text: string): void {
    this.#refuseWaiting();
    const query = this.#operations.get(operation);
    if (query === undefined) throw new Error(`The guide has no request "${operation}" before this.`);
    const variables: unknown = JSON.parse(text);
    expect(Object.keys(variables as object)).toEqual(headOf(parse(query)).variables);
    this.#waiting = { query, variables: filledIn(variables, this.#known) as Record<string, unknown> };
  }

  async #answer(text: string): Promise<void> {
    if (this.#waiting === null) throw new Error('There is no request that this answers.');
    const { query, variables } = this.#waiting;
    this.#waiting = null;
    const shown: unknown = JSON.parse(text);
    const { data, errors } = await this.#gateway.ask(query, variables, { 'x-api-key': this.#key });
    expect(errors).toEqual([]);
    expect(data).toEqual(expected(shown, this.#known));
    learn(shown, data, this.#known);
  }

  #refuseWaiting(): void {
    if (this.#waiting !== null) throw new Error('The request before this has no answer.');
  }

  /** Each line with `$` is a command, what follows it are the lines that it prints. */
  async #console(text: string): Promise<void> {
    const shown = text.trimEnd().split(/^\$ /m).slice(1);
    expect(shown).not.toEqual([]);
    for (const one of shown) {
      const [command = '', ...lines] = one.trimEnd().split('\n');
      const said = await this.#command(command);
      expect(said).toEqual(lines.map((line) => expect.stringMatching(patternOf(line))));
      await this.#afterCommand(said);
    }
  }

  async #command(line: string): Promise<string[]> {
    const words = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
    expect(words.splice(0, 2)).toEqual(['npx', 'membergraph']);
    const arrow = words.indexOf('>');
    const [, file] = arrow === -1 ? [] : words.splice(arrow, 2);
    const args = words.map((word) => (word.endsWith('.yaml') ? join(this.#folder, word) : word));
    const { stdout, stderr } = await runInProcess(args, {
      DATABASE_URL: this.#gateway.database.appUrl,
      DATA_DIR: this.#gateway.config.dataDir,
    });
    if (file !== undefined) await this.#write(file, stdout);
    const said = `${file === undefined ? stdout : ''}${stderr}`.replaceAll(`${this.#folder}/`, '');
    return said.trimEnd() === '' ? [] : said.trimEnd().split('\n');
  }

  /** Notes a new key, sets a new tenant's clock, and has the gateway see at once what another process did. */
  async #afterCommand(said: readonly string[]): Promise<void> {
    this.#key = said.find((line) => line.startsWith('mgk_')) ?? this.#key;
    const { application } = this.#gateway;
    const { tenants } = application.services;
    if (this.#tenantKey === null) {
      this.#tenantKey = await tenants.findKeyByCode(this.#scene.tenant);
      if (this.#tenantKey !== null) await setClock(application, this.#tenantKey, this.#scene.clock);
    }
    if (this.#tenantKey !== null) tenants.forget(this.#tenantKey);
  }
}

function headOf({ definitions }: DocumentNode): { name: string; variables: string[] } {
  const operation = definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  const variables = operation?.variableDefinitions ?? [];
  return { name: operation?.name?.value ?? '', variables: variables.map((one) => one.variable.name.value) };
}
