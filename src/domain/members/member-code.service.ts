import { type Fault, type MemberCodeOutput, memberCode } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, toPublicId } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import { type Sealer, UnreadableSeal } from '../../persistence/index.ts';
import { type AskedMember, type ExpressionFacts, toFacts, toldMember } from '../expressions/index.ts';
import type { ProgramService } from '../programs/index.ts';
import type { ChangeAskingParts } from './change-asking.ts';
import { IdentityKind, type Member, MemberStatus } from './member.entity.ts';
import { normaliseIdentity } from './member.policy.ts';
import { businessNow, createMemberLoaders, type MemberLoaders } from './member.repository.ts';
import type { IssueMemberCodeInput } from './member-code.inputs.ts';

/** What a till scans, and until when. */
export interface IssuedCode {
  readonly code: string;
  readonly barcode: string | null;
  readonly expiresAt: Date | null;
}

const VALID_MS = 5 * 60_000;
/** What is sealed says what it is for, so that nothing else that was sealed is ever taken for a code. */
const PURPOSE = 'member-code';
const LONGEST_CODE = 512;

/** Of whom nothing is known yet. */
const NOBODY: AskedMember = {
  ...{ memberKey: '', birthday: null, gender: null, locale: null, region: null, channel: null, store: null },
  ...{ tagCodes: [], attributes: {}, enrolledAt: null },
};

export interface MemberCodeParts extends ChangeAskingParts {
  readonly programs: ProgramService;
  readonly sealer: Sealer;
}

/** The codes by which tills recognise members: an outside system's, or the product's own. */
export class MemberCodeService {
  readonly #parts: MemberCodeParts;

  constructor(parts: MemberCodeParts) {
    this.#parts = parts;
  }

  /**
   * A code for a till to scan. Nothing is kept of the product's own: it says, sealed, whose it is and how long.
   * @throws Refusal MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, NO_PROGRAM, EXTENSION_UNAVAILABLE
   */
  async issue(ctx: RequestContext, input: IssueMemberCodeInput): Promise<IssuedCode> {
    const { tenantKey } = ctx;
    const memberKey = fromPublicId('member', input.memberId);
    if (memberKey === null || !mayActOn(ctx, memberKey)) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    const sql = this.#parts.database.read(tenantKey);
    const loaders = createMemberLoaders(sql, tenantKey);
    const [member, now] = await Promise.all([loaders.member.load(memberKey), businessNow(sql, tenantKey)]);
    if (member === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    const { status } = member;
    if (status !== MemberStatus.ACTIVE) throw refuse('MEMBER_NOT_ACTIVE', ['memberId'], { status });
    return (await this.#askForCode(member, now, loaders, input)) ?? (await this.#makeCode(member, now));
  }

  /**
   * The member whom a code is of; null where it is nobody's, or over.
   * @throws Refusal NO_PROGRAM, EXTENSION_UNAVAILABLE
   */
  async memberOf({ tenantKey, requestId }: RequestContext, code: string): Promise<Member | null> {
    if (code.length > LONGEST_CODE) return null;
    const sql = this.#parts.database.read(tenantKey);
    const loaders = createMemberLoaders(sql, tenantKey);
    const now = await businessNow(sql, tenantKey);
    const own = await this.#opened(code);
    if (own !== null) {
      const [purpose, tenant, memberKey = '', expiresMs] = own.split(' ');
      const isGood = purpose === PURPOSE && tenant === tenantKey && now.getTime() < Number(expiresMs);
      return isGood ? whoIsThere(await loaders.member.load(memberKey)) : null;
    }
    const card = normaliseIdentity(IdentityKind.CARD, code);
    const holder = card === null ? null : await loaders.byIdentity(IdentityKind.CARD, card);
    return holder ?? (await this.#askForMember(code, loaders, { tenantKey, requestId, now }));
  }

  /** Asks `member.code` for one; null where nobody gives one. */
  async #askForCode(
    member: Member,
    now: Date,
    { identities }: MemberLoaders,
    { idempotencyKey, dryRun }: IssueMemberCodeInput,
  ): Promise<IssuedCode | null> {
    const { asker, programs, tiersOf } = this.#parts;
    const { tenantKey, memberKey } = member;
    const answerers = await asker.find(tenantKey, memberCode);
    if (answerers === null) return null;
    const program = await programs.inForce(tenantKey);
    const [tiers, known] = await Promise.all([
      tiersOf(tenantKey, program, [memberKey]),
      identities.load(memberKey),
    ]);
    const tier = tiers.get(memberKey) ?? null;
    const publicId = toPublicId('member', memberKey);
    const told = {
      ...{ wanted: 'CODE' as const, member: toldMember(member, publicId, tier), code: null },
      identities: known.map(({ kind, value }) => ({ kind, value })),
    };
    const { timeZone } = program.definition;
    const answers = await answerers.ask(told, {
      mode: dryRun === true ? 'DRY_RUN' : 'LIVE',
      ...{ idempotencyKey, subject: publicId, now },
      facts: () => factsOf({ member, publicId, trigger: 'member_code', tier }, now, timeZone),
      enough: ({ code }) => code !== undefined,
      judge: ({ expiresAt }) =>
        expiresAt === undefined || new Date(expiresAt) > now
          ? null
          : { code: 'OUTPUT_CODE_OVER', details: {} },
    });
    const { code, barcode = null, expiresAt } = answers.at(-1)?.output ?? {};
    if (code === undefined) return null;
    return { code, barcode, expiresAt: expiresAt === undefined ? null : new Date(expiresAt) };
  }

  /** Asks `member.code` whose one is. */
  async #askForMember(
    code: string,
    loaders: MemberLoaders,
    { tenantKey, requestId, now }: { tenantKey: string; requestId: string; now: Date },
  ): Promise<Member | null> {
    const { asker, programs } = this.#parts;
    const answerers = await asker.find(tenantKey, memberCode);
    if (answerers === null) return null;
    const { timeZone } = (await programs.inForce(tenantKey)).definition;
    const told = { wanted: 'MEMBER' as const, member: null, identities: [], code };
    const about = { member: NOBODY, publicId: '', trigger: 'member_by_code', tier: null };
    const answers = await answerers.ask(told, {
      ...{ mode: 'LIVE', idempotencyKey: requestId, subject: null, now },
      facts: () => factsOf(about, now, timeZone),
      enough: namesSomebody,
      judge: async (output): Promise<Fault | null> =>
        !namesSomebody(output) || (await memberNamed(output, loaders)) !== null
          ? null
          : { code: 'OUTPUT_CODE_OF_NOBODY', details: {} },
    });
    return await memberNamed(answers.at(-1)?.output ?? {}, loaders);
  }

  async #makeCode({ tenantKey, memberKey }: Member, now: Date): Promise<IssuedCode> {
    const expiresAt = new Date(now.getTime() + VALID_MS);
    const text = [PURPOSE, tenantKey, memberKey, expiresAt.getTime()].join(' ');
    return { code: await this.#parts.sealer.seal(text), barcode: null, expiresAt };
  }

  /** What a code of the product's own says; null for any other. */
  async #opened(code: string): Promise<string | null> {
    try {
      return await this.#parts.sealer.open(code);
    } catch (error) {
      if (error instanceof UnreadableSeal) return null;
      throw error;
    }
  }
}

/** What filters see. */
function factsOf(
  { trigger, ...about }: Omit<Parameters<typeof toFacts>[0], 'happening'> & { readonly trigger: string },
  now: Date,
  timeZone: string,
): ExpressionFacts {
  const happening = {
    ...{ trigger, amount: null, occurredAt: null, channel: null, store: null },
    ...{ orderNumber: null, lines: [] },
  };
  return toFacts({ ...about, happening }, now, timeZone);
}

function namesSomebody({ memberId, identity }: MemberCodeOutput): boolean {
  return memberId !== undefined || identity !== undefined;
}

async function memberNamed(
  { memberId, identity }: MemberCodeOutput,
  loaders: MemberLoaders,
): Promise<Member | null> {
  if (memberId !== undefined) {
    const key = fromPublicId('member', memberId);
    return key === null ? null : whoIsThere(await loaders.member.load(key));
  }
  if (identity === undefined) return null;
  const kind = Object.values(IdentityKind).find((one) => one === identity.kind);
  const value = kind === undefined ? null : normaliseIdentity(kind, identity.value);
  return kind === undefined || value === null ? null : await loaders.byIdentity(kind, value);
}

/** Who lives on elsewhere, or nowhere, isn't shown to a till. */
function whoIsThere(member: Member | null): Member | null {
  const isGone = member?.status === MemberStatus.MERGED || member?.status === MemberStatus.ERASED;
  return isGone ? null : member;
}
