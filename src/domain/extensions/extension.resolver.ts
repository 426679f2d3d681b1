import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import { type ConnectionOf, DateTimeScalar, PageArgs, type Row } from '../shared/index.ts';
import type { ExtensionContext } from './extension.context.ts';
import type { StoredChange, StoredRevision } from './extension.entity.ts';
import { ExtensionCallsArgs } from './extension.inputs.ts';
import {
  Extension,
  type ExtensionCall,
  ExtensionCallConnection,
  ExtensionChangeConnection,
  ExtensionConnection,
  ExtensionHealth,
  ExtensionLimits,
  ExtensionPlugin,
  ExtensionPointObject,
  ExtensionPostingLimit,
  ExtensionRevisionConnection,
  ExtensionSandbox,
  ExtensionStepBack,
  ExtensionWebhook,
} from './extension.types.ts';
import { ExtensionShadowReport } from './extension-report.types.ts';
import type { ExtensionView } from './extension-view.types.ts';
import { allPoints, pointNamed, showPoint } from './points.policy.ts';
import { stepBackOf } from './step-back.policy.ts';

type View = Row<ExtensionView>;

@Resolver(() => Extension)
export class ExtensionResolver {
  @Query(() => Extension, {
    nullable: true,
    description: 'An extension by its id; null where there is none, or none for the caller.',
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  async extension(
    @Arg('id', () => ID, { description: 'The extension’s id.' }) id: string,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<ExtensionView | null> {
    return await services.extensionReads.find(request, id);
  }

  @Query(() => ExtensionConnection, {
    description: 'The tenant’s extensions, newest first; the operator’s plugins at the end.',
  })
  @Extensions({ roles: ['STAFF'] })
  async extensions(
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<ConnectionOf<ExtensionView>> {
    return await services.extensionReads.page(request, page);
  }

  @Query(() => [ExtensionPointObject], {
    description: 'The questions that extensions answer, older versions too.',
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  extensionPoints(): ExtensionPointObject[] {
    return allPoints().map(showPoint);
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { extensionKey }: View): string {
    return toPublicId('extension', extensionKey);
  }

  @FieldResolver(() => ExtensionPointObject, { description: 'The question that it answers.' })
  point(@Root() { point, pointVersion }: View): ExtensionPointObject {
    const found = pointNamed(point, pointVersion) ?? pointNamed(point);
    if (found === null) throw new Error(`There is no extension point ${point} any more.`);
    return showPoint(found);
  }

  @FieldResolver(() => [ExtensionPostingLimit], {
    nullable: true,
    description: 'The assets that it may post, and how much in one answer; null = every asset.',
  })
  postingLimits(@Root() { postingLimits }: View): ExtensionPostingLimit[] | null {
    return postingLimits?.map(({ asset, most }) => ({ asset, most: BigInt(most) })) ?? null;
  }

  @FieldResolver(() => ExtensionLimits, { description: 'What its runtime allows.' })
  limits(@Root() { runtime }: View, @Ctx() { services }: ExtensionContext): ExtensionLimits {
    return services.extensionLimits[runtime];
  }

  @FieldResolver(() => ExtensionWebhook, {
    nullable: true,
    description: 'With WEBHOOK: who is asked; else null.',
  })
  webhook(@Root() { url }: View): ExtensionWebhook | null {
    return url === null ? null : { url };
  }

  @FieldResolver(() => ExtensionSandbox, {
    nullable: true,
    description: 'With SANDBOX: the code; else null.',
  })
  sandbox(@Root() { source, language }: View): ExtensionSandbox | null {
    return source === null || language === null ? null : { code: source, language };
  }

  @FieldResolver(() => ExtensionPlugin, {
    nullable: true,
    description: 'With IN_PROCESS: the plugin; else null.',
  })
  plugin(@Root() { plugin, configuration }: View): ExtensionPlugin | null {
    return plugin === null ? null : { id: plugin, configuration };
  }

  @FieldResolver(() => ExtensionStepBack, { description: 'When it steps back to SHADOW by itself.' })
  stepBack(@Root() extension: View): ExtensionStepBack {
    return stepBackOf(extension);
  }

  @FieldResolver(() => ExtensionHealth, { description: 'How it did in the last hour.' })
  async health(@Root() extension: View, @Ctx() { services }: ExtensionContext): Promise<ExtensionHealth> {
    return await services.extensionReads.health(extension);
  }

  @FieldResolver(() => ExtensionCallConnection, {
    description:
      'Its calls, newest first; the operator says for how long they are kept, 30 days if nothing else.',
  })
  async calls(
    @Root() extension: View,
    @Args(() => ExtensionCallsArgs) args: ExtensionCallsArgs,
    @Ctx() { request, services }: ExtensionContext,
  ): Promise<ConnectionOf<ExtensionCall>> {
    return await services.extensionReads.callsOf(request, extension, args);
  }

  @FieldResolver(() => ExtensionRevisionConnection, { description: 'Its versions, newest first.' })
  async revisions(
    @Root() extension: View,
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() { services }: ExtensionContext,
  ): Promise<ConnectionOf<StoredRevision>> {
    return await services.extensionReads.revisions(extension, page);
  }

  @FieldResolver(() => ExtensionChangeConnection, { description: 'What was done to it, newest first.' })
  async changes(
    @Root() extension: View,
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() { services }: ExtensionContext,
  ): Promise<ConnectionOf<StoredChange>> {
    return await services.extensionReads.changes(extension, page);
  }

  @FieldResolver(() => ExtensionShadowReport, {
    description: 'How its answers in SHADOW compare with those that counted.',
  })
  async shadowReport(
    @Root() extension: View,
    @Ctx() { request, services }: ExtensionContext,
    @Arg('since', () => DateTimeScalar, {
      nullable: true,
      description: 'Of calls that began then or later; of all that are kept when missing.',
    })
    since?: Date | null,
  ): Promise<ExtensionShadowReport> {
    return await services.extensionReads.shadowReport(request, extension, since ?? null);
  }
}
