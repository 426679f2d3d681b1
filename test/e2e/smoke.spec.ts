import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

it('refetches a member by id', async () => {
  const { data } = await gateway.ask('query($id: ID!) { node(id: $id) { __typename id } }', {
    id: gateway.demo.memberId,
  });
  expect(data.node).toEqual({ __typename: 'Member', id: gateway.demo.memberId });
});
