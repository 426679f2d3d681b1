import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

it('refuses a consent with an endless purpose also when a member is changed', async () => {
  const consents = [{ purpose: 'X'.repeat(65), granted: true }];
  const query = 'mutation($i: UpdateMemberInput!) { updateMember(input: $i) { userErrors { code field } } }';
  const input = { idempotencyKey: 'long-purpose', memberId: gateway.demo.memberId, consents };
  const { data } = await gateway.ask(query, { i: input });
  expect(data.updateMember.userErrors).toEqual([
    { code: 'TEXT_TOO_LONG', field: ['consents', '0', 'purpose'] },
  ]);
});
