import type { Secrets, Workbench } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database, Sealer } from '../../persistence/index.ts';
import type { ExpressionFacts } from '../expressions/index.ts';
import { toUserErrors } from '../shared/index.ts';
import { type ExtensionState, isShadowRequired } from './extension.repository.ts';
import { openSecrets } from './extension-secrets.ts';
import type { ExtensionView } from './extension-view.types.ts';
import { keepsRecord } from './points.policy.ts';
import { COUNTING, hasBeenShadowed } from './stage.policy.ts';

interface ProofParts {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly workbench: Workbench<ExpressionFacts>;
}

/**
 * Before answers count: a shadow where the tenant wants one, and a service that answers.
 * @throws Refusal SHADOW_REQUIRED, CHALLENGE_FAILED
 */
export async function demandProof(
  parts: ProofParts,
  ctx: RequestContext,
  {
    extension,
    state,
    url,
  }: { readonly extension: ExtensionView; readonly state: ExtensionState; readonly url: string | null },
): Promise<void> {
  const isSame = state.version === extension.version;
  const counted = isSame && (COUNTING.includes(extension.stage) || hasBeenShadowed(extension));
  if (!counted) await demandShadow(parts, extension);
  const secrets = url === null ? null : await openSecrets(parts.sealer, extension.secrets);
  await challenge(parts, ctx, { extensionKey: extension.extensionKey, url, secrets });
}

/** Who keeps a record can't be in SHADOW. @throws Refusal SHADOW_REQUIRED */
export async function demandShadow(
  { database }: Pick<ProofParts, 'database'>,
  { tenantKey, point }: { readonly tenantKey: string; readonly point: string },
): Promise<void> {
  if (keepsRecord(point)) return;
  if (await isShadowRequired(database.read(tenantKey), tenantKey)) throw refuse('SHADOW_REQUIRED', ['stage']);
}

/**
 * Asks a webhook whether it is one; others needn't be asked.
 * @throws Refusal CHALLENGE_FAILED
 */
export async function challenge(
  { workbench }: Pick<ProofParts, 'workbench'>,
  ctx: RequestContext,
  {
    extensionKey,
    url,
    secrets,
  }: { readonly extensionKey: string; readonly url: string | null; readonly secrets: Secrets | null },
): Promise<void> {
  if (url === null) return;
  const code = { runtime: 'WEBHOOK', url, secrets } as const;
  const fault = await workbench.challenge(ctx.tenantKey, extensionKey, code);
  if (fault === null) return;
  const [told] = toUserErrors(ctx, new Refusal([{ ...fault, field: null }]));
  throw refuse('CHALLENGE_FAILED', ['stage'], { why: told?.message ?? fault.code });
}
