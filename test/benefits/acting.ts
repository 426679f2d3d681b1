import { expectNothingWritten } from '../support/contents.ts';
import type { Json, TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { benefit, demoWith } from './programs.ts';

/** Of the day on which the tests begin, in Shanghai. */
export const NOON = '2026-11-20T12:00:00+08:00';
/** The end of the 30th local day after it. */
export const END = '2026-12-20T16:00:00.000Z';

const GRANT_FIELDS = `id status source reason usesLeft validFrom validUntil createdAt revokedAt revokeReason
  benefit { code name kind level value uses { perGrant perDay total } }`;
const USE_FIELDS = `id usedAt channel store orderNumber orderAmount { value currency } undoneAt undoReason
  effect { kind value }`;
export const MUTATIONS: Record<string, string> = {
  grantBenefit: `mutation($input: GrantBenefitInput!) {
    grantBenefit(input: $input) { grant { ${GRANT_FIELDS} } userErrors { code field message } } }`,
  revokeGrant: `mutation($input: RevokeGrantInput!) {
    revokeGrant(input: $input) { grant { ${GRANT_FIELDS} } userErrors { code field message } } }`,
  useBenefit: `mutation($input: UseBenefitInput!) { useBenefit(input: $input) {
    use { ${USE_FIELDS} } grant { ${GRANT_FIELDS} } userErrors { code field message } } }`,
  undoBenefitUse: `mutation($input: UndoBenefitUseInput!) { undoBenefitUse(input: $input) {
    use { ${USE_FIELDS} } grant { ${GRANT_FIELDS} } userErrors { code field message } } }`,
};
/** The demo program, and benefits with a limit of each kind. */
export const PROGRAM = demoWith([
  benefit('tea', { value: 'TEA', uses: { perGrant: 2 } }),
  benefit('cup', { stock: 2 }),
  benefit('lounge', { kind: 'ACCESS', uses: { perDay: 1 } }),
  benefit('launch', { uses: { total: 2 } }),
  benefit('one-each', { limits: { perMember: 1 } }),
  benefit('one-a-day', { limits: { perDay: 1 } }),
  benefit('only-two', { limits: { total: 2 } }),
]);

/** What a test does with benefits, as the demo tenant's staff unless headers say otherwise. */
export interface Acting {
  /** Whatever comes of it. */
  send(name: string, input: Json, headers?: Record<string, string>): Promise<Json>;
  /** It must not be refused. */
  done(name: string, input: Json, headers?: Record<string, string>): Promise<Json>;
  /** It must be refused with this, and write nothing; answers the message. */
  expectRefused(
    name: string,
    input: Json,
    code: string,
    field: string[],
    headers?: Record<string, string>,
  ): Promise<string>;
}

export function acting(gateway: () => TestGateway): Acting {
  const send: Acting['send'] = async (name, input, headers) => {
    const whole = { idempotencyKey: newRequestKey(), ...input };
    const { data, errors } = await gateway().ask(MUTATIONS[name] ?? '', { input: whole }, headers);
    expect(errors).toEqual([]);
    return data[name];
  };
  return {
    send,
    done: async (name, input, headers) => {
      const answer = await send(name, input, headers);
      expect(answer.userErrors).toEqual([]);
      return answer;
    },
    expectRefused: async (name, input, code, field, headers) => {
      const answer = await expectNothingWritten(gateway(), () => send(name, input, headers));
      const empty = name === 'useBenefit' || name === 'undoBenefitUse' ? { use: null } : {};
      const userErrors = [{ code, field, message: expect.any(String) }];
      expect(answer).toEqual({ ...empty, grant: null, userErrors });
      return answer.userErrors[0].message;
    },
  };
}
