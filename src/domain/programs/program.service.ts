import { LRUCache } from 'lru-cache';
import stringify from 'safe-stable-stringify';
import { Refusal, RequestFault, refuse } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Sql, Transaction } from '../../persistence/index.ts';
import { type ConnectionOf, toPage } from '../shared/index.ts';
import { carryOut, type TenantService } from '../tenants/index.ts';
import { type AssetDefinition, isExternal, scaleOf } from './asset.schema.ts';
import { versionCursor, versionPlace } from './program.cursors.ts';
import type { Asset, Program, ProgramVersion } from './program.entity.ts';
import type { ApplyProgramInput } from './program.inputs.ts';
import { findProgram, findUsed, findVersions, insertInForce } from './program.repository.ts';
import { fromStored, type ProgramDefinition } from './program.schema.ts';
import { definitionIn } from './program-source.policy.ts';

/** A program in one of its versions, ready to be asked. */
export interface PinnedProgram {
  readonly version: number;
  readonly definition: ProgramDefinition;
  /** By code. */
  readonly assets: ReadonlyMap<string, AssetDefinition>;
}

/** Told of programs that come into force, so that what depends on them follows. */
export interface ProgramListener {
  /**
   * Within the transaction that puts the program in force, alone in its tenant. It may be a dry run, so
   * nothing outside of `tx` is to remember this version.
   * @param before what was in force; null when this is the first
   */
  applying(
    tx: Transaction,
    tenantKey: string,
    program: PinnedProgram,
    before: PinnedProgram | null,
  ): Promise<void>;
  /** After its commit. What fails here is not repeated: the daily work does it again. */
  applied(tenantKey: string): Promise<void>;
}

/** What came of applying a program. */
export interface AppliedProgram {
  readonly version: number;
  readonly changed: boolean;
}

const MOST_REMEMBERED = 1_000;
/** Each after the first needs yet another program to come into force meanwhile. */
const MOST_TRIES = 10;

/** Another version of the program came into force between proposal and commit. */
class ProgramMoved extends RequestFault {
  constructor() {
    super('SERVICE_UNAVAILABLE', { httpStatus: 503 });
  }
}

export function toAsset(definition: AssetDefinition, currency: string): Asset {
  const { code, kind, recordOf = 'INTERNAL', spendable, transferable } = definition;
  const scale = scaleOf(definition, currency);
  return { definition, currency, code, kind, recordOf, spendable, transferable, scale };
}

/** Programs: versions that are never changed, one of them in force. */
export class ProgramService {
  readonly #database: Database;
  readonly #tenants: TenantService;
  readonly #versions = new LRUCache<string, PinnedProgram>({ max: MOST_REMEMBERED });

  readonly #listeners: ProgramListener[] = [];
  readonly #onError: (error: unknown) => void;

  /** @param onError hears what failed after a program came into force */
  constructor(
    database: Database,
    tenants: TenantService,
    onError: (error: unknown) => void = () => undefined,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#onError = onError;
  }

  /** Tells a listener of every program that comes into force from now on, after those that listen already. */
  listen(listener: ProgramListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Puts a definition in force as the next version; the same definition again changes nothing.
   * @throws Refusal ASSET_IN_USE, BENEFIT_IN_USE when it drops what members have; ASSET_RECORD_MOVED
   */
  async apply(tenantKey: string, definition: ProgramDefinition, appliedBy: string): Promise<AppliedProgram> {
    const applied = await this.#database.transaction(
      tenantKey,
      (tx) => this.#putInForce(tx, tenantKey, definition, appliedBy),
      { alone: true },
    );
    await this.#tell(tenantKey, applied);
    return applied;
  }

  /**
   * As `apply`, of a program file, once for an idempotency key.
   * @throws Refusal IDEMPOTENCY_CONFLICT, PROGRAM_INVALID for each fault, and as `apply`
   */
  async applySource(
    { tenantKey, caller }: RequestContext,
    input: ApplyProgramInput,
  ): Promise<{ program: Program; changed: boolean }> {
    const { stored, prepared, written } = await carryOut<ProgramDefinition, AppliedProgram>(
      this.#database,
      tenantKey,
      {
        mutation: 'applyProgram',
        input,
        prepare: async () => definitionIn(input.source),
        commit: (tx, definition) => this.#putInForce(tx, tenantKey, definition, caller.subject),
      },
    );
    const { version, changed } = stored;
    if (written) await this.#tell(tenantKey, stored);
    const isTried = prepared !== null && !written && changed;
    const program = isTried ? pin(version, prepared) : await this.pinned(tenantKey, version);
    return { program: toProgram(tenantKey, program), changed };
  }

  async #putInForce(
    tx: Transaction,
    tenantKey: string,
    definition: ProgramDefinition,
    appliedBy: string,
  ): Promise<AppliedProgram> {
    const { programVersion } = await tx.facts;
    const before = programVersion === null ? null : await load(tx, tenantKey, programVersion);
    if (before !== null && stringify(before.definition) === stringify(definition)) {
      return { version: before.version, changed: false };
    }
    if (before !== null) await refuseUsed(tx, tenantKey, before.definition, definition);
    const program = pin((programVersion ?? 0) + 1, definition);
    await insertInForce(tx, tenantKey, { ...program, appliedBy });
    for (const listener of this.#listeners) await listener.applying(tx, tenantKey, program, before);
    return { version: program.version, changed: true };
  }

  async #tell(tenantKey: string, { changed }: AppliedProgram): Promise<void> {
    this.#tenants.forget(tenantKey);
    if (!changed) return;
    for (const listener of this.#listeners) await listener.applied(tenantKey).catch(this.#onError);
  }

  /**
   * The program in force; at most a second old, so a use case checks the version again when it commits.
   * @throws Refusal NO_PROGRAM
   */
  async inForce(tenantKey: string): Promise<PinnedProgram> {
    const facts = await this.#tenants.facts(tenantKey);
    if (facts === null || facts.programVersion === null) throw refuse('NO_PROGRAM', null);
    return await this.pinned(tenantKey, facts.programVersion);
  }

  /** A version of the program; versions never change, so they are remembered. */
  async pinned(tenantKey: string, version: number): Promise<PinnedProgram> {
    const id = `${tenantKey}:${version}`;
    const known = this.#versions.get(id);
    if (known !== undefined) return known;
    const pinned = await load(this.#database.read(tenantKey), tenantKey, version);
    this.#versions.set(id, pinned);
    return pinned;
  }

  /**
   * Runs an attempt under the program in force. When `recheck` finds that another version came into force
   * meanwhile, it is asked again under that one.
   */
  async underProgram<T>(tenantKey: string, attempt: (program: PinnedProgram) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt(await this.inForce(tenantKey));
      } catch (error) {
        if (!(error instanceof ProgramMoved) || tries === MOST_TRIES) throw error;
        this.#tenants.forget(tenantKey);
      }
    }
  }

  /** The precondition of every commit: the program that was asked is still in force. */
  async recheck(tx: Transaction, program: PinnedProgram): Promise<{ now: Date }> {
    const { now, programVersion } = await tx.facts;
    if (programVersion !== program.version) throw new ProgramMoved();
    return { now };
  }

  /** The program in force as GraphQL shows it; null while the tenant has none. */
  async describe(tenantKey: string): Promise<Program | null> {
    const facts = await this.#tenants.facts(tenantKey);
    if (facts === null || facts.programVersion === null) return null;
    return toProgram(tenantKey, await this.pinned(tenantKey, facts.programVersion));
  }

  /** The versions that ever were in force, newest first. */
  async versions(
    { tenantKey }: RequestContext,
    first: number,
    after: string | null | undefined,
  ): Promise<ConnectionOf<ProgramVersion>> {
    const before = versionPlace(tenantKey, after);
    const rows = await findVersions(this.#database.read(tenantKey), tenantKey, before, first);
    return toPage(rows, first, ({ version }) => versionCursor(tenantKey, version));
  }
}

function pin(version: number, definition: ProgramDefinition): PinnedProgram {
  return { version, definition, assets: new Map(definition.assets.map((asset) => [asset.code, asset])) };
}

async function load(sql: Sql, tenantKey: string, version: number): Promise<PinnedProgram> {
  const stored = await findProgram(sql, tenantKey, version);
  if (stored === null) throw new Error(`The program of tenant ${tenantKey} has no version ${version}.`);
  return pin(version, fromStored(stored));
}

/** @throws Refusal ASSET_IN_USE, ASSET_RECORD_MOVED, BENEFIT_IN_USE */
async function refuseUsed(
  tx: Transaction,
  tenantKey: string,
  before: ProgramDefinition,
  after: ProgramDefinition,
): Promise<void> {
  const dropped = droppedCodes(before.assets, after.assets);
  const used = await findUsed(tx, tenantKey, {
    assets: [...dropped, ...movedCodes(before.assets, after.assets)],
    benefits: droppedCodes(before.benefits, after.benefits),
  });
  const reasons = [
    ...used.assets.map((asset) => ({
      code: dropped.includes(asset) ? 'ASSET_IN_USE' : 'ASSET_RECORD_MOVED',
      field: ['source', 'assets'],
      details: { asset },
    })),
    ...used.benefits.map((benefit) => ({
      code: 'BENEFIT_IN_USE',
      field: ['source', 'benefits'],
      details: { benefit },
    })),
  ];
  if (reasons.length > 0) throw new Refusal(reasons);
}

function droppedCodes(
  before: readonly { readonly code: string }[],
  after: readonly { readonly code: string }[],
): string[] {
  const kept = new Set(after.map(({ code }) => code));
  return before.flatMap(({ code }) => (kept.has(code) ? [] : [code]));
}

/** Of the assets that stay, those whose record is to be kept by somebody else. */
function movedCodes(before: readonly AssetDefinition[], after: readonly AssetDefinition[]): string[] {
  const external = new Map(after.map((asset) => [asset.code, isExternal(asset)]));
  return before.flatMap((asset) => {
    const now = external.get(asset.code);
    return now === undefined || now === isExternal(asset) ? [] : [asset.code];
  });
}

function toProgram(tenantKey: string, { version, definition }: PinnedProgram): Program {
  return {
    id: toPublicId('tenant', tenantKey),
    version,
    definition,
    timeZone: definition.timeZone,
    currency: definition.currency,
    assets: definition.assets.map((asset) => toAsset(asset, definition.currency)),
  };
}

/**
 * The asset of this code.
 * @throws Refusal ASSET_NOT_FOUND
 */
export function assetOf(program: PinnedProgram, code: string, field: readonly string[]): AssetDefinition {
  const asset = program.assets.get(code);
  if (asset === undefined) throw refuse('ASSET_NOT_FOUND', field, { asset: code });
  return asset;
}
