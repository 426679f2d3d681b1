import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { CallContext } from '../../src/extension/index.ts';
import type { Method, Settings } from './settings.ts';

export type Context = CallContext<Settings>;

const LONGEST_REASON = 500;

/** What every method answers: `data` counts where it succeeded. */
const envelope = z.object({
  success: z.boolean(),
  code: z.string().nullish(),
  message: z.string().nullish(),
  data: z.unknown().optional(),
});

/** What an endpoint said: its data, or that it refuses. */
export type Reply<Data> = { readonly data: Data } | { readonly refusal: string | undefined };

/** Whether a method has a path, and so an endpoint. */
export function isAsked({ paths }: Settings, method: Method): boolean {
  return paths[method] !== undefined;
}

/** Whether gates hear of an asset: what the endpoints keep, they would book twice. */
export function isGated({ asset: gated, records }: Settings, asset: string): boolean {
  return asset === gated && asset !== records.points && asset !== records.growth;
}

/** Whether an endpoint that acts may be asked: it isn't told of dry runs, shadows and tests. */
export function mayAct({ mode, log }: Context, method: Method): boolean {
  if (mode === 'LIVE' || mode === 'CANARY') return true;
  log(`${method} would act on it: not asked in ${mode}.`);
  return false;
}

/**
 * Asks an endpoint by a method.
 * @throws when it doesn't answer as the method says, or says itself that it failed
 */
export async function ask<Data>(
  { configuration: settings, post, log }: Context,
  method: Method,
  request: Readonly<Record<string, unknown>>,
  data: z.ZodType<Data>,
): Promise<Reply<Data>> {
  const { baseUrl, paths, headers, signing, failureCodes } = settings;
  const body = JSON.stringify(request);
  const signed = signing === null ? {} : { [signing.header]: signatureOf(signing.secret, body) };
  const url = `${(baseUrl ?? '').replace(/\/+$/, '')}${paths[method]}`;
  const answer = envelope.safeParse(await post(url, { body, headers: { ...headers, ...signed } }));
  if (answer.error !== undefined) throw new Error(wrong(method, answer.error));
  const { success, code, message, data: given } = answer.data;
  if (!success) {
    log(`${method}: ${code ?? 'no code'}.`);
    if (failureCodes.includes(code ?? '')) throw new Error(`${method} failed: ${code}.`);
    return { refusal: message?.slice(0, LONGEST_REASON).toWellFormed() || undefined };
  }
  const read = data.safeParse(given);
  if (read.error !== undefined) throw new Error(wrong(method, read.error, ['data']));
  return { data: read.data };
}

/** Where an answer is not what the method says; never what stood there, which may be about a member. */
function wrong(method: Method, { issues: [issue] }: z.ZodError, at: readonly string[] = []): string {
  const path = [...at, ...(issue?.path ?? [])].join('.') || '.';
  return `${method} answered something else than the method says, at "${path}".`;
}

function signatureOf(secret: string, body: string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}
