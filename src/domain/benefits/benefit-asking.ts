import {
  type Answerers,
  type BenefitRuleInput,
  type BenefitRuleOutput,
  type BenefitUseInput,
  type BenefitUseOutput,
  benefitRule,
  benefitUse,
  type Fault,
} from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { fromMinorUnits } from '../../kernel/money.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { isStorable } from '../../kernel/text.ts';
import {
  type AskedMember,
  type AskedTier,
  type ExpressionFacts,
  toFacts,
  toldMember,
} from '../expressions/index.ts';
import { type AskingParts, findAskedMember } from '../ledgers/index.ts';
import { type BenefitDefinition, type Effect, effectFault, type PinnedProgram } from '../programs/index.ts';
import { type Occasion, refuseInactive } from './benefit.policy.ts';
import type { StoredGrant } from './grant.repository.ts';

/** What extensions are asked about: a grant by hand, or the use of one. */
export interface AskedBenefit {
  readonly memberKey: string;
  readonly definition: BenefitDefinition;
  /** Null where it is to be granted. */
  readonly grant: StoredGrant | null;
  readonly occasion: Occasion;
  /** Where the member stands in the mutation's input. */
  readonly field: readonly string[];
  /** Refuses what would be refused anyway, before anybody is asked. */
  refuse(now: Date): void;
}

/** Asks about a benefit; answers what a use of it does, null where nobody says so. */
export type BenefitAsking = (program: PinnedProgram, about: AskedBenefit) => Promise<Effect | null>;

/** Answers the effect that a use has in the end; `effect` is what it would have. */
export type UseAsking = (program: PinnedProgram, about: AskedBenefit, effect: Effect) => Promise<Effect>;

interface BenefitRequest {
  readonly idempotencyKey: string;
  readonly dryRun?: boolean | null;
}

/**
 * How one request asks `benefit.rule`, with no transaction open. It keeps to the answerers whom it finds
 * first; without any, it costs nothing.
 * @throws Refusal EXTENSION_REFUSED, EXTENSION_UNAVAILABLE, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, and what
 *   `refuse` throws
 */
export function benefitAsking(
  parts: AskingParts,
  { tenantKey }: RequestContext,
  request: BenefitRequest,
): BenefitAsking {
  let finding: Promise<Answerers<ExpressionFacts, BenefitRuleInput, BenefitRuleOutput> | null> | null = null;
  return async (program, about) => {
    finding ??= parts.asker.find(tenantKey, benefitRule);
    const answerers = await finding;
    if (answerers === null) return null;
    const { input, question } = await prepare(parts, tenantKey, program, { about, request });
    const answers = await answerers.ask(input, {
      ...question,
      enough: ({ eligible }) => !eligible,
      judge: ({ effect }) => (effect === undefined ? null : judgeEffect(effect, program)),
    });
    let effect: Effect | null = null;
    for (const { extension, output } of answers) {
      if (!output.eligible) throw refusalBy(extension.name, output.reason);
      effect = output.effect ?? effect;
    }
    return effect;
  };
}

/**
 * How one request asks `benefit.use`, as `benefitAsking` does: the last who are asked before it is booked.
 * @throws Refusal as `benefitAsking`
 */
export function useAsking(
  parts: AskingParts,
  { tenantKey }: RequestContext,
  request: BenefitRequest,
): UseAsking {
  let finding: Promise<Answerers<ExpressionFacts, BenefitUseInput, BenefitUseOutput> | null> | null = null;
  return async (program, about, effect) => {
    finding ??= parts.asker.find(tenantKey, benefitUse);
    const answerers = await finding;
    if (answerers === null || about.grant === null) return effect;
    const { input, question } = await prepare(parts, tenantKey, program, { about, request });
    const told = { ...input, grant: toldGrant(about.grant), order: input.order ?? null, effect };
    const answers = await answerers.ask(told, {
      ...question,
      enough: ({ decision }) => decision === 'REFUSE',
      judge: ({ reason = '', value }) =>
        !isStorable(reason)
          ? { code: 'OUTPUT_TEXT_INVALID', details: {} }
          : value === undefined
            ? null
            : judgeEffect({ kind: effect.kind, value }, program),
    });
    let { value } = effect;
    for (const { extension, output } of answers) {
      if (output.decision === 'REFUSE') throw refusalBy(extension.name, output.reason);
      value = output.value ?? value;
    }
    return { kind: effect.kind, value };
  };
}

function refusalBy(extension: string, message: string | undefined): Refusal {
  return new Refusal([{ code: 'EXTENSION_REFUSED', field: null, details: { extension }, message }]);
}

/** Looks up whom it is about, and refuses what would be refused anyway. */
async function prepare(
  { database, tiersOf }: AskingParts,
  tenantKey: string,
  program: PinnedProgram,
  { about, request }: { readonly about: AskedBenefit; readonly request: BenefitRequest },
) {
  const { memberKey } = about;
  const [asked, tiers] = await Promise.all([
    findAskedMember(database.read(tenantKey), tenantKey, memberKey),
    tiersOf(tenantKey, program, [memberKey]),
  ]);
  refuseInactive(asked?.status ?? null, about.field);
  if (asked === null) throw refuse('MEMBER_NOT_FOUND', about.field);
  const { now, ...member } = asked;
  about.refuse(now);
  const tier = tiers.get(memberKey) ?? null;
  const question = {
    mode: request.dryRun === true ? ('DRY_RUN' as const) : ('LIVE' as const),
    idempotencyKey: request.idempotencyKey,
    subject: toPublicId('member', memberKey),
    now,
    facts: () => factsOf(program, about, { member, tier, now }),
  };
  return { input: toInput(program, about, member, tier), question };
}

function toInput(
  { definition: { currency } }: PinnedProgram,
  { memberKey, definition: { code, kind, value }, grant, occasion }: AskedBenefit,
  member: AskedMember,
  tier: AskedTier | null,
): BenefitRuleInput {
  const { channel, store, orderNumber, orderAmountMinor } = occasion;
  const amount =
    orderAmountMinor === null ? null : { value: fromMinorUnits(orderAmountMinor, currency), currency };
  return {
    benefit: { code, kind, value: value ?? null },
    member: toldMember(member, toPublicId('member', memberKey), tier),
    grant: grant === null ? null : toldGrant(grant),
    order: orderNumber === null ? null : { number: orderNumber, amount },
    source: { channel, store },
  };
}

function toldGrant({ grantKey, source, validFrom, validUntil, usesLeft }: StoredGrant) {
  return {
    id: toPublicId('grant', grantKey),
    source,
    validFrom: validFrom.toISOString(),
    validUntil: validUntil?.toISOString() ?? null,
    usesLeft,
  };
}

/** What filters look at: the same as the conditions of rules. */
function factsOf(
  program: PinnedProgram,
  { memberKey, grant, occasion: { channel, store, orderNumber, orderAmountMinor } }: AskedBenefit,
  {
    member,
    tier,
    now,
  }: { readonly member: AskedMember; readonly tier: AskedTier | null; readonly now: Date },
): ExpressionFacts {
  const happening = {
    trigger: grant === null ? 'benefit_grant' : 'benefit_use',
    amount: orderAmountMinor,
    occurredAt: null,
    ...{ channel, store, orderNumber, lines: [] },
  };
  const about = { member, publicId: toPublicId('member', memberKey), happening, tier };
  return toFacts(about, now, program.definition.timeZone);
}

/** An effect has to be one that a program could say, and that can be kept. */
function judgeEffect({ kind, value }: Effect, { definition: { currency } }: PinnedProgram): Fault | null {
  if (isStorable(value) && effectFault({ kind, value }, currency) === null) return null;
  // As JSON, so that the message itself can be kept.
  return { code: 'OUTPUT_EFFECT_INVALID', details: { kind, value: JSON.stringify(value), currency } };
}
