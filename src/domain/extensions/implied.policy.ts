import type { Registration } from '../../extension/index.ts';
import type { ExpressionFacts } from '../expressions/index.ts';
import type { ExtensionView } from './extension-view.types.ts';

const NEVER = new Date(0);

/** An operator's plugin that answers for every tenant, as an extension is shown. */
export function impliedView({
  tenantKey,
  extensionKey,
  name,
  point,
  priority,
  stage,
  newest,
}: Registration<ExpressionFacts>): ExtensionView {
  if (newest === null) throw new Error(`The plugin ${name} has no version.`);
  const { version, pointVersion, deadlineMs, onFailure, code } = newest;
  const configuration = (code.runtime === 'IN_PROCESS' ? code.configuration : null) ?? null;
  return {
    ...{ tenantKey, extensionKey, name, point, priority, stage, version, liveVersion: version },
    ...{ pointVersion, deadlineMs, onFailure, runtime: 'IN_PROCESS', canaryPercent: 0, isImplied: true },
    ...{ fallbackVersion: null, shadowedVersion: null, errorPercent: null, latencyMs: null },
    ...{ minimumCalls: null, secrets: null, stagedAt: NEVER, createdAt: NEVER },
    ...{ defaultOutput: null, postingLimits: null, filter: null, url: null, source: null, language: null },
    ...{ digest: null, plugin: name, configuration, restores: null, madeAt: NEVER, madeBy: '' },
  };
}
