import { Ctx, FieldResolver, ID, Resolver, Root } from 'type-graphql';
import { toEntryId, toPublicId } from '../../kernel/ids.ts';
import { localize } from '../../kernel/localized.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { mayActOn } from '../../kernel/request-context.ts';
import { Asset } from '../programs/index.ts';
import type { Row } from '../shared/index.ts';
import { Entry } from './entry.entity.ts';
import type { LedgerContext } from './ledger.context.ts';
import { Ledger } from './ledger.entity.ts';
import { assetNamed } from './ledger.resolver.ts';
import { ledgerAfter } from './ledger.snapshot.ts';
import { Allocation, Lot } from './lot.entity.ts';
import { Explanation, LedgerOperation, Reference, type StoredExplanation } from './operation.entity.ts';

@Resolver(() => LedgerOperation)
export class LedgerOperationResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() operation: Row<LedgerOperation>): string {
    return toPublicId('operation', operation.operationKey);
  }

  @FieldResolver(() => [Entry], {
    description:
      'What it wrote: one entry a ledger, who gives before who receives. A member sees only their own side.',
  })
  async entries(
    @Root() operation: Row<LedgerOperation>,
    @Ctx() { request, loaders }: LedgerContext,
  ): Promise<Entry[]> {
    const entries = operation.writtenEntries ?? (await loadEntries(operation, loaders));
    const seen = entries.filter(({ memberKey }) => mayActOn(request, memberKey));
    return seen.toSorted((a, b) => Number(a.amount > b.amount) - Number(a.amount < b.amount));
  }

  @FieldResolver(() => LedgerOperation, {
    nullable: true,
    description: 'The operation that it undid; null if none.',
  })
  async reverses(
    @Root() { refOperationKey }: Row<LedgerOperation>,
    @Ctx() { loaders }: LedgerContext,
  ): Promise<LedgerOperation | null> {
    return refOperationKey === null ? null : await loaders.ledgers.operation.load(refOperationKey);
  }

  @FieldResolver(() => [Allocation], {
    description: 'Which lots it took from, and how much. A member sees only their own lots.',
  })
  async allocations(
    @Root() operation: Row<LedgerOperation>,
    @Ctx() context: LedgerContext,
  ): Promise<Allocation[]> {
    const { loaders, request } = context;
    const all =
      operation.writtenAllocations ?? (await loaders.ledgers.allocations.load(operation.operationKey));
    if (request.caller.role === 'STAFF' || operation.ledgerKeys.length === 1) return all;
    const own = new Set((await this.entries(operation, context)).map(({ ledgerKey }) => ledgerKey));
    return all.filter(({ lot }) => own.has(lot.ledgerKey));
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'SHA-256 of what it was decided from, hexadecimal: the request, or where time acted the ledger, the version that it found and the moment. Null for what was made before this was kept.',
  })
  inputHash(@Root() { inputHash }: Row<LedgerOperation>): string | null {
    return inputHash?.toString('hex') ?? null;
  }

  @FieldResolver(() => Reference, {
    nullable: true,
    description: 'What it refers to outside; null if nothing.',
  })
  reference(@Root() { referenceType, referenceId }: Row<LedgerOperation>): Reference | null {
    return referenceType === null || referenceId === null ? null : { type: referenceType, id: referenceId };
  }

  @FieldResolver(() => Explanation, {
    nullable: true,
    description: 'Why a rule or an extension gave it; null for what was done by hand.',
  })
  explanation(
    @Root() { storedExplanation }: Row<LedgerOperation>,
    @Ctx() { request }: LedgerContext,
  ): Explanation | null {
    return storedExplanation === null ? null : toExplanation(storedExplanation, request);
  }
}

@Resolver(() => Entry)
export class EntryResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() entry: Row<Entry>): string {
    return toEntryId(entry.ledgerKey, entry.version);
  }

  @FieldResolver(() => Asset, { description: 'The asset of its ledger.' })
  async asset(@Root() entry: Row<Entry>, @Ctx() { request, services }: LedgerContext): Promise<Asset> {
    return await assetNamed(request.tenantKey, entry.assetCode, services);
  }

  @FieldResolver(() => Ledger, { description: 'The ledger that it stands in, as it is now.' })
  async ledger(@Root() entry: Row<Entry>, @Ctx() { loaders }: LedgerContext): Promise<Ledger> {
    const ledger = await loaders.ledgers.ledger.load(entry.ledgerKey);
    // A dry run may show entries of a ledger that isn't there.
    return ledger ?? ledgerAfter(entry);
  }

  @FieldResolver(() => LedgerOperation, { description: 'The operation that wrote it.' })
  async operation(@Root() entry: Row<Entry>, @Ctx() { loaders }: LedgerContext): Promise<LedgerOperation> {
    const operation = await loaders.ledgers.operation.load(entry.operationKey);
    if (operation === null) throw new Error('An entry has no operation.');
    return operation;
  }
}

@Resolver(() => Lot)
export class LotResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() lot: Row<Lot>): string {
    return toPublicId('lot', lot.lotKey);
  }
}

/** A stored explanation in the caller's language. */
export function toExplanation(stored: StoredExplanation, { language }: RequestContext): Explanation {
  return { ...stored, summary: localize(stored.summary, language) };
}

async function loadEntries(operation: LedgerOperation, loaders: LedgerContext['loaders']): Promise<Entry[]> {
  const keys = operation.ledgerKeys.map((ledgerKey, index) => ({
    ledgerKey,
    version: operation.versions[index] ?? 0n,
  }));
  const entries = await loaders.ledgers.entry.loadMany(keys);
  return entries.map((entry) => {
    if (entry === null || entry instanceof Error) throw entry ?? new Error('An operation misses an entry.');
    return entry;
  });
}
