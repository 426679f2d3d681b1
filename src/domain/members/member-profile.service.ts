import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import {
  type Answerers,
  type Fault,
  type MemberReadInput,
  type MemberReadOutput,
  MOST_MEMBERS_READ,
  memberRead,
  type SuppliedProfile,
} from '../../extension/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { isStorable } from '../../kernel/text.ts';
import { type ExpressionFacts, toFacts, toldMember } from '../expressions/index.ts';
import type { ProgramService } from '../programs/index.ts';
import type { ChangeAskingParts } from './change-asking.ts';
import { faultIn } from './enrichment.policy.ts';
import { type Member, MemberStatus } from './member.entity.ts';
import type { ProfileInput } from './member.inputs.ts';
import { refuseBadProfile, refuseFutureBirthday, toAttributes } from './member.policy.ts';
import { businessNow, createMemberLoaders } from './member.repository.ts';

const SHOWN_MS = 5_000;
const MOST_REMEMBERED = 10_000;
/** How many questions of one request are under way at once. */
const LANES = 4;

export interface MemberProfileParts extends ChangeAskingParts {
  readonly programs: ProgramService;
}

/** What was said of a member: null for nothing. */
export interface Said {
  readonly profile: SuppliedProfile | null;
  readonly at: Date;
  /** Whether somebody should have said something, and failed. */
  readonly isFailed: boolean;
}

type Told = MemberReadInput['members'][number];
type ReadAnswerers = Answerers<ExpressionFacts, MemberReadInput, MemberReadOutput>;

/** A question that is about to be asked. */
interface Asking {
  readonly ctx: RequestContext;
  readonly answerers: ReadAnswerers;
  readonly now: Date;
  readonly timeZone: string;
}

/** One of those whom a question is about. */
interface Sought {
  readonly member: Member;
  readonly told: Told;
  facts(): ExpressionFacts;
}

/** Profiles that other systems keep: asked for when they are to be shown, and never written. */
export class MemberProfiles {
  readonly #parts: MemberProfileParts;
  readonly #remembered = new LRUCache<string, Said>({
    ...{ max: MOST_REMEMBERED, ttl: SHOWN_MS },
    // Personal data aren't kept for longer because nobody asks.
    ttlAutopurge: true,
  });

  constructor(parts: MemberProfileParts) {
    this.#parts = parts;
  }

  /**
   * What other systems say of members of the caller's tenant, in their order: null where nobody is to say
   * anything, EXTENSION_UNAVAILABLE where who fails closed did. Nothing is looked up where nobody answers.
   */
  async saidOf(ctx: RequestContext, members: readonly Member[]): Promise<(Said | Refusal | null)[]> {
    const answerers = await this.#parts.asker.find(ctx.tenantKey, memberRead);
    if (answerers === null) return members.map(() => null);
    const said = new Map<string, Said | Refusal>();
    const asked = members.filter((member) => {
      const known = this.#remembered.get(rememberedAs(member));
      if (known !== undefined) said.set(member.memberKey, known);
      return known === undefined && !isGone(member);
    });
    if (asked.length > 0) await this.#ask(ctx, answerers, asked, said);
    return members.map(({ memberKey }) => said.get(memberKey) ?? null);
  }

  async #ask(
    ctx: RequestContext,
    answerers: ReadAnswerers,
    members: readonly Member[],
    said: Map<string, Said | Refusal>,
  ): Promise<void> {
    const { database, programs, tiersOf } = this.#parts;
    const { tenantKey } = ctx;
    const sql = database.read(tenantKey);
    const program = await programs.inForce(tenantKey);
    const { timeZone } = program.definition;
    const keys = members.map(({ memberKey }) => memberKey);
    const { identities } = createMemberLoaders(sql, tenantKey);
    const [tiers, now, ...known] = await Promise.all([
      tiersOf(tenantKey, program, keys),
      businessNow(sql, tenantKey),
      ...keys.map((key) => identities.load(key)),
    ]);
    const sought = members.map((member, index): Sought => {
      const publicId = toPublicId('member', member.memberKey);
      const tier = tiers.get(member.memberKey) ?? null;
      const found = known[index] ?? [];
      return {
        member,
        told: {
          member: toldMember(member, publicId, tier),
          identities: found.map(({ kind, value }) => ({ kind, value })),
        },
        facts: () => toFacts({ member, publicId, happening: HAPPENING, tier }, now, timeZone),
      };
    });
    const asking = { ctx, answerers, now, timeZone };
    const batches = inBatches(sought, answerers.areAskedAlike ? MOST_MEMBERS_READ : 1);
    await inLanes(batches, async (batch) => {
      for (const [member, one] of await this.#askBatch(asking, batch)) {
        said.set(member.memberKey, one);
        if (!(one instanceof Refusal) && !one.isFailed) this.#remembered.set(rememberedAs(member), one);
      }
    });
  }

  async #askBatch(
    { ctx, answerers, now, timeZone }: Asking,
    batch: readonly [Sought, ...Sought[]],
  ): Promise<[Member, Said | Refusal][]> {
    const [first] = batch;
    const ids = new Set(batch.map(({ told }) => told.member.id));
    let isFailed = false;
    try {
      const answers = await answerers.ask(
        { members: batch.map(({ told }) => told) },
        {
          // One request asks about many members: each batch is a question of its own.
          ...{ mode: 'LIVE', idempotencyKey: `${ctx.requestId}/${first.told.member.id}`, now },
          subject: first.told.member.id,
          facts: first.facts,
          enough: ({ profiles }) => profiles.length === batch.length,
          judge: ({ profiles }) => judgeProfiles(profiles, ids, now, timeZone),
          failed: () => {
            isFailed = true;
          },
        },
      );
      isFailed ||= answers.some(({ isFallback }) => isFallback);
      const profiles = answers.flatMap(({ output }) => output.profiles);
      return batch.map(({ member, told }) => {
        const named = profiles.find(({ memberId }) => memberId === told.member.id);
        const profile = named?.profile ?? null;
        return [member, { profile, at: now, isFailed: profile === null && isFailed }];
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return batch.map(({ member }) => [member, error]);
    }
  }
}

export type ProfileLoader = DataLoader<Member, Said | null, string>;

/** Asks about all members whose profiles one request selects, together. */
export function createProfileLoader(profiles: MemberProfiles, ctx: RequestContext): ProfileLoader {
  return new DataLoader<Member, Said | null, string>((members) => profiles.saidOf(ctx, members), {
    ...{ cacheKeyFn: ({ memberKey }) => memberKey },
  });
}

/** What filters see. */
const HAPPENING = {
  ...{ trigger: 'member_read', amount: null, occurredAt: null, channel: null, store: null },
  ...{ orderNumber: null, lines: [] },
};

/** Of one tenant's member, as they are kept now: what was said before a change isn't shown after it. */
function rememberedAs({ tenantKey, memberKey, updatedAt }: Member): string {
  return `${tenantKey} ${memberKey} ${updatedAt.getTime()}`;
}

/** Of whom nothing is left to show. */
function isGone({ status }: Member): boolean {
  return status === MemberStatus.MERGED || status === MemberStatus.ERASED;
}

function judgeProfiles(
  profiles: MemberReadOutput['profiles'],
  ids: ReadonlySet<string>,
  now: Date,
  timeZone: string,
): Fault | null {
  const named = profiles.map(({ memberId }) => memberId);
  if (new Set(named).size < named.length || named.some((id) => !ids.has(id)))
    return { code: 'OUTPUT_PROFILE_OF_ANOTHER', details: {} };
  return (
    faultIn(() => {
      for (const { profile } of profiles) {
        refuseBadProfile(profile as ProfileInput);
        refuseFutureBirthday(profile.birthday ?? null, now, timeZone);
        toAttributes(profile.attributes);
      }
    }) ?? (isStorable(profiles) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} })
  );
}

function inBatches<Item>(items: readonly Item[], most: number): [Item, ...Item[]][] {
  const batches: [Item, ...Item[]][] = [];
  for (const item of items) {
    const last = batches.at(-1);
    if (last === undefined || last.length === most) batches.push([item]);
    else last.push(item);
  }
  return batches;
}

/** Works on some at once, on the next ones as soon as these are done. */
async function inLanes<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
