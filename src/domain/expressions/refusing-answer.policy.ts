import type { Answer } from '../../extension/index.ts';
import { Refusal } from '../../kernel/errors.ts';

/** What an extension that may refuse answers. */
interface Decided {
  readonly decision: string;
  readonly reason?: string | undefined;
}

/**
 * The first refusal wins, whoever else approves.
 * @throws Refusal EXTENSION_REFUSED
 */
export function refuseWhereRefused(answers: readonly Pick<Answer<Decided>, 'extension' | 'output'>[]): void {
  const refusing = answers.find(({ output }) => output.decision === 'REFUSE');
  if (refusing === undefined) return;
  const { extension, output } = refusing;
  const details = { extension: extension.name };
  throw new Refusal([{ code: 'EXTENSION_REFUSED', field: null, details, message: output.reason }]);
}
