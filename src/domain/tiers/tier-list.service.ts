import { type Fault, type TierListInput, type TierListOutput, tierList } from '../../extension/index.ts';
import { fromPublicId, toPublicId } from '../../kernel/ids.ts';
import { localize } from '../../kernel/localized.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import { isStorable } from '../../kernel/text.ts';
import { toFacts, toldMember } from '../expressions/index.ts';
import { type AskingParts, findAskedMember } from '../ledgers/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import { Origin } from '../shared/index.ts';
import { type Ladder, laddersOf } from './ladder.policy.ts';
import { findStandings } from './standing.repository.ts';
import type { Tier } from './tier.entity.ts';
import { toTier, toTierLadder } from './tier.snapshot.ts';
import type { TierList, TierListItem } from './tier-list.types.ts';

/** What an extension says of the list. */
interface Said {
  readonly tiers: TierListOutput['tiers'];
  /** Whether somebody should have said something, and failed. */
  readonly isFailed: boolean;
}

type ShownTier = NonNullable<TierListOutput['tiers']>[number];

/** One member's view of one ladder. */
interface View {
  readonly ctx: RequestContext;
  readonly program: PinnedProgram;
  readonly memberKey: string;
  readonly ladder: Ladder;
  /** What the member may see of the ladder, as the program says. */
  readonly items: readonly TierListItem[];
}

/** The lists of tiers that storefronts show: the program's own, or the enterprise's. */
export class TierLists {
  readonly #parts: AskingParts & { readonly programs: ProgramService };

  constructor(parts: AskingParts & { readonly programs: ProgramService }) {
    this.#parts = parts;
  }

  /**
   * The list for a member; null where the caller sees no such member, or the program has no such ladder.
   * @throws Refusal NO_PROGRAM, EXTENSION_UNAVAILABLE
   */
  async of(ctx: RequestContext, memberId: string, code: string | null): Promise<TierList | null> {
    const { database, programs } = this.#parts;
    const memberKey = fromPublicId('member', memberId);
    if (memberKey === null || !mayActOn(ctx, memberKey)) return null;
    const program = await programs.inForce(ctx.tenantKey);
    const { definition } = program;
    const { all } = laddersOf(definition);
    const ladder = code === null ? all[0] : all.find((one) => one.code === code);
    if (ladder === undefined) return null;
    const { timeZone } = definition;
    const sql = database.read(ctx.tenantKey);
    const [standing] = await findStandings(sql, ctx.tenantKey, { ladder, timeZone }, [memberKey]);
    if (standing === undefined) return null;
    const items = ownItems(ctx, program, ladder, standing.tier);
    const { tiers, isFailed } = await this.#ask({ ctx, program, memberKey, ladder, items });
    const said = tiers?.flatMap((one) => itemSaid(one, items)) ?? null;
    const own = isFailed ? Origin.FALLBACK : Origin.OWN;
    return {
      ladder: toTierLadder(ladder, definition, ctx.caller.role === 'STAFF'),
      items: said ?? [...items],
      origin: said === null || isFailed ? own : Origin.OUTSIDE,
    };
  }

  async #ask({ ctx, program, memberKey, ladder, items }: View): Promise<Said> {
    const { asker, database, tiersOf } = this.#parts;
    const { tenantKey } = ctx;
    const answerers = await asker.find(tenantKey, tierList);
    const nothing = { tiers: null, isFailed: false };
    if (answerers === null) return nothing;
    const [asked, tiers] = await Promise.all([
      findAskedMember(database.read(tenantKey), tenantKey, memberKey),
      tiersOf(tenantKey, program, [memberKey]),
    ]);
    if (asked === null) return nothing;
    const { now, ...member } = asked;
    const tier = tiers.get(memberKey) ?? null;
    const publicId = toPublicId('member', memberKey);
    const { timeZone } = program.definition;
    let isFailed = false;
    const answers = await answerers.ask(
      { member: toldMember(member, publicId, tier), ...toldList(ctx, ladder, items) },
      {
        // A request may ask for several ladders.
        ...{ mode: 'LIVE', idempotencyKey: `${ctx.requestId}/${ladder.code}`, subject: publicId, now },
        facts: () => toFacts({ member, publicId, happening: HAPPENING, tier }, now, timeZone),
        enough: ({ tiers: said }) => said !== null,
        judge: (output) => judgeList(output, items),
        failed: () => {
          isFailed = true;
        },
      },
    );
    const { output, isFallback = false } = answers.at(-1) ?? {};
    const said = output?.tiers ?? null;
    return { tiers: said, isFailed: isFallback || (said === null && isFailed) };
  }
}

/** What filters see. */
const HAPPENING = {
  ...{ trigger: 'tier_list', amount: null, occurredAt: null, channel: null, store: null },
  ...{ orderNumber: null, lines: [] },
};

/** What the member may see: hidden tiers only where they hold them. */
function ownItems(
  { language }: RequestContext,
  { definition }: PinnedProgram,
  ladder: Ladder,
  held: string | null,
): TierListItem[] {
  return ladder.steps.flatMap(({ code, definition: step }, index) => {
    const isHeld = code === held;
    const tier = step.hidden && !isHeld ? null : toTier(ladder, index + 1, definition);
    if (tier === null) return [];
    const benefits = definition.benefits.filter((one) => step.benefits.includes(one.code));
    return {
      ...{ tier, isHeld, name: localize(step.name, language) },
      benefits: benefits.map(({ name }) => localize(name, language)),
      ...{ description: null, requirement: null, imageUrl: null, progressPercent: null },
    };
  });
}

function toldList(
  { language }: RequestContext,
  { code, definition, steps }: Ladder,
  items: readonly TierListItem[],
): Omit<TierListInput, 'member'> {
  return {
    language,
    ladder: { code, name: localize(definition.name, language), metric: definition.metric },
    tiers: items.flatMap(({ tier, name, isHeld }) => {
      const step = steps.find((one) => one.code === tier.code)?.definition;
      if (step === undefined) return [];
      const { threshold, benefits } = step;
      return { code: tier.code, rank: tier.rank, name, threshold, benefits: [...benefits], isHeld };
    }),
  };
}

function itemSaid({ code, ...said }: ShownTier, items: readonly TierListItem[]): TierListItem[] {
  const own = items.find(({ tier }: { readonly tier: Tier }) => tier.code === code);
  return own === undefined ? [] : [{ ...own, ...said }];
}

function judgeList({ tiers }: TierListOutput, items: readonly TierListItem[]): Fault | null {
  const codes = tiers?.map(({ code }) => code) ?? [];
  const wrong = codes.find(
    (code, index) => codes.indexOf(code) !== index || items.every(({ tier }) => tier.code !== code),
  );
  if (wrong !== undefined) return { code: 'OUTPUT_TIER_NOT_SHOWN', details: { tier: wrong } };
  return isStorable(tiers) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} };
}
