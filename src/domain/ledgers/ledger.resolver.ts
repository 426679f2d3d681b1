import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Info, Mutation, Resolver, Root } from 'type-graphql';
import { splitDuration } from '../../kernel/calendar.ts';
import { Refusal, RequestFault } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { Asset, moneyOf, rateOf, toAsset } from '../programs/index.ts';
import {
  type ConnectionOf,
  DateTimeScalar,
  DurationScalar,
  MoneyObject,
  PageArgs,
  payloadOf,
  type Row,
  toPage,
  toUserErrors,
} from '../shared/index.ts';
import { EntryConnection } from './entry.entity.ts';
import { type BriefEntry, isBriefEntryPage } from './entry.lookahead.ts';
import { type Hold, HoldConnection } from './hold.entity.ts';
import type { LedgerContext } from './ledger.context.ts';
import { entryPlace, feedCursor, holdCursor, holdPlace, lotCursor, lotPlace } from './ledger.cursors.ts';
import { Balance, ExpiringAmount, Ledger } from './ledger.entity.ts';
import {
  AdjustPointsInput,
  EarnPointsBatchInput,
  EarnPointsInput,
  HoldArgs,
  RedeemPointsInput,
} from './ledger.inputs.ts';
import {
  AdjustPointsPayload,
  EarnPointsBatchPayload,
  EarnPointsPayload,
  RedeemPointsPayload,
} from './ledger.payloads.types.ts';
import { ledgerAfter } from './ledger.snapshot.ts';
import { type Lot, LotConnection } from './lot.entity.ts';
import type { LedgerOperation } from './operation.entity.ts';
import { balanceNow, expiringElsewhere, recordOf, toBalance } from './record-balance.ts';

const REFUSED: EarnPointsPayload = { operation: null, ledger: null, userErrors: [] };

@Resolver(() => Ledger)
export class LedgerResolver {
  @Mutation(() => EarnPointsPayload, { description: 'Credits an amount to a member.' })
  @Extensions({ roles: ['STAFF'] })
  earnPoints(
    @Arg('input', () => EarnPointsInput, { description: 'Who earns how much of what, and why.' })
    input: EarnPointsInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<EarnPointsPayload> {
    return payloadOf(request, REFUSED, async () => toPayload(await services.ledgers.earn(request, input)));
  }

  @Mutation(() => EarnPointsBatchPayload, {
    description: 'Credits many amounts, e.g. of a settlement. Each item is done or refused by itself.',
  })
  @Extensions({ roles: ['STAFF'] })
  async earnPointsBatch(
    @Arg('input', () => EarnPointsBatchInput, { description: 'The credits.' })
    { items }: EarnPointsBatchInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<EarnPointsBatchPayload> {
    const results = (await services.ledgers.earnAll(request, items)).map((one, index) =>
      one instanceof Refusal
        ? { operation: null, userErrors: toUserErrors(request, one, ['items', String(index)]) }
        : { operation: one, userErrors: [] },
    );
    const succeeded = results.filter(({ operation }) => operation !== null).length;
    return { results, succeeded, failed: results.length - succeeded };
  }

  @Mutation(() => RedeemPointsPayload, {
    description:
      'Spends an amount, from the lots that expire first; never below zero, however many arrive at once.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  redeemPoints(
    @Arg('input', () => RedeemPointsInput, { description: 'Who spends how much of what, and why.' })
    input: RedeemPointsInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<RedeemPointsPayload> {
    return payloadOf(request, REFUSED, async () => toPayload(await services.ledgers.redeem(request, input)));
  }

  @Mutation(() => AdjustPointsPayload, { description: 'Corrects a balance by hand, up or down.' })
  @Extensions({ roles: ['STAFF'] })
  adjustPoints(
    @Arg('input', () => AdjustPointsInput, {
      description: 'Whose balance is corrected by how much, and why.',
    })
    input: AdjustPointsInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<AdjustPointsPayload> {
    return payloadOf(request, REFUSED, async () => toPayload(await services.ledgers.adjust(request, input)));
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() ledger: Row<Ledger>): string {
    return toPublicId('ledger', ledger.ledgerKey);
  }

  @FieldResolver(() => Asset, { description: 'What it counts.' })
  async asset(@Root() ledger: Row<Ledger>, @Ctx() { request, services }: LedgerContext): Promise<Asset> {
    return await assetNamed(request.tenantKey, ledger.assetCode, services);
  }

  @FieldResolver(() => Balance, { description: 'What it holds, now or as it stood at a moment.' })
  async balance(
    @Root() ledger: Row<Ledger>,
    @Ctx() context: LedgerContext,
    @Arg('at', () => DateTimeScalar, {
      nullable: true,
      description:
        'After everything recorded by this moment, with what was due by then; now when missing. Of a past moment our own ledger tells, whoever keeps the record.',
    })
    at?: Date | null,
  ): Promise<Balance> {
    if (at === null || at === undefined) return await balanceNow(ledger, context);
    const then = await context.loaders.ledgers.reads.balanceAt(ledger.ledgerKey, at);
    if (then.inFuture) throw new RequestFault('AT_IN_FUTURE', { field: ['at'] });
    return toBalance(then);
  }

  @FieldResolver(() => MoneyObject, {
    nullable: true,
    description:
      'What is available now is worth, at the asset’s rate and rounded toward zero; stored value is the money itself. Null where the program says no rate.',
  })
  async worth(@Root() ledger: Row<Ledger>, @Ctx() context: LedgerContext): Promise<MoneyObject | null> {
    const { request, services } = context;
    const { definition, currency } = await assetNamed(request.tenantKey, ledger.assetCode, services);
    const rate = rateOf(definition, currency);
    if (rate === undefined) return null;
    return moneyOf(rate, (await balanceNow(ledger, context)).available, currency);
  }

  @FieldResolver(() => String, {
    description:
      'A cursor for `pointEvents(after:)`, and for every other stream: a card read first and followed from here has no gap.',
  })
  eventCursor(@Root() ledger: Row<Ledger>, @Ctx() { services }: LedgerContext): string | Promise<string> {
    const cursorAt = (place: bigint): string => feedCursor(ledger.tenantKey, place);
    const place = services.ledgers.placeToFollow(ledger);
    return typeof place === 'bigint' ? cursorAt(place) : place.then(cursorAt);
  }

  @FieldResolver(() => EntryConnection, { description: 'Its entries, newest version first.' })
  async entries(
    @Root() ledger: Row<Ledger>,
    @Args(() => PageArgs) { first, after }: PageArgs,
    @Ctx() { loaders }: LedgerContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ConnectionOf<BriefEntry>> {
    const isBrief = isBriefEntryPage(info);
    const before = entryPlace(ledger.tenantKey, ledger.ledgerKey, after);
    const { ledgerKey } = ledger;
    const page = await loaders.ledgers.entryPage.load({ ledgerKey, before, first, isBrief });
    for (const { node } of page.edges) {
      node.assetCode = ledger.assetCode;
      node.memberKey = ledger.memberKey;
    }
    return page;
  }

  @FieldResolver(() => [ExpiringAmount], { description: 'What will expire within a span, soonest first.' })
  async expiring(
    @Root() ledger: Row<Ledger>,
    @Arg('within', () => DurationScalar, { description: 'From now, e.g. `P30D`.' }) within: string,
    @Ctx() context: LedgerContext,
  ): Promise<ExpiringAmount[]> {
    const { request, services, loaders } = context;
    const { definition } = await services.programs.inForce(request.tenantKey);
    const record = await recordOf(ledger, context);
    if (record !== null) return expiringElsewhere(record, within, definition.timeZone);
    const key = { ledgerKey: ledger.ledgerKey, timeZone: definition.timeZone, ...splitDuration(within) };
    return await loaders.ledgers.expiring.load(key);
  }

  @FieldResolver(() => LotConnection, {
    description: 'Its lots: by expiry, those that never expire last, then by age.',
  })
  async lots(
    @Root() ledger: Row<Ledger>,
    @Args(() => PageArgs) { first, after }: PageArgs,
    @Ctx() { loaders }: LedgerContext,
  ): Promise<ConnectionOf<Lot>> {
    const { tenantKey, ledgerKey } = ledger;
    const rows = await loaders.ledgers.reads.lotPage(ledgerKey, lotPlace(tenantKey, ledgerKey, after), first);
    return toPage(rows, first, (lot) => lotCursor(tenantKey, ledgerKey, lot));
  }

  @FieldResolver(() => HoldConnection, { description: 'Its holds, newest first.' })
  async holds(
    @Root() ledger: Row<Ledger>,
    @Args(() => HoldArgs) { first, after, status = null }: HoldArgs,
    @Ctx() { loaders }: LedgerContext,
  ): Promise<ConnectionOf<Hold>> {
    const { tenantKey, ledgerKey } = ledger;
    const before = holdPlace(tenantKey, ledgerKey, status, after);
    const rows = await loaders.ledgers.reads.holdPage(ledgerKey, status, before, first);
    return toPage(rows, first, ({ holdKey }) => holdCursor(tenantKey, ledgerKey, status, holdKey));
  }
}

export function toPayload(operation: LedgerOperation): EarnPointsPayload {
  const [entry] = operation.writtenEntries ?? [];
  return { operation, ledger: entry === undefined ? null : ledgerAfter(entry), userErrors: [] };
}

/** The asset of this code in the program in force. */
export async function assetNamed(
  tenantKey: string,
  code: string,
  services: LedgerContext['services'],
): Promise<Asset> {
  const { assets, definition: program } = await services.programs.inForce(tenantKey);
  const definition = assets.get(code);
  if (definition === undefined) throw new Error(`The program of tenant ${tenantKey} has no asset "${code}".`);
  return toAsset(definition, program.currency);
}
