import { operatorContext } from '../../src/boot/index.ts';
import type { Application } from '../../src/compose.ts';
import { IdentityKind } from '../../src/domain/members/index.ts';
import type { ProgramDefinition } from '../../src/domain/programs/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { RequestContext } from '../../src/kernel/request-context.ts';
import { definitionOf, exampleText } from './programs.ts';

/** A tenant that a test works on. */
export interface TestTenant {
  readonly tenantKey: string;
  /** The operator's context. */
  readonly ctx: RequestContext;
}

/** Makes a sandbox tenant with the demo program, or another one. */
export async function newTenant(
  { services }: Application,
  code: string,
  definition: ProgramDefinition = definitionOf(exampleText('demo')),
): Promise<TestTenant> {
  const name = { en: code };
  const { tenantKey } = await services.tenants.create({ code, name, locale: 'en', sandbox: true });
  await services.programs.apply(tenantKey, definition, 'a test');
  return { tenantKey, ctx: operatorContext(tenantKey, 'a test') };
}

/** Enrols a member by a card of this number; answers the public id. */
export async function enrolMember(
  { services }: Application,
  { ctx }: TestTenant,
  card: string,
): Promise<string> {
  const { member } = await services.members.create(ctx, {
    idempotencyKey: `enrol-${card}`,
    identities: [{ kind: IdentityKind.CARD, value: card }],
  });
  return toPublicId('member', member.memberKey);
}
