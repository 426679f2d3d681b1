import type { z } from 'zod';
import type { Answer, Answerer, Asker, CallFacts, ExtensionPoint, Plugin } from '../extension/index.ts';
import { type ErrorCatalogue, refuse } from '../kernel/errors.ts';

const DEFAULT_DEADLINE_MS = 500;
const DEFAULT_PRIORITY = 100;

export const extensionErrors = {
  EXTENSION_UNAVAILABLE: {
    en: 'The extension "{extension}" could not answer, so nothing was done. Try again with the same key.',
    'zh-CN': '扩展“{extension}”未能响应，操作未执行。请使用相同的幂等键重试。',
  },
  EXTENSION_REFUSED: {
    en: 'The extension "{extension}" refused it.',
    'zh-CN': '扩展“{extension}”拒绝了该操作。',
  },
} satisfies ErrorCatalogue;

/** Told when an extension fails; its input is never passed on, since it holds personal data. */
export type FailureListener = (failure: { extension: string; point: string; error: unknown }) => void;

interface Registration {
  readonly plugin: Plugin;
  readonly answerer: Answerer;
}

/** Asks the registered answerers of extension points. Always without a transaction open. */
export class PluginHost implements Asker {
  readonly #registrations = new Map<string, Registration[]>();
  readonly #onFailure: FailureListener;

  /** @throws Error, one sentence that names the offender, when two plugins have the same id */
  constructor(plugins: readonly Plugin[], onFailure: FailureListener) {
    this.#onFailure = onFailure;
    const ids = new Set<string>();
    const ordered = [...plugins].sort(
      (a, b) => (a.priority ?? DEFAULT_PRIORITY) - (b.priority ?? DEFAULT_PRIORITY),
    );
    for (const plugin of ordered) {
      if (ids.has(plugin.id))
        throw new Error(`The plugin "${plugin.id}" is loaded twice: name it once in PLUGINS.`);
      ids.add(plugin.id);
      for (const answerer of plugin.answers) {
        const known = this.#registrations.get(answerer.point.name) ?? [];
        this.#registrations.set(answerer.point.name, [...known, { plugin, answerer }]);
      }
    }
  }

  async ask<Input extends z.ZodType, Output extends z.ZodType>(
    point: ExtensionPoint<Input, Output>,
    input: z.input<Input>,
    facts: CallFacts,
  ): Promise<Answer<z.output<Output>>[]> {
    const registrations = this.#registrations.get(point.name) ?? [];
    if (registrations.length === 0) return [];
    const parsed = point.input.parse(input);
    const given: Answer<z.output<Output>>[] = [];
    for (const { plugin, answerer } of registrations) {
      try {
        const output = point.output.parse(await callWithin(plugin, answerer, parsed, facts));
        given.push({ extension: { name: plugin.id, version: plugin.version }, output });
      } catch (error) {
        this.#onFailure({ extension: plugin.id, point: point.name, error });
        if (plugin.onFailure === 'FAIL_OPEN') continue;
        throw refuse('EXTENSION_UNAVAILABLE', null, { extension: plugin.id });
      }
    }
    return given;
  }
}

async function callWithin(
  plugin: Plugin,
  answerer: Answerer,
  input: unknown,
  facts: CallFacts,
): Promise<unknown> {
  const deadlineMs = plugin.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const signal = AbortSignal.timeout(deadlineMs);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`No answer within ${deadlineMs} ms.`)), {
      once: true,
    });
  });
  const answering = (async () => answerer.answer(input as never, { ...facts, signal }))();
  return await Promise.race([answering, late]);
}
