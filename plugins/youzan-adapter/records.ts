import { z } from 'zod';
import type { PointsChangeInput, PointsChangeOutput } from '../../src/extension/index.ts';
import { customerOf } from './accounts.ts';
import { ask, type Context, isAsked, mayAct } from './endpoint.ts';
import { change, consumption, NUMBER, result } from './points-acts.ts';
import { branchOf, type Method, type Settings, toAmount } from './settings.ts';

const booked = result.transform(({ data }) => data);
/** The methods of growth say the bare word. */
const bookedGrowth = z.boolean();

/** A method, what it is asked beside what all that change a record take, and what it answers. */
interface Booking {
  readonly method: Method;
  readonly told: Readonly<Record<string, unknown>>;
  readonly data: z.ZodType<boolean>;
}

/**
 * Changes a record that the enterprise keeps. The operation's id is the method's number, so that the endpoint
 * knows a repetition again.
 * @throws when nothing is configured that keeps this asset, or the endpoint failed: it is asked again
 */
export async function changeRecord(input: PointsChangeInput, context: Context): Promise<PointsChangeOutput> {
  const { configuration: settings } = context;
  const { id: bizValue, reason } = input.operation;
  const { method, told, data } = bookingOf(input, settings);
  if (!isAsked(settings, method)) throw new Error(`${method} has no path.`);
  if (!mayAct(context, method)) return { decision: 'REFUSE', reason: `Not asked in ${context.mode}.` };
  const amount = toAmount(BigInt(input.amount.replace('-', '')));
  const request = {
    ...{ kdtId: settings.kdtId, amount, bizValue, ...told },
    description: reason ?? undefined,
  };
  const reply = await ask(context, method, request, data);
  if ('refusal' in reply) return { decision: 'REFUSE', reason: reply.refusal };
  return reply.data
    ? { decision: 'DONE', reference: { type: NUMBER, id: bizValue } }
    : { decision: 'REFUSE' };
}

/** @throws when the endpoints don't keep the asset, or don't know the member */
function bookingOf({ member, asset, amount, operation }: PointsChangeInput, settings: Settings): Booking {
  const { records } = settings;
  const isTaken = amount.startsWith('-');
  const { reference, reverses } = operation;
  const codes = change(reference);
  const branch = branchOf(settings, null);
  const customer = customerOf(member.attributes, settings);
  if (asset === records.growth) {
    const method = isTaken ? 'DecreaseGrowthExtPoint.invoke' : 'IncreaseGrowthExtPoint.invoke';
    const { eventType } = codes;
    const told = { yzOpenId: openIdOf(customer), nodeKdtId: branch, eventType };
    return { method, told, data: bookedGrowth };
  }
  if (asset !== records.points) throw new Error(`"records" names nothing that keeps the asset "${asset}".`);
  const told = {
    extCustomerInfoDTO: customer,
    nodeId: branch,
    extraInfo: { requestId: operation.id, orderNumber: orderOf(reference), reverses: reverses ?? undefined },
  };
  if (operation.kind === 'REDEEM' && isAsked(settings, 'ConsumePointsExtPoint.invoke')) {
    const method = 'ConsumePointsExtPoint.invoke';
    return { method, told: { ...told, ...consumption({ reference }, settings) }, data: booked };
  }
  const method = isTaken ? 'DecreasePointsExtPoint.invoke' : 'IncreasePointsExtPoint.invoke';
  return { method, told: { ...told, ...codes }, data: booked };
}

function orderOf(reference: PointsChangeInput['operation']['reference']): string | undefined {
  return reference?.type === 'order' ? reference.id : undefined;
}

/** The methods of growth take nothing else. @throws where the member is named by another account */
function openIdOf({ yzOpenId }: ReturnType<typeof customerOf>): string {
  if (yzOpenId === undefined) throw new Error('The member is not named by a YouZanAccount.');
  return yzOpenId;
}
