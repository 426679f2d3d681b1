import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { type ConnectionOf, PageArgs, payloadOf, type Row } from '../shared/index.ts';
import type { ShownApiKey } from './api-key.repository.ts';
import type { ApiKeyService } from './api-key.service.ts';
import { ApiKey, ApiKeyConnection } from './tenant.entity.ts';
import { CreateApiKeyInput, RevokeApiKeyInput } from './tenant.inputs.ts';
import { CreateApiKeyPayload, RevokeApiKeyPayload } from './tenant.payloads.types.ts';

/** What the resolvers of API keys need from the request. */
interface ApiKeyContext {
  readonly request: RequestContext;
  readonly services: { readonly apiKeys: ApiKeyService };
}

@Resolver(() => ApiKey)
export class ApiKeyResolver {
  @Query(() => ApiKeyConnection, {
    description: 'The tenant’s API keys, also those that were revoked; newest first.',
  })
  @Extensions({ roles: ['STAFF'] })
  async apiKeys(
    @Args(() => PageArgs) { first, after }: PageArgs,
    @Ctx() { request, services }: ApiKeyContext,
  ): Promise<ConnectionOf<ShownApiKey>> {
    return await services.apiKeys.page(request, first, after);
  }

  @Mutation(() => CreateApiKeyPayload, {
    description: 'Makes an API key for a server. Its secret is shown once, and kept nowhere.',
  })
  @Extensions({ roles: ['STAFF'] })
  createApiKey(
    @Arg('input', () => CreateApiKeyInput, { description: 'What the key is for.' }) input: CreateApiKeyInput,
    @Ctx() { request, services }: ApiKeyContext,
  ): Promise<CreateApiKeyPayload> {
    const refused: CreateApiKeyPayload = { apiKey: null, secret: null, userErrors: [] };
    return payloadOf(request, refused, async () => ({
      ...(await services.apiKeys.create(request, input)),
      userErrors: [],
    }));
  }

  @Mutation(() => RevokeApiKeyPayload, {
    description:
      'Takes an API key back: it stops working within a second. One that was revoked stays as it is.',
  })
  @Extensions({ roles: ['STAFF'] })
  revokeApiKey(
    @Arg('input', () => RevokeApiKeyInput, { description: 'Which key.' }) input: RevokeApiKeyInput,
    @Ctx() { request, services }: ApiKeyContext,
  ): Promise<RevokeApiKeyPayload> {
    return payloadOf<RevokeApiKeyPayload>(request, { apiKey: null, userErrors: [] }, async () => ({
      apiKey: await services.apiKeys.revoke(request, input),
      userErrors: [],
    }));
  }

  @FieldResolver(() => ID, { nullable: true, description: 'With DEVELOPER: which extension it is for.' })
  extensionId(@Root() { extensionKey }: Row<ApiKey>): string | null {
    return extensionKey === null ? null : toPublicId('extension', extensionKey);
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { keyKey }: Row<ApiKey>): string {
    return toPublicId('apiKey', keyKey);
  }
}
