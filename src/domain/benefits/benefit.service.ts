import type { FeedListener } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import type { AskingParts } from '../ledgers/index.ts';
import type { BenefitDefinition, PinnedProgram, ProgramService, UseCaseRunner } from '../programs/index.ts';
import { BenefitKind } from './benefit.entity.ts';
import type {
  GrantBenefitInput,
  RevokeGrantInput,
  UndoBenefitUseInput,
  UseBenefitInput,
} from './benefit.inputs.ts';
import {
  refuseBadValidity,
  refuseInactive,
  refuseLongReason,
  refuseShort,
  refuseUnusable,
  toOccasion,
} from './benefit.policy.ts';
import { type BenefitAsking, benefitAsking, type UseAsking, useAsking } from './benefit-asking.ts';
import type { BenefitUse } from './benefit-use.entity.ts';
import { countUsesAt, findUse } from './benefit-use.repository.ts';
import { type Grant, GrantSource } from './grant.entity.ts';
import { grantThen, useLimits } from './grant.policy.ts';
import { findGrants, findMemberStatus, findVersionWith, type StoredGrant } from './grant.repository.ts';
import {
  commitRevocation,
  commitUndo,
  commitUse,
  firstOf,
  type Used,
  type UseProposal,
  withStatus,
} from './grant-acts.ts';
import type { GrantWriter, WantedGrant } from './grant-writer.ts';

export interface BenefitServiceParts extends AskingParts {
  readonly programs: ProgramService;
  readonly useCases: UseCaseRunner;
  readonly grants: GrantWriter;
  readonly listener: FeedListener;
}

/** Use cases on benefits: granting by hand, revoking, using and undoing a use. */
export class BenefitService {
  readonly #parts: BenefitServiceParts;

  constructor(parts: BenefitServiceParts) {
    this.#parts = parts;
  }

  /**
   * Grants a benefit by hand.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, BENEFIT_NOT_FOUND,
   *   GRANT_LIMIT, VALIDITY_INVALID, TEXT_TOO_LONG, NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async grant(ctx: RequestContext, input: GrantBenefitInput): Promise<Grant> {
    const { tenantKey } = ctx;
    const asking = benefitAsking(this.#parts, ctx, input);
    const { result, written } = await this.#parts.useCases.run<WantedGrant, { grant: string }, Grant>(ctx, {
      mutation: 'grantBenefit',
      input,
      propose: (program) => proposeGrant(ctx, program, input, asking),
      stored: ({ grantKey }) => ({ grant: grantKey }),
      commit: async (tx, wanted, program, facts) => {
        const [{ now }, status] = await Promise.all([
          facts,
          findMemberStatus(tx, tenantKey, wanted.memberKey),
        ]);
        refuseInactive(status, ['memberId']);
        refuseBadValidity(input, program, now);
        const context = { tenantKey, program, now };
        const { granted, refused } = await this.#parts.grants.grant(tx, context, [wanted]);
        for (const { short } of refused) if (short !== null) refuseShort(short, ['benefit']);
        return firstOf(granted);
      },
      replay: async ({ grant }) => {
        const stored = await this.#found(tenantKey, grant);
        return await this.#then(stored, stored.createdAt);
      },
    });
    if (written) this.#parts.listener.posted(ctx.tenantKey);
    return result;
  }

  /**
   * Takes a grant back; while it is unused, its piece of the stock too.
   * @throws Refusal IDEMPOTENCY_CONFLICT, GRANT_NOT_FOUND, GRANT_NOT_AVAILABLE, TEXT_TOO_LONG, NO_PROGRAM
   */
  async revoke(ctx: RequestContext, input: RevokeGrantInput): Promise<Grant> {
    const { tenantKey } = ctx;
    const { result, written } = await this.#parts.useCases.run<StoredGrant, { grant: string }, Grant>(ctx, {
      mutation: 'revokeGrant',
      input,
      propose: async () => {
        refuseLongReason(input.reason);
        return await this.#visible(ctx, fromPublicId('grant', input.grantId));
      },
      stored: ({ grantKey }) => ({ grant: grantKey }),
      commit: (tx, grant, _program, facts) =>
        commitRevocation(tx, grant, facts, { reason: input.reason, by: ctx.caller.subject }),
      replay: async ({ grant }) => {
        const stored = await this.#found(tenantKey, grant);
        return await this.#then(stored, stored.revokedAt ?? stored.createdAt);
      },
    });
    if (written) this.#parts.listener.posted(ctx.tenantKey);
    return result;
  }

  /**
   * Uses a granted benefit.
   * @throws Refusal IDEMPOTENCY_CONFLICT, GRANT_NOT_FOUND, GRANT_NOT_AVAILABLE, GRANT_EXPIRED, NO_USES_LEFT,
   *   GRANT_LIMIT, MEMBER_NOT_ACTIVE, ORDER_INVALID, CURRENCY_MISMATCH, MONEY_INVALID, TEXT_TOO_LONG,
   *   NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async use(ctx: RequestContext, input: UseBenefitInput): Promise<Used> {
    const asking = benefitAsking(this.#parts, ctx, input);
    const booking = useAsking(this.#parts, ctx, input);
    const { result, written } = await this.#parts.useCases.run<UseProposal, { use: string }, Used>(ctx, {
      mutation: 'useBenefit',
      input,
      propose: (program) => this.#proposeUse(ctx, program, input, { asking, booking }),
      stored: ({ use }) => ({ use: use.useKey }),
      commit: (tx, proposal, program, facts) => commitUse(tx, proposal, program, facts),
      replay: async ({ use: useKey }) => {
        const { use, grant } = await this.#foundUse(ctx.tenantKey, useKey);
        if (!mayActOn(ctx, grant.memberKey)) throw refuse('GRANT_NOT_FOUND', ['grantId']);
        const asMade = { ...use, undoneAt: null, undoReason: null, undoneBy: null };
        return { use: asMade, grant: await this.#then(grant, use.usedAt) };
      },
    });
    if (written) this.#parts.listener.posted(ctx.tenantKey);
    return result;
  }

  /**
   * Undoes a use: the grant and all limits are as if it had not been.
   * @throws Refusal IDEMPOTENCY_CONFLICT, USE_NOT_FOUND, USE_ALREADY_UNDONE, TEXT_TOO_LONG, NO_PROGRAM
   */
  async undo(ctx: RequestContext, input: UndoBenefitUseInput): Promise<Used> {
    const { tenantKey } = ctx;
    const { result, written } = await this.#parts.useCases.run<Used, { use: string }, Used>(ctx, {
      mutation: 'undoBenefitUse',
      input,
      propose: async () => {
        refuseLongReason(input.reason);
        const useKey = fromPublicId('use', input.useId);
        const use = useKey === null ? null : await findUse(this.#sql(tenantKey), tenantKey, useKey);
        if (use === null) throw refuse('USE_NOT_FOUND', ['useId']);
        return { use, grant: await this.#found(tenantKey, use.grantKey) };
      },
      stored: ({ use }) => ({ use: use.useKey }),
      commit: (tx, proposal, _program, facts) =>
        commitUndo(tx, proposal, facts, { reason: input.reason, by: ctx.caller.subject }),
      replay: async ({ use: useKey }) => {
        const { use, grant } = await this.#foundUse(tenantKey, useKey);
        return { use, grant: await this.#then(grant, use.undoneAt ?? use.usedAt) };
      },
    });
    if (written) this.#parts.listener.posted(ctx.tenantKey);
    return result;
  }

  /** What a benefit is: as the program in force says, or the newest version that has it; null if none has. */
  async definitionOf(tenantKey: string, code: string): Promise<BenefitDefinition | null> {
    return await this.#definitionIn(tenantKey, await this.#parts.programs.inForce(tenantKey), code);
  }

  async #definitionIn(
    tenantKey: string,
    { definition }: PinnedProgram,
    code: string,
  ): Promise<BenefitDefinition | null> {
    const found = definition.benefits.find((benefit) => benefit.code === code);
    if (found !== undefined) return found;
    const version = await findVersionWith(this.#sql(tenantKey), tenantKey, code);
    if (version === null) return null;
    const before = await this.#parts.programs.pinned(tenantKey, version);
    return before.definition.benefits.find((benefit) => benefit.code === code) ?? null;
  }

  async #proposeUse(
    ctx: RequestContext,
    program: PinnedProgram,
    input: UseBenefitInput,
    { asking, booking }: { readonly asking: BenefitAsking; readonly booking: UseAsking },
  ): Promise<UseProposal> {
    const { tenantKey } = ctx;
    const occasion = toOccasion(input, program);
    const grant = await this.#visible(ctx, fromPublicId('grant', input.grantId));
    const definition = await this.#definitionIn(tenantKey, program, grant.benefitCode);
    if (definition === null) throw new Error(`No program has the benefit "${grant.benefitCode}".`);
    const { memberKey } = grant;
    const about = {
      ...{ memberKey, definition, grant, occasion, field: ['grantId'] },
      refuse: (now: Date) => refuseUnusable(grant, now),
    };
    const { kind, value = '' } = (await asking(program, about)) ?? definition;
    const effect = await booking(program, about, { kind, value });
    const use: BenefitUse = {
      tenantKey,
      useKey: newKey(),
      grantKey: grant.grantKey,
      memberKey,
      effectKind: BenefitKind[effect.kind],
      effectValue: effect.value,
      ...occasion,
      usedAt: grant.createdAt,
      usedBy: ctx.caller.subject,
      countedDay: null,
      countedTotal: definition.uses?.total !== undefined,
      undoneAt: null,
      undoReason: null,
      undoneBy: null,
    };
    return { use, limits: useLimits(definition, memberKey) };
  }

  /** @throws Refusal GRANT_NOT_FOUND, also for a grant that the caller may not see */
  async #visible({ tenantKey, ...ctx }: RequestContext, grantKey: string | null): Promise<Grant> {
    const [grant] = grantKey === null ? [] : await findGrants(this.#sql(tenantKey), tenantKey, [grantKey]);
    if (grant === undefined || !mayActOn({ tenantKey, ...ctx }, grant.memberKey)) {
      throw refuse('GRANT_NOT_FOUND', ['grantId']);
    }
    return grant;
  }

  async #found(tenantKey: string, grantKey: string): Promise<Grant> {
    return firstOf(await findGrants(this.#sql(tenantKey), tenantKey, [grantKey]));
  }

  async #foundUse(tenantKey: string, useKey: string): Promise<Used> {
    const use = await findUse(this.#sql(tenantKey), tenantKey, useKey);
    if (use === null) throw new Error(`The use ${useKey} of a stored result is missing.`);
    return { use, grant: await this.#found(tenantKey, use.grantKey) };
  }

  /** A grant as an act at this moment left it: what a replay answers. */
  async #then(grant: StoredGrant, moment: Date): Promise<Grant> {
    const { tenantKey, grantKey } = grant;
    const timesUsed = await countUsesAt(this.#sql(tenantKey), tenantKey, grantKey, moment);
    return withStatus(grantThen(grant, moment, timesUsed), moment);
  }

  #sql(tenantKey: string) {
    return this.#parts.database.read(tenantKey);
  }
}

/** Where nothing is bought: a grant by hand. */
const NO_OCCASION = { channel: null, store: null, orderNumber: null, orderAmountMinor: null, currency: null };

async function proposeGrant(
  ctx: RequestContext,
  program: PinnedProgram,
  input: GrantBenefitInput,
  asking: BenefitAsking,
): Promise<WantedGrant> {
  const memberKey = fromPublicId('member', input.memberId);
  if (memberKey === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
  const { benefit, reason = null, validFrom, validUntil } = input;
  const definition = program.definition.benefits.find(({ code }) => code === benefit);
  if (definition === undefined) throw refuse('BENEFIT_NOT_FOUND', ['benefit'], { benefit });
  refuseLongReason(reason);
  await asking(program, {
    ...{ memberKey, definition, grant: null, occasion: NO_OCCASION, field: ['memberId'] },
    refuse: (now) => refuseBadValidity(input, program, now),
  });
  return {
    grantKey: newKey(),
    memberKey,
    benefit,
    source: GrantSource.HAND,
    reason,
    rule: null,
    activityKey: null,
    grantedBy: ctx.caller.subject,
    validFrom,
    validUntil,
  };
}
