import type { z } from 'zod';
import type { CallContext, ExtensionPoint, Plugin } from '../extension/index.ts';

/** What a plugin is asked with, as a host would: laid over the point's example. */
export interface AskedPlugin<Input> {
  readonly input?: Partial<Input>;
  /** As a tenant would write it. */
  readonly configuration?: unknown;
  readonly now?: Date;
  /** What stands for services elsewhere; nobody is there when missing. */
  readonly post?: CallContext['post'];
  readonly mode?: CallContext['mode'];
}

/** Asks a plugin by itself; input, configuration and output are held against their schemas. */
export async function askPlugin<Input extends z.ZodType, Output extends z.ZodType>(
  plugin: Plugin,
  point: ExtensionPoint<Input, Output>,
  {
    input,
    configuration = {},
    now = new Date('2026-11-20T04:00:00Z'),
    mode = 'LIVE',
    post = async () => {
      throw new Error('Nobody is there.');
    },
  }: AskedPlugin<z.input<Input>> = {},
): Promise<z.output<Output>> {
  const answerer = plugin.answers.find((one) => one.point.name === point.name);
  if (answerer === undefined) throw new Error(`${plugin.id} doesn't answer ${point.name}.`);
  const answer = answerer.answer as (given: unknown, context: unknown) => unknown;
  const given = point.input.parse({ ...(point.example.input as object), ...(input as object) });
  const settings = plugin.configuration?.parse(configuration);
  const context: CallContext = {
    ...{ tenant: 'demo', mode, attempt: 1, idempotencyKey: 'a-key', now, configuration: settings },
    ...{ signal: new AbortController().signal, log: () => undefined, post },
    transaction: () => Promise.reject(new Error('There is no database here.')),
  };
  return point.output.parse(await answer(given, context));
}
