import { LRUCache } from 'lru-cache';
import stringify from 'safe-stable-stringify';
import { Refusal, RequestFault, refuse } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { businessTime, type Database, type Transaction } from '../../persistence/index.ts';
import type { TenantService } from '../tenants/index.ts';
import { type Asset, type Program, ProgramVersion } from './program.entity.ts';
import {
  findProgram,
  findUsedAssets,
  findVersion,
  lockProgramVersion,
  putVersionInForce,
} from './program.repository.ts';
import type { AssetDefinition, ProgramDefinition } from './program.schema.ts';

/** A program in one of its versions, ready to be asked. */
export interface PinnedProgram {
  readonly version: number;
  readonly definition: ProgramDefinition;
  /** By code. */
  readonly assets: ReadonlyMap<string, AssetDefinition>;
}

const MOST_REMEMBERED = 1_000;
const MOST_TRIES = 3;

/** Another version of the program came into force between proposal and commit. */
class ProgramMoved extends RequestFault {
  constructor() {
    super('SERVICE_UNAVAILABLE', { httpStatus: 503 });
  }
}

export function toAsset(definition: AssetDefinition): Asset {
  const { code, kind, spendable, transferable } = definition;
  return { definition, code, kind, spendable, transferable };
}

/** Programs: versions that are never changed, one of them in force. */
export class ProgramService {
  readonly #database: Database;
  readonly #tenants: TenantService;
  readonly #versions = new LRUCache<string, PinnedProgram>({ max: MOST_REMEMBERED });

  constructor(database: Database, tenants: TenantService) {
    this.#database = database;
    this.#tenants = tenants;
  }

  /**
   * Puts a definition in force as the next version; the same definition again changes nothing.
   * @throws Refusal ASSET_IN_USE when it drops an asset that has balances
   */
  async apply(
    tenantKey: string,
    definition: ProgramDefinition,
    appliedBy: string,
  ): Promise<{ version: number; changed: boolean }> {
    const applied = await this.#database.unitOfWork(tenantKey, async (em) => {
      const current = await lockProgramVersion(em, tenantKey);
      const inForce = current === null ? null : await findVersion(em, tenantKey, current);
      if (inForce !== null && stringify(inForce.definition) === stringify(definition)) {
        return { version: inForce.version, changed: false };
      }
      const assets = new Set(definition.assets.map(({ code }) => code));
      const dropped = (await findUsedAssets(em, tenantKey)).filter((asset) => !assets.has(asset));
      if (dropped.length > 0) {
        throw new Refusal(
          dropped.map((asset) => ({ code: 'ASSET_IN_USE', field: ['assets'], details: { asset } })),
        );
      }
      const version = Object.assign(new ProgramVersion(), {
        tenantKey,
        version: (current ?? 0) + 1,
        definition,
        appliedAt: await businessTime(em),
        appliedBy,
      });
      await putVersionInForce(em, version);
      return { version: version.version, changed: true };
    });
    this.#tenants.forget(tenantKey);
    return applied;
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
    const definition = await findProgram(this.#database.read(tenantKey), tenantKey, version);
    if (definition === null) throw new Error(`The program of tenant ${tenantKey} has no version ${version}.`);
    const assets = new Map(definition.assets.map((asset) => [asset.code, asset]));
    const pinned = { version, definition, assets };
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
    const { version, definition } = await this.pinned(tenantKey, facts.programVersion);
    return {
      id: toPublicId('tenant', tenantKey),
      version,
      definition,
      timeZone: definition.timeZone,
      currency: definition.currency,
      assets: definition.assets.map(toAsset),
    };
  }
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
