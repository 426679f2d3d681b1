import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type DocumentNode, type GraphQLSchema, Kind, OperationTypeNode, parse, validate } from 'graphql';
import type { Application } from '../../src/compose.ts';
import { parseProgram } from '../../src/domain/programs/index.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { setClock } from '../ledger/tenants.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { runInProcess } from '../support/in-process.ts';
import { longestMs } from '../support/registered.ts';
import { type Block, withSections } from './guide-blocks.ts';
import { expected, filledIn, type Known, learn, patternOf } from './guide-placeholders.ts';
import { GuideService } from './guide-service.ts';

const PROGRAM = 'teashop.yaml';
const MISTAKE = 'mistake.yaml';
const LOOKS_FOR_MS = 60_000;
const LOOKS_EVERY_MS = 20;

interface Request {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  /** What is only looked at may take a moment to be there: a reader looks again. */
  readonly isLook: boolean;
}

/** The tenant that a guide makes, and when its clock begins. */
interface Scene {
  readonly tenant: string;
  readonly clock: string;
}

/** A reader of the guide, who does what each block says and compares what comes of it. */
export class GuideRun {
  readonly #gateway: TestGateway;
  readonly #scene: Scene | null;
  readonly #folder: string;
  readonly #service: GuideService;
  readonly #schema: GraphQLSchema = buildGraphQLSchema();
  readonly #known: Known = new Map();
  readonly #operations = new Map<string, string>();
  #lastOperation = '';
  #waiting: Request | null = null;
  #program = '';
  #tenantKey: string | null = null;
  #headers: Record<string, string> = {};

  private constructor(gateway: TestGateway, scene: Scene | null, folder: string, service: GuideService) {
    this.#gateway = gateway;
    this.#scene = scene;
    this.#folder = folder;
    this.#service = service;
    if (scene !== null) return;
    this.#tenantKey = gateway.tenantKey;
    this.#known.set('key', gateway.demo.adminApiKey);
  }

  /** Begins a guide that makes its own tenant, or one for the demo tenant. */
  static async start(scene: Scene | null): Promise<GuideRun> {
    const folder = await mkdtemp(join(tmpdir(), 'membergraph-guide-'));
    // As `npm start` allows it on the embedded database.
    const environment = { EXTENSION_ALLOWED_NETWORKS: '127.0.0.0/8' };
    const gateway = await startTestGateway({ environment });
    return new GuideRun(gateway, scene, folder, await GuideService.at(folder));
  }

  async close(): Promise<void> {
    await this.#service.close();
    await this.#gateway.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What answers the guide's requests. */
  get application(): Application {
    return this.#gateway.application;
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
  async run({ info, text: shown }: Block): Promise<void> {
    const text = this.#service.placed(shown);
    const [kind, name] = /^(json variables|js file|ts)(?: (\S+))?$/.exec(info)?.slice(1) ?? [info];
    switch (kind) {
      case 'js file':
        return await this.#write(name ?? '', text);
      case 'json headers':
        this.#headers = filledIn(JSON.parse(text), this.#known) as Record<string, string>;
        return;
      case 'yaml program':
        return await this.#keepProgram(text);
      case 'yaml mistake':
        return await this.#keepMistake(text);
      case 'graphql request':
        return this.#keepRequest(text);
      case 'json variables':
        return this.#fillIn(name ?? this.#lastOperation, text);
      case 'json answer':
        return await this.#answer(text);
      case 'console':
        return await this.#console(text);
      case 'mermaid':
        // A picture: GitHub draws it, and says so where it can't.
        return expect(text).toMatch(/^(flowchart|stateDiagram-v2|sequenceDiagram)\b/);
      case 'ts':
        // A part of a file that is tested where it stands.
        return expect(readFileSync(projectPath(name ?? ''), 'utf8')).toContain(text);
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
    const { name, variables, isLook } = headOf(document);
    this.#lastOperation = name;
    this.#operations.set(name, query);
    if (variables.length === 0) this.#waiting = { query, variables: {}, isLook };
  }

  #fillIn(operation: string, text: string): void {
    this.#refuseWaiting();
    const query = this.#operations.get(operation);
    if (query === undefined) throw new Error(`The guide has no request "${operation}" before this.`);
    const variables: unknown = JSON.parse(text);
    const { variables: wanted, isLook } = headOf(parse(query));
    expect(Object.keys(variables as object)).toEqual(wanted);
    const filled = filledIn(variables, this.#known) as Record<string, Json>;
    this.#waiting = { query, variables: unhurried(filled), isLook };
  }

  async #answer(text: string): Promise<void> {
    if (this.#waiting === null) throw new Error('There is no request that this answers.');
    const { query, variables, isLook } = this.#waiting;
    this.#waiting = null;
    const shown: unknown = JSON.parse(text);
    for (const until = Date.now() + LOOKS_FOR_MS; ; await setTimeout(LOOKS_EVERY_MS)) {
      const { data, errors } = await this.#gateway.ask(query, variables, this.#headers);
      try {
        expect(errors).toEqual([]);
        expect(data).toEqual(expected(shown, this.#known));
        return learn(shown, data, this.#known);
      } catch (difference) {
        if (!isLook || Date.now() > until) throw difference;
      }
    }
  }

  #refuseWaiting(): void {
    if (this.#waiting !== null) throw new Error('The request before this has no answer.');
  }

  /** Each line with `$` is a command, what follows it are the lines that it prints; `^C` ends the service. */
  async #console(text: string): Promise<void> {
    if (text === '^C\n') return await this.#service.interrupt();
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
    if (words.at(-2) === 'node') return await this.#startService(words);
    expect(words.splice(0, 2)).toEqual(['npx', 'membergraph']);
    const arrow = words.indexOf('>');
    const [, file] = arrow === -1 ? [] : words.splice(arrow, 2);
    const args = words.map((word) => (/\.(yaml|js)$/.test(word) ? join(this.#folder, word) : word));
    const { stdout, stderr } = await runInProcess(args, {
      DATABASE_URL: this.#gateway.database.appUrl,
      DATA_DIR: this.#gateway.config.dataDir,
    });
    if (file !== undefined) await this.#write(file, stdout);
    const said = `${file === undefined ? stdout : ''}${stderr}`.replaceAll(`${this.#folder}/`, '');
    return said.trimEnd() === '' ? [] : said.trimEnd().split('\n');
  }

  /** `NAME=value … node file`, where a value may be a `<name>`. */
  async #startService(words: readonly string[]): Promise<string[]> {
    const given = words.slice(0, -2).map((word) => word.split('='));
    const environment = filledIn(Object.fromEntries(given), this.#known) as Record<string, string>;
    return [await this.#service.start(words.at(-1) ?? '', environment)];
  }

  /** Notes a new key, sets a new tenant's clock, and has the gateway see at once what another process did. */
  async #afterCommand(said: readonly string[]): Promise<void> {
    const key = said.find((line) => line.startsWith('mgk_'));
    if (key !== undefined) this.#headers = { 'x-api-key': key };
    const { application } = this.#gateway;
    const { tenants } = application.services;
    if (this.#tenantKey === null && this.#scene !== null) {
      this.#tenantKey = await tenants.findKeyByCode(this.#scene.tenant);
      if (this.#tenantKey !== null) await setClock(application, this.#tenantKey, this.#scene.clock);
    }
    if (this.#tenantKey === null) return;
    tenants.forget(this.#tenantKey);
    application.registry.forget(this.#tenantKey);
  }
}

/** A registration that names no deadline has the longest: its reader's machine is not as busy as this one. */
function unhurried({ input, ...variables }: Record<string, Json>): Record<string, unknown> {
  const isHurried = input?.runtime !== undefined && input.deadlineMs === undefined;
  const longest = isHurried ? { deadlineMs: longestMs(input.runtime) } : {};
  return input === undefined ? variables : { ...variables, input: { ...input, ...longest } };
}

function headOf({ definitions }: DocumentNode): { name: string; variables: string[]; isLook: boolean } {
  const operation = definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  const variables = (operation?.variableDefinitions ?? []).map((one) => one.variable.name.value);
  const isLook = operation?.operation === OperationTypeNode.QUERY;
  return { name: operation?.name?.value ?? '', variables, isLook };
}
