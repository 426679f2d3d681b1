import { z } from 'zod';
import type {
  ActOutput,
  PointsHoldInput,
  PointsRedeemInput,
  PointsReleaseInput,
  PointsReverseInput,
  ToldAct,
} from '../../src/extension/index.ts';
import { customerOf } from './accounts.ts';
import { ask, type Context, isAsked, isGated, mayAct } from './endpoint.ts';
import { branchOf, EVENT, type Method, OPERATION, type Settings, toAmount } from './settings.ts';

const APPROVED: ActOutput = { decision: 'APPROVE' };
/** What a number of the platform is called in our ledger. */
export const NUMBER = 'youzan';

export const result = z.object({ data: z.boolean() });
const frozen = z.object({ isSuccess: z.boolean() });
type Result = z.infer<typeof result> | z.infer<typeof frozen>;

/** What a method is asked beside what all of them take; made once it is clear that it is asked. */
type Asked = () => Readonly<Record<string, unknown>> & { readonly bizValue: string };

/** Asks before points are spent; what was frozen is spent by a negative freeze, as the platform does it. */
export async function redeem(act: PointsRedeemInput, context: Context): Promise<ActOutput> {
  const { configuration: settings, idempotencyKey } = context;
  const { hold, reference } = act;
  const amount = BigInt(act.amount ?? hold?.left ?? '0');
  if (hold !== null && isAsked(settings, 'FreezePointsExtPoint.invoke')) {
    return await decide('FreezePointsExtPoint.invoke', act, context, () => ({
      ...{ bizValue: numberOf(hold.reference), amount: toAmount(-amount), ...consumption(act, settings) },
    }));
  }
  const isConsumed = isAsked(settings, 'ConsumePointsExtPoint.invoke');
  const method = isConsumed ? 'ConsumePointsExtPoint.invoke' : 'DecreasePointsExtPoint.invoke';
  return await decide(method, act, context, () => ({
    ...{ bizValue: reference?.id ?? idempotencyKey, amount: toAmount(amount) },
    ...(isConsumed ? consumption(act, settings) : change(reference)),
  }));
}

/** Asks before points are reserved. */
export async function hold(act: PointsHoldInput, context: Context): Promise<ActOutput> {
  return await decide('FreezePointsExtPoint.invoke', act, context, () => ({
    bizValue: act.reference?.id ?? context.idempotencyKey,
    amount: toAmount(BigInt(act.amount ?? '0')),
    ...consumption(act, context.configuration),
  }));
}

/** Asks before a hold is given back: by the number that it was frozen under. */
export async function release(act: PointsReleaseInput, context: Context): Promise<ActOutput> {
  return await decide('UnfreezePointsExtPoint.invoke', act, context, () => ({
    bizValue: numberOf(act.hold.reference),
  }));
}

/**
 * Asks before something is undone: a spend as a whole by its number, anything else by an amount that is given
 * back or taken away. Adjustments and transfers weren't told, and neither is their end.
 */
export async function reverse(act: PointsReverseInput, context: Context): Promise<ActOutput> {
  const { configuration: settings, idempotencyKey: bizValue } = context;
  const { kind, amount: shown, reference } = act.operation;
  if (kind === 'ADJUST' || kind === 'TRANSFER') return APPROVED;
  const original = shown.replace('-', '');
  const isWhole = act.amount === null || act.amount === original;
  if (kind === 'REDEEM' && isWhole && reference !== null && isAsked(settings, 'RevertPointsExPoint.invoke')) {
    const { eventType } = change(reference);
    return await decide('RevertPointsExPoint.invoke', act, context, () => ({
      ...{ bizValue: reference.id, eventType },
    }));
  }
  const method = kind === 'EARN' ? 'DecreasePointsExtPoint.invoke' : 'IncreasePointsExtPoint.invoke';
  return await decide(method, act, context, () => ({
    ...{ bizValue, amount: toAmount(BigInt(act.amount ?? original)), ...change(reference) },
  }));
}

/** Asks a method about an act, and keeps the number that the endpoint knows it by. */
async function decide(method: Method, act: ToldAct, context: Context, asked: Asked): Promise<ActOutput> {
  const { configuration: settings, idempotencyKey } = context;
  if (!isGated(settings, act.asset) || !isAsked(settings, method) || !mayAct(context, method))
    return APPROVED;
  const request = {
    extCustomerInfoDTO: customerOf(act.member.attributes, settings),
    ...{ kdtId: settings.kdtId, nodeId: branchOf(settings, null), ...asked() },
    description: act.reason ?? undefined,
    extraInfo: { requestId: idempotencyKey },
  };
  const data: z.ZodType<Result> = method === 'FreezePointsExtPoint.invoke' ? frozen : result;
  const reply = await ask(context, method, request, data);
  if ('refusal' in reply) return { decision: 'REFUSE', reason: reply.refusal };
  if (!('data' in reply.data ? reply.data.data : reply.data.isSuccess)) return { decision: 'REFUSE' };
  return { decision: 'APPROVE', reference: { type: NUMBER, id: request.bizValue } };
}

/** @throws when the endpoint was told of no number */
function numberOf(reference: PointsReleaseInput['hold']['reference']): string {
  if (reference === null || reference === undefined)
    throw new Error('The hold has no number: the endpoint was not asked when it was made.');
  return reference.id;
}

export function consumption({ reference }: Pick<ToldAct, 'reference'>, { consumeTypes }: Settings) {
  return { consumeType: consumeTypes[reference?.type ?? ''] };
}

/** The codes of what raises or lowers a balance. */
export function change(reference: ToldAct['reference']) {
  const isOrder = reference?.type === 'order';
  return {
    eventType: isOrder ? EVENT.trade : EVENT.activity,
    operationType: isOrder ? OPERATION.purchase : OPERATION.byHand,
  };
}
