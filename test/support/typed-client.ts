import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import type { TestGateway } from './gateway.ts';

/**
 * Runs an operation of `test/e2e/operations` over HTTP; its answer has the operation's own type.
 * @throws Error when the gateway answers with errors
 */
export async function execute<Data, Variables extends Record<string, unknown>>(
  gateway: Pick<TestGateway, 'ask'>,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  headers?: Record<string, string>,
): Promise<Data> {
  const { data, errors } = await gateway.ask<Data | null>(print(document), variables, headers);
  if (data === null || errors.length > 0) throw new Error(`The gateway answered ${JSON.stringify(errors)}.`);
  return data;
}
