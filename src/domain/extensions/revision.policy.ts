import type { Revision, RevisionCode, Secrets } from '../../extension/index.ts';
import {
  type CompiledExpression,
  compileCondition,
  type ExpressionFacts,
  scopeOf,
} from '../expressions/index.ts';
import type { StoredRevision } from './extension.entity.ts';

/** A revision as it is asked. @param secrets of a webhook; null where they can't be opened */
export function toRevision(stored: StoredRevision, secrets: Secrets | null): Revision<ExpressionFacts> {
  const { version, pointVersion, deadlineMs, onFailure, defaultOutput, postingLimits, filter } = stored;
  return {
    ...{ version, pointVersion, deadlineMs, onFailure, defaultOutput },
    code: codeOf(stored, secrets),
    postingLimits: postingLimits?.map(({ asset, most }) => ({ asset, most: BigInt(most) })) ?? null,
    filter: filter === null ? null : toFilter(filter),
  };
}

/**
 * Throws for what can't be worked out, e.g. for a missing attribute: that it isn't asked must not follow from
 * a mistake. Compiled when it is needed, so that a filter that no longer is one fails alone.
 */
function toFilter(filter: string): (facts: ExpressionFacts) => boolean {
  let condition: CompiledExpression<boolean> | null = null;
  return (facts) => {
    condition ??= compileCondition(filter);
    const outcome = condition.evaluate(scopeOf(facts));
    if ('value' in outcome) return outcome.value;
    throw new Error(outcome.failure);
  };
}

function codeOf(
  { version, url, code, digest, plugin, configuration }: StoredRevision,
  secrets: Secrets | null,
): RevisionCode {
  if (plugin !== null) return { runtime: 'IN_PROCESS', plugin, configuration: configuration ?? undefined };
  if (url !== null) return { runtime: 'WEBHOOK', url, secrets };
  if (code !== null && digest !== null) return { runtime: 'SANDBOX', code, digest };
  throw new Error(`The revision ${version} of an extension has no code.`);
}
