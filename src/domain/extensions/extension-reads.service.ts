import { fromPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { UnreadableSeal } from '../../persistence/index.ts';
import { type ConnectionOf, toPage } from '../shared/index.ts';
import { type CallFilter, findCall, findCalls, readHealth, readShadow } from './call.repository.ts';
import type { CallContents, CallLog } from './call-log.ts';
import { maySee } from './developer.policy.ts';
import {
  callCursor,
  callPlace,
  changeCursor,
  changePlace,
  extensionCursor,
  extensionPlace,
  revisionCursor,
  revisionPlace,
} from './extension.cursors.ts';
import type { StoredCall, StoredChange, StoredRevision } from './extension.entity.ts';
import {
  ASKED_STAGES,
  findChanges,
  findExtension,
  findExtensionNamed,
  findExtensions,
  findPlugins,
  findRevision,
  findRevisions,
} from './extension.repository.ts';
import type { ExtensionParts } from './extension.service.ts';
import type { ExtensionCall, ExtensionHealth } from './extension.types.ts';
import type { ExtensionShadowPath, ExtensionShadowReport } from './extension-report.types.ts';
import type { ExtensionView } from './extension-view.types.ts';
import { healthState } from './health.policy.ts';
import { impliedView } from './implied.policy.ts';
import { allPoints } from './points.policy.ts';
import { CallScreen, rounded } from './shown-call.ts';

const MOST_PATHS = 50;

type Page = { readonly first: number; readonly after?: string | null };
type Parts = Pick<ExtensionParts, 'database' | 'registry' | 'workbench'> & { readonly calls: CallLog };

/** What staff and developers see of extensions. */
export class ExtensionReads {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** An extension by its id, an implied one too; null where there is none, or none for this caller. */
  async find(ctx: RequestContext, id: string): Promise<ExtensionView | null> {
    const extensionKey = fromPublicId('extension', id);
    return extensionKey === null ? null : await this.findByKey(ctx, extensionKey);
  }

  async findByKey(ctx: RequestContext, extensionKey: string): Promise<ExtensionView | null> {
    const { tenantKey } = ctx;
    if (!maySee(ctx, extensionKey)) return null;
    const found = await findExtension(this.#parts.database.read(tenantKey), tenantKey, extensionKey);
    return found ?? (await this.#implied(tenantKey)).find((one) => one.extensionKey === extensionKey) ?? null;
  }

  /** For people at a terminal, who know names. */
  async findNamed({ tenantKey }: RequestContext, name: string): Promise<ExtensionView | null> {
    const found = await findExtensionNamed(this.#parts.database.read(tenantKey), tenantKey, name);
    return found ?? (await this.#implied(tenantKey)).find((one) => one.name === name) ?? null;
  }

  /** Those that were registered, newest first, and then those that are implied. */
  async page({ tenantKey }: RequestContext, { first, after }: Page): Promise<ConnectionOf<ExtensionView>> {
    const before = extensionPlace(tenantKey, after);
    const implied = await this.#implied(tenantKey);
    const place = implied.findIndex(({ extensionKey }) => extensionKey === before);
    const sql = this.#parts.database.read(tenantKey);
    const stored = place >= 0 ? [] : await findExtensions(sql, tenantKey, before, first);
    const rows = [...stored, ...implied.slice(place + 1)].slice(0, first + 1);
    return toPage(rows, first, ({ extensionKey }) => extensionCursor(tenantKey, extensionKey));
  }

  async health(extension: ExtensionView): Promise<ExtensionHealth> {
    const { calls, database } = this.#parts;
    await calls.flush();
    const { p50Ms, p99Ms, ...counts } = await readHealth(database.read(extension.tenantKey), extension);
    const state = healthState(counts, await this.#isBroken(extension));
    const round = (value: number | null): number | null => (value === null ? null : rounded(value));
    return { state, ...counts, p50Ms: round(p50Ms), p99Ms: round(p99Ms) };
  }

  async callsOf(
    ctx: RequestContext,
    extension: ExtensionView,
    { first, after, ...filter }: Page & CallFilter,
  ): Promise<ConnectionOf<ExtensionCall>> {
    const { calls, database } = this.#parts;
    const before = callPlace(extension, filter, after);
    await calls.flush();
    const sql = database.read(extension.tenantKey);
    const page = toPage(await findCalls(sql, extension, filter, { first, before }), first, (row) =>
      callCursor(extension, filter, row),
    );
    const screen = new CallScreen(ctx, extension.point);
    const edges = await Promise.all(
      page.edges.map(async ({ cursor, node }) => ({ cursor, node: await this.#show(screen, node) })),
    );
    return { edges, pageInfo: page.pageInfo };
  }

  /** A call by its key, for whoever may see its extension. */
  async call(ctx: RequestContext, callKey: string): Promise<ExtensionCall | null> {
    const { calls, database } = this.#parts;
    await calls.flush();
    const found = await findCall(database.read(ctx.tenantKey), ctx.tenantKey, callKey);
    const extension = found === null ? null : await this.findByKey(ctx, found.extensionKey);
    if (found === null || extension === null) return null;
    return await this.#show(new CallScreen(ctx, extension.point), found);
  }

  async revisions(extension: ExtensionView, { first, after }: Page): Promise<ConnectionOf<StoredRevision>> {
    const before = revisionPlace(extension, after);
    const sql = this.#parts.database.read(extension.tenantKey);
    const rows = await findRevisions(sql, extension, before, first);
    return toPage(rows, first, ({ version }) => revisionCursor(extension, version));
  }

  async changes(extension: ExtensionView, { first, after }: Page): Promise<ConnectionOf<StoredChange>> {
    const before = changePlace(extension, after);
    const rows = await findChanges(this.#parts.database.read(extension.tenantKey), extension, before, first);
    return toPage(rows, first, ({ changeKey }) => changeCursor(extension, changeKey));
  }

  async shadowReport(
    ctx: RequestContext,
    extension: ExtensionView,
    since: Date | null,
  ): Promise<ExtensionShadowReport> {
    const { calls, database } = this.#parts;
    await calls.flush();
    const sql = database.read(extension.tenantKey);
    const { differing, ...counts } = await readShadow(sql, extension, since);
    const screen = new CallScreen(ctx, extension.point);
    const paths = new Map<string, ExtensionShadowPath>();
    for (const one of differing) {
      const { differences } = await this.#show(screen, one);
      const seen = new Set<string>();
      for (const { path: exact, live, shadow } of differences ?? []) {
        const path = exact.replace(/(^|\.)\d+(?=\.|$)/g, '$1*');
        const known = paths.get(path) ?? { path, count: 0, liveExample: live, shadowExample: shadow };
        if (!seen.has(path)) known.count += 1;
        seen.add(path);
        paths.set(path, known);
      }
    }
    const sorted = [...paths.values()].sort((one, other) => other.count - one.count);
    return { ...counts, paths: sorted.slice(0, MOST_PATHS) };
  }

  /** What was said in a call; null when it can't be read any more. */
  async contentsOf({
    contents,
    place,
  }: Pick<StoredCall, 'contents' | 'place'>): Promise<CallContents | null> {
    if (contents === null) return null;
    return await this.#parts.calls.open(contents, place).catch((error: unknown) => {
      if (error instanceof UnreadableSeal) return null;
      throw error;
    });
  }

  async #show(screen: CallScreen, call: StoredCall): Promise<ExtensionCall> {
    return screen.call(call, await this.contentsOf(call));
  }

  async #implied(tenantKey: string): Promise<ExtensionView[]> {
    const { database, registry } = this.#parts;
    const registered = await findPlugins(database.read(tenantKey), tenantKey);
    const points = [...new Set(allPoints().map(({ name }) => name))];
    const implied = await Promise.all(points.map((point) => registry.implied(tenantKey, point)));
    return implied
      .flat()
      .filter(({ name, point }) => !registered.some((one) => one.plugin === name && one.point === point))
      .map(impliedView);
  }

  async #isBroken(extension: ExtensionView): Promise<boolean> {
    const { database, registry, workbench } = this.#parts;
    if (extension.isImplied) {
      const { plugin, configuration } = extension;
      return workbench.isBroken(extension, { runtime: 'IN_PROCESS', plugin: plugin ?? '', configuration });
    }
    const version = ASKED_STAGES.includes(extension.stage) ? extension.version : extension.liveVersion;
    if (version === null) return false;
    const stored = await findRevision(database.read(extension.tenantKey), extension, version);
    if (stored === null) return false;
    const { code } = await registry.revisionOf(extension, stored);
    return workbench.isBroken(extension, code);
  }
}
