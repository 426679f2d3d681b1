import type { z } from 'zod';
import type {
  ActOutput,
  Answer,
  Answerers,
  Asker,
  ExtensionPoint,
  Fault,
  PostingLimit,
  ToldAct,
} from '../../extension/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { isStorable } from '../../kernel/text.ts';
import type { Database } from '../../persistence/index.ts';
import { type AskedTier, type ExpressionFacts, toFacts, toldMember } from '../expressions/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { findAskedMember } from './asked-member.repository.ts';
import { refuseInactive } from './ledger-writer.ts';
import type { Posting } from './posting.ts';

export interface AskingParts {
  readonly database: Database;
  readonly asker: Asker<ExpressionFacts>;
  /** The members' tiers in the primary ladder. */
  readonly tiersOf: (
    tenantKey: string,
    program: PinnedProgram,
    memberKeys: readonly string[],
  ) => Promise<Map<string, AskedTier | null>>;
}

/** What answers about an act have in common. */
type Verdict = Pick<ActOutput, 'decision' | 'reason'>;

/** An act that extensions are asked about, by the posting that it comes to. */
export interface AskedAct<Input, Out> {
  readonly posting: Posting;
  /** What filters see as the activity type; `points_` and the posting's kind when missing. */
  readonly trigger?: string;
  /** What filters see as the amount; the posting's when missing. */
  readonly filtered?: bigint;
  /** What the point is asked with. */
  input(act: ToldAct, now: Date): Input;
  /** Holds an answer against what it may propose. */
  judge?(output: Out, limits: readonly PostingLimit[] | null, now: Date): Fault | null;
}

/**
 * How one request asks about an act in a ledger, with no transaction open. It keeps to the answerers whom it
 * finds first; without any, it costs nothing.
 */
export class ActAsking<Input extends z.ZodType, Output extends z.ZodType<Verdict>> {
  readonly #parts: AskingParts;
  readonly #ctx: RequestContext;
  readonly #point: ExtensionPoint<Input, Output>;
  readonly #request: { readonly idempotencyKey: string; readonly dryRun?: boolean | null };
  #finding: Promise<Answerers<ExpressionFacts, z.input<Input>, z.output<Output>> | null> | null = null;

  constructor(
    parts: AskingParts,
    ctx: RequestContext,
    point: ExtensionPoint<Input, Output>,
    request: { readonly idempotencyKey: string; readonly dryRun?: boolean | null },
  ) {
    this.#parts = parts;
    this.#ctx = ctx;
    this.#point = point;
    this.#request = request;
  }

  /** Those who answer; null where nobody does. */
  find(): Promise<Answerers<ExpressionFacts, z.input<Input>, z.output<Output>> | null> {
    this.#finding ??= this.#parts.asker.find(this.#ctx.tenantKey, this.#point);
    return this.#finding;
  }

  /**
   * Who approves of an act, by priority; empty where nobody is asked.
   * @throws Refusal EXTENSION_REFUSED, EXTENSION_UNAVAILABLE, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE
   */
  async ask(
    program: PinnedProgram,
    about: AskedAct<z.input<Input>, z.output<Output>>,
  ): Promise<readonly Answer<z.output<Output>>[]> {
    const answerers = await this.find();
    if (answerers === null) return [];
    const { memberKey, memberField = ['memberId'], kind } = about.posting;
    const { tenantKey } = this.#ctx;
    const [asked, tiers] = await Promise.all([
      findAskedMember(this.#parts.database.read(tenantKey), tenantKey, memberKey),
      this.#parts.tiersOf(tenantKey, program, [memberKey]),
    ]);
    // What would be refused anyway is refused before anybody is asked; a release is for every member.
    const statuses = new Map(asked === null ? [] : [[memberKey, asked.status]]);
    if (asked === null || kind !== 'RELEASE') refuseInactive([memberKey], statuses, memberField);
    if (asked === null) return [];
    const { now, ...member } = asked;
    const tier = tiers.get(memberKey) ?? null;
    const publicId = toPublicId('member', memberKey);
    const told = toldAct(about.posting, toldMember(member, publicId, tier));
    const answers = await answerers.ask(about.input(told, now), {
      mode: this.#request.dryRun === true ? 'DRY_RUN' : 'LIVE',
      ...{ idempotencyKey: this.#request.idempotencyKey, subject: publicId, now },
      facts: () => {
        const happening = happeningOf(about);
        return toFacts({ member, publicId, happening, tier }, now, program.definition.timeZone);
      },
      enough: (output) => verdictOf(output).decision === 'REFUSE',
      judge: (output, limits) =>
        isStorable(output)
          ? (about.judge?.(output, limits, now) ?? null)
          : { code: 'OUTPUT_TEXT_INVALID', details: {} },
    });
    refuseWhereRefused(answers);
    return answers;
  }
}

/** An act as those who were asked leave it: kept with the number that the last of them gives it. */
export async function approved<Input extends z.ZodType, Output extends z.ZodType<ActOutput>>(
  asking: ActAsking<Input, Output>,
  program: PinnedProgram,
  about: AskedAct<z.input<Input>, z.output<Output>>,
): Promise<Posting> {
  return withNumber(about.posting, await asking.ask(program, about));
}

/** The number that the caller named, or else the last of those who were asked. */
export function withNumber(posting: Posting, answers: readonly Answer<unknown>[]): Posting {
  const given = answers.flatMap(({ output }) => (output as ActOutput).reference ?? []).at(-1) ?? null;
  return { ...posting, reference: posting.reference ?? given };
}

function verdictOf(output: unknown): Verdict {
  return output as Verdict;
}

/** @throws Refusal EXTENSION_REFUSED */
function refuseWhereRefused(answers: readonly Answer<unknown>[]): void {
  for (const { extension, output } of answers) {
    const { decision, reason: message } = verdictOf(output);
    if (decision === 'APPROVE') continue;
    const details = { extension: extension.name };
    throw new Refusal([{ code: 'EXTENSION_REFUSED', field: null, details, message }]);
  }
}

function toldAct({ asset, amount, whole, reason, reference }: Posting, member: ToldAct['member']): ToldAct {
  return { member, asset, amount: whole === true ? null : String(amount), reason, reference };
}

/** What filters look at; the amount is in the asset's units. */
function happeningOf({
  posting: { kind, amount },
  trigger,
  filtered = amount,
}: Pick<AskedAct<never, never>, 'posting' | 'trigger' | 'filtered'>) {
  return {
    ...{ trigger: trigger ?? `points_${kind.toLowerCase()}`, amount: filtered, occurredAt: null },
    ...{ channel: null, store: null, orderNumber: null, lines: [] },
  };
}
