import type { PointsExpireInput, PointsExpireOutput } from '../../src/extension/index.ts';
import { customerOf, isNamed } from './accounts.ts';
import { ask, type Context, isAsked, isGated, mayAct } from './endpoint.ts';
import { NUMBER, result } from './points-acts.ts';
import { branchOf, toAmount } from './settings.ts';

/** Tells what expired, by the entry's id: it is told again by the same. A refusal is heard, since it is over. */
export async function tellExpired(
  { member, asset, amount, expiredAt, entry }: PointsExpireInput,
  context: Context,
): Promise<PointsExpireOutput> {
  const method = 'ExpiredPointsExtPoint.invoke';
  const { configuration: settings, log } = context;
  if (!isGated(settings, asset) || !isAsked(settings, method) || !mayAct(context, method)) return {};
  // Who isn't known there would hold up those who are.
  if (!isNamed(member.attributes, settings)) {
    log(`${method}: the member has no "${settings.attribute}".`);
    return {};
  }
  const at = Date.parse(expiredAt);
  const request = {
    extCustomerInfoDTO: customerOf(member.attributes, settings),
    ...{ kdtId: settings.kdtId, nodeId: branchOf(settings, null), bizValue: entry },
    ...{ expiredAt: settings.moments === 'SECONDS' ? Math.floor(at / 1_000) : at },
    amount: toAmount(BigInt(amount)),
  };
  const reply = await ask(context, method, request, result);
  if ('refusal' in reply || !reply.data.data) {
    log(`${method} refused it.`);
    return {};
  }
  return { reference: { type: NUMBER, id: entry } };
}
