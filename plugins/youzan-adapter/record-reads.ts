import { z } from 'zod';
import type {
  GrowthReadInput,
  GrowthReadOutput,
  PointsReadInput,
  PointsReadOutput,
} from '../../src/extension/index.ts';
import { customerOf, isNamed } from './accounts.ts';
import { ask, type Context, isAsked } from './endpoint.ts';
import { readLog } from './points-log.ts';
import { branchOf } from './settings.ts';

const pointsStatus = z.object({ currentPoints: z.int() });
const growthStatus = z.object({ currentGrowth: z.int(), totalGrowth: z.int().min(0).nullish() });

/** What a member has in the points that the enterprise keeps; it says nothing of when some of them expire. */
export async function readPoints(input: PointsReadInput, context: Context): Promise<PointsReadOutput> {
  const { member, asset, log } = input;
  const method = 'GetCustomerPointsExtPoint.invoke';
  const { configuration: settings } = context;
  const isKept = asset === settings.records.points && isAsked(settings, method);
  if (!isKept || !isNamed(member.attributes, settings)) return { available: null };
  const request = {
    extCustomerInfoDTO: customerOf(member.attributes, settings),
    ...{ kdtId: settings.kdtId, nodeId: branchOf(settings, null) },
  };
  const [reply, lines] = await Promise.all([
    ask(context, method, request, pointsStatus),
    log === null ? undefined : readLog(member, log, context),
  ]);
  // A query that is refused is about somebody whom they don't know.
  if ('refusal' in reply) return { available: null };
  return { available: String(reply.data.currentPoints), log: lines };
}

/** The same of growth, which is asked about by open ids alone. */
export async function readGrowth(
  { member, asset }: GrowthReadInput,
  context: Context,
): Promise<GrowthReadOutput> {
  const method = 'GetCustomerGrowthExtPoint.invoke';
  const { configuration: settings } = context;
  const isKept = asset === settings.records.growth && isAsked(settings, method);
  if (!isKept || !isNamed(member.attributes, settings)) return { current: null };
  const { yzOpenId } = customerOf(member.attributes, settings);
  if (yzOpenId === undefined) return { current: null };
  const request = { kdtId: settings.kdtId, yzOpenId, nodeKdtId: branchOf(settings, null) };
  const reply = await ask(context, method, request, growthStatus);
  if ('refusal' in reply) return { current: null };
  const { currentGrowth, totalGrowth } = reply.data;
  return { current: String(currentGrowth), total: totalGrowth?.toString() };
}
