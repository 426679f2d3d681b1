import type { Stage } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import type { ExtensionState } from './extension.repository.ts';
import { keepsRecord } from './points.policy.ts';

/** What an extension answers with, and how far. */
export type Standing = Pick<
  ExtensionState,
  'stage' | 'canaryPercent' | 'version' | 'liveVersion' | 'fallbackVersion' | 'shadowedVersion'
> & { readonly point?: string };

export interface WantedStage {
  readonly stage: Stage;
  readonly canaryPercent?: number | null;
}

/** The stages whose answers count. */
export const COUNTING: readonly Stage[] = ['CANARY', 'LIVE'];

/** @throws Refusal CANARY_PERCENT_INVALID */
export function checkPercent({ stage, canaryPercent = null }: WantedStage): number {
  const isFitting =
    stage === 'CANARY'
      ? canaryPercent !== null && canaryPercent >= 1 && canaryPercent <= 99
      : canaryPercent === null;
  if (!isFitting) throw refuse('CANARY_PERCENT_INVALID', ['canaryPercent']);
  return canaryPercent ?? 0;
}

/**
 * The newest revision in another stage. What was LIVE answers whoever it doesn't; where it was LIVE itself,
 * what was LIVE before it.
 * @throws Refusal STAGE_INVALID, CANARY_PERCENT_INVALID, RECORD_KEEPER_BOUND
 */
export function restage<From extends Standing>(from: From, wanted: WantedStage): From {
  const { stage } = wanted;
  if (from.stage === 'RETIRED') throw refuse('STAGE_INVALID', ['stage'], { from: 'RETIRED', to: stage });
  if (from.point !== undefined) refusePartly(from.point, stage);
  return { ...from, ...staged(from, stage), stage, canaryPercent: checkPercent(wanted) };
}

/**
 * A record is kept for all members or for none, and by one system at a time.
 * @throws Refusal RECORD_KEEPER_BOUND
 */
export function refusePartly(point: string, stage: Stage): void {
  if (!keepsRecord(point) || (stage !== 'SHADOW' && stage !== 'CANARY')) return;
  throw refuse('RECORD_KEEPER_BOUND', ['stage'], { point });
}

function staged(from: Standing, stage: Stage): Partial<Standing> {
  if (stage === 'RETIRED') return { liveVersion: null, fallbackVersion: null };
  const shadowed = stage === 'SHADOW' ? { shadowedVersion: from.version } : {};
  const isLive = from.liveVersion === from.version;
  if (stage === 'LIVE' && !isLive)
    return { liveVersion: from.version, fallbackVersion: from.liveVersion, ...shadowed };
  if (stage !== 'LIVE' && isLive)
    return { liveVersion: from.fallbackVersion, fallbackVersion: null, ...shadowed };
  return shadowed;
}

/**
 * A further revision, in the stage where it begins.
 * @throws Refusal STAGE_INVALID, CANARY_PERCENT_INVALID
 */
export function revise<From extends Standing>(from: From, wanted: WantedStage): From {
  if (from.stage === 'RETIRED' || wanted.stage === 'RETIRED')
    throw refuse('STAGE_INVALID', ['stage'], { from: from.stage, to: wanted.stage });
  const version = from.version + 1;
  return restage({ ...from, version, stage: 'DRAFT', canaryPercent: 0 }, wanted);
}

/** Whether a tenant that demands a shadow lets this stage be reached. */
export function hasBeenShadowed({ shadowedVersion, liveVersion, version }: Standing): boolean {
  return shadowedVersion === version || liveVersion === version;
}
