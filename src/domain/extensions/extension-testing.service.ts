import type { CallRecord, ExtensionPoint, Revision } from '../../extension/index.ts';
import { differencesOf } from '../../kernel/differences.ts';
import { RequestFault, refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { ExpressionFacts } from '../expressions/index.ts';
import { findCall, findCallsForReplay } from './call.repository.ts';
import type { CallLog } from './call-log.ts';
import { refuseForeign } from './developer.policy.ts';
import type { StoredCall } from './extension.entity.ts';
import type { ReplayExtensionCallsInput, TestExtensionInput } from './extension.inputs.ts';
import { findRevision, readNow } from './extension.repository.ts';
import { type ExtensionParts, keyOf } from './extension.service.ts';
import type { ExtensionReads } from './extension-reads.service.ts';
import type { ExtensionReplay, ExtensionReplayReport, ExtensionRun } from './extension-run.types.ts';
import type { ExtensionView } from './extension-view.types.ts';
import { misfit, pointNamed } from './points.policy.ts';
import { layOver } from './sample.policy.ts';
import { CallScreen } from './shown-call.ts';

const MOST_REPLAYED = 100;
const AT_ONCE = 4;
const REPLAY_WITHIN_MS = 15_000;

type Parts = Pick<ExtensionParts, 'database' | 'judge' | 'registry' | 'workbench'> & {
  readonly calls: CallLog;
  readonly reads: ExtensionReads;
};

/** Whom a test asks. */
interface Tested {
  readonly extension: ExtensionView;
  readonly revision: Revision<ExpressionFacts>;
  readonly point: ExtensionPoint;
}

/** Tries extensions, before anybody is touched by them. */
export class ExtensionTesting {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Asks the newest revision, on a sample or as a recorded call did.
   * @throws Refusal EXTENSION_NOT_FOUND, SAMPLE_OR_CALL, CALL_NOT_FOUND
   */
  async test(
    ctx: RequestContext,
    { extensionId, sample, callId }: TestExtensionInput,
  ): Promise<ExtensionRun> {
    const tested = await this.#tested(ctx, keyOf(extensionId));
    const isCall = callId !== undefined && callId !== null;
    const isSample = sample !== undefined && sample !== null;
    if (isCall && isSample) throw refuse('SAMPLE_OR_CALL', ['sample']);
    const { example } = tested.point;
    const input = isCall
      ? (await this.#recorded(ctx, tested.extension, callId)).input
      : layOver(example.input, isSample ? sample : {});
    const [record] = await this.#ask(ctx, tested, [input]);
    if (record === undefined) throw new Error('A test came to nothing.');
    return new CallScreen(ctx, tested.extension.point).run(record, record);
  }

  /**
   * Asks the newest revision what recorded calls asked, and compares.
   * @throws Refusal EXTENSION_NOT_FOUND
   * @throws RequestFault PAGE_SIZE
   */
  async replay(ctx: RequestContext, input: ReplayExtensionCallsInput): Promise<ExtensionReplayReport> {
    const { first, extensionId, ...filter } = input;
    if (first < 1 || first > MOST_REPLAYED) throw new RequestFault('PAGE_SIZE', { field: ['first'] });
    const tested = await this.#tested(ctx, keyOf(extensionId));
    const { calls: log, database } = this.#parts;
    await log.flush();
    const sql = database.read(ctx.tenantKey);
    const recorded = await findCallsForReplay(sql, tested.extension, { ...filter, first });
    const timeOver = AbortSignal.timeout(REPLAY_WITHIN_MS);
    const calls: ExtensionReplay[] = [];
    for (let from = 0; from < recorded.length && !timeOver.aborted; from += AT_ONCE)
      calls.push(...(await this.#replaySome(ctx, tested, recorded.slice(from, from + AT_ONCE))));
    const failed = calls.filter(({ now }) => now.outcome !== 'OK').length;
    const same = calls.filter(isSame).length;
    return { same, different: calls.length - same, failed, notAsked: recorded.length - calls.length, calls };
  }

  async #replaySome(
    ctx: RequestContext,
    tested: Tested,
    recorded: readonly StoredCall[],
  ): Promise<ExtensionReplay[]> {
    const { reads } = this.#parts;
    const opened = await Promise.all(
      recorded.map(async (call) => ({ call, before: await reads.contentsOf(call) })),
    );
    const readable = opened.flatMap(({ call, before }) => (before === null ? [] : [{ call, before }]));
    const records = await this.#ask(
      ctx,
      tested,
      readable.map(({ before }) => before.input),
    );
    const screen = new CallScreen(ctx, tested.extension.point);
    return readable.flatMap(({ call, before }, index): ExtensionReplay[] => {
      const now = records[index];
      if (now === undefined) return [];
      const personal = new Set([...screen.personal(before), ...screen.personal(now)]);
      const differences = differencesOf(before.output ?? undefined, now.output ?? undefined);
      const { id } = screen.call(call, before);
      return [
        {
          ...{ callId: id, before: call.outcome, now: screen.run(now, now) },
          differences: screen.differences(differences, personal),
        },
      ];
    });
  }

  /**
   * What a call said, personal data included: for the operator, who asks code by hand.
   * @throws Refusal EXTENSION_NOT_FOUND, CALL_NOT_FOUND
   */
  async recorded(
    ctx: RequestContext,
    { extensionId, callId }: { readonly extensionId: string; readonly callId: string },
  ): Promise<{ readonly input: unknown; readonly output: unknown }> {
    const { extension } = await this.#tested(ctx, keyOf(extensionId));
    return await this.#recorded(ctx, extension, callId);
  }

  /** Asks each, and writes the calls down before it answers. */
  async #ask(
    ctx: RequestContext,
    { extension, revision, point }: Tested,
    inputs: readonly unknown[],
  ): Promise<CallRecord[]> {
    const { calls, database, judge, workbench } = this.#parts;
    const { tenantKey } = ctx;
    const now = await readNow(database.read(tenantKey));
    const test = (input: unknown, idempotencyKey: string): Promise<CallRecord> =>
      workbench.test(extension, revision, {
        ...{ input, idempotencyKey, now },
        judge: (output, limits) => judge(tenantKey, { point: point.name, input, output, limits, now }),
      });
    const records = await Promise.all(
      inputs.map(async (input) => {
        const idempotencyKey = `test-${newKey()}`;
        const why = misfit(point.input, input);
        if (why === null) return await test(input, idempotencyKey);
        return unaskable(extension, { input, idempotencyKey, now, why });
      }),
    );
    await calls.write(records);
    return records;
  }

  /** @throws Refusal CALL_NOT_FOUND */
  async #recorded(ctx: RequestContext, extension: ExtensionView, callId: string) {
    const { calls, database, reads } = this.#parts;
    await calls.flush();
    const callKey = fromPublicId('extensionCall', callId);
    const sql = database.read(ctx.tenantKey);
    const found = callKey === null ? null : await findCall(sql, ctx.tenantKey, callKey);
    const isOwn = found?.extensionKey === extension.extensionKey;
    const contents = found === null || !isOwn ? null : await reads.contentsOf(found);
    if (contents === null) throw refuse('CALL_NOT_FOUND', ['callId']);
    return contents;
  }

  /** @throws Refusal EXTENSION_NOT_FOUND */
  async #tested(ctx: RequestContext, extensionKey: string): Promise<Tested> {
    refuseForeign(ctx, extensionKey);
    const { database, reads, registry } = this.#parts;
    const extension = await reads.findByKey(ctx, extensionKey);
    const point = extension === null ? null : pointNamed(extension.point, extension.pointVersion);
    if (extension === null || point === null) throw refuse('EXTENSION_NOT_FOUND', ['extensionId']);
    if (extension.isImplied) {
      const of = await registry.implied(ctx.tenantKey, extension.point);
      const implied = of.find((one) => one.extensionKey === extensionKey);
      if (!implied?.newest) throw refuse('EXTENSION_NOT_FOUND', ['extensionId']);
      return { extension, point, revision: implied.newest };
    }
    const sql = database.read(ctx.tenantKey);
    const stored = await findRevision(sql, extension, extension.version);
    if (stored === null) throw new Error('The newest revision of an extension is missing.');
    return { extension, point, revision: await registry.revisionOf(extension, stored) };
  }
}

/** A call that wasn't made, since nobody would ever be asked so. */
function unaskable(
  { tenantKey, extensionKey, version }: ExtensionView,
  asked: { input: unknown; idempotencyKey: string; now: Date; why: string },
): CallRecord {
  const { input, idempotencyKey, now, why } = asked;
  return {
    ...{ tenantKey, extensionKey, callKey: newKey(), version, mode: 'TEST', attempt: 1 },
    ...{ outcome: 'INVALID_INPUT', idempotencyKey, startedAt: now, durationMs: 0, input, output: null },
    ...{ fault: { code: 'SAMPLE_INVALID', details: { why } }, logs: [], differences: null },
  };
}

function isSame({ before, now, differences }: ExtensionReplay): boolean {
  return before === now.outcome && differences.length === 0;
}
