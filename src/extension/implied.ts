import { derivedKey } from '../kernel/ids.ts';
import { DEADLINE_MS } from './extension-point.ts';
import type { Plugin } from './plugin.ts';
import type { Registration } from './registration.ts';

const PRIORITY = 100;

/**
 * What stands for plugins of the operator where a tenant registered nothing about them: they are LIVE. Whose
 * record a plugin keeps that can be configured isn't implied: only a registration says so.
 * @param asked the point, and what the tenant configured, by plugin
 */
export function impliedRegistrations(
  tenantKey: string,
  plugins: readonly Plugin[],
  {
    point,
    configurations,
  }: { readonly point: string; readonly configurations: ReadonlyMap<string, unknown> },
): Registration<unknown>[] {
  return plugins.flatMap((plugin) =>
    plugin.answers
      .filter((answerer) => answerer.point.name === point)
      .filter((answerer) => answerer.point.keepsRecord !== true || plugin.configuration === undefined)
      .map(({ point: { version, onThrow } }): Registration<unknown> => {
        const configuration = configurations.get(plugin.id);
        const code = { runtime: 'IN_PROCESS', plugin: plugin.id, configuration } as const;
        const revision = {
          ...{
            version: plugin.version,
            pointVersion: version,
            code,
            deadlineMs: plugin.deadlineMs ?? DEADLINE_MS,
          },
          ...{
            onFailure: plugin.onFailure ?? onThrow,
            defaultOutput: null,
            postingLimits: null,
            filter: null,
          },
        };
        return {
          ...{
            tenantKey,
            extensionKey: derivedKey(tenantKey, `plugin ${plugin.id} ${point}`),
            name: plugin.id,
          },
          ...{ point, priority: plugin.priority ?? PRIORITY, stage: 'LIVE', canaryPercent: 0 },
          ...{ newest: revision, live: revision },
        };
      }),
  );
}
