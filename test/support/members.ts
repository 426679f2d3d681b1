import type { TestGateway } from './gateway.ts';

let enrolled = 0;

const ENROL = `mutation Enrol($input: CreateMemberInput!) {
  createMember(input: $input) { member { id } userErrors { code field } }
}`;

/** An identity that no other member of the file has. */
export function newIdentity(): { kind: 'EXTERNAL'; value: string } {
  enrolled += 1;
  return { kind: 'EXTERNAL', value: `test-${enrolled}` };
}

/** A key that no other request of the file has. */
export function newRequestKey(): string {
  enrolled += 1;
  return `request-${enrolled}`;
}

/** A new member of the demo tenant, with the enrolment bonus of its program: 100 points and 10 tokens. */
export async function enrol(
  gateway: Pick<TestGateway, 'ask'>,
  input: Record<string, unknown> = {},
): Promise<string> {
  const identities = [newIdentity()];
  const { data, errors } = await gateway.ask(ENROL, {
    input: { idempotencyKey: newRequestKey(), identities, ...input },
  });
  const id: string | undefined = data?.createMember.member?.id;
  if (id === undefined)
    throw new Error(`Nobody was enrolled: ${JSON.stringify([errors, data?.createMember.userErrors])}`);
  return id;
}
