import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ClientDocument } from './documents.ts';
import type { Json } from './gateway.ts';

/** A result as a client hands it to its application. */
export interface Heard {
  readonly data?: Json;
  readonly errors?: readonly Json[];
}

/** Follows a document, and hands over each result; answers how to stop. */
export type Follow = (document: ClientDocument, heard: (result: Heard) => void) => () => void;

export interface LiveClient {
  readonly follow: Follow;
  close(): Promise<void> | void;
}

type Headers = Readonly<Record<string, string>>;

function socketClient(url: string, connectionParams: Headers): Client {
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams,
    retryAttempts: 0,
  });
}

function failed(error: unknown): Heard {
  const errors = Array.isArray(error) ? error : (error as { errors?: Json[] }).errors;
  return { errors: errors ?? [{ message: String(error) }] };
}

function graphqlWs(url: string, headers: Headers): LiveClient {
  const client = socketClient(url, headers);
  return {
    follow: (document, heard) =>
      client.subscribe(
        { ...document },
        {
          next: (result) => heard(result as Heard),
          error: (error) => heard(failed(error)),
          complete: () => undefined,
        },
      ),
    close: () => client.dispose(),
  };
}

function apollo(url: string, headers: Headers): LiveClient {
  const socket = socketClient(url, headers);
  const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
  return {
    follow: ({ query, variables }, heard) => {
      const events = client.subscribe({ query: gql(query), variables, fetchPolicy: 'no-cache' });
      const following = events.subscribe(({ data, error }) =>
        heard(error === undefined ? { data } : failed(error)),
      );
      return () => following.unsubscribe();
    },
    close: async () => {
      client.stop();
      await socket.dispose();
    },
  };
}

function urql(url: string, headers: Headers): LiveClient {
  const socket = socketClient(url, headers);
  const client = new UrqlClient({
    url: `${url}/graphql`,
    preferGetMethod: false,
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query, variables: variables as Record<string, unknown> },
              sink as Json,
            ),
          }),
        }),
      }),
    ],
  });
  return {
    follow: ({ query, variables }, heard) => {
      const following = client
        .subscription(query, variables)
        .subscribe(({ data, error }) => heard(error === undefined ? { data } : failed(error.graphQLErrors)));
      return () => following.unsubscribe();
    },
    close: () => socket.dispose(),
  };
}

function graphqlSse(url: string, headers: Headers): LiveClient {
  const client = createSseClient({
    url: `${url}/graphql/stream`,
    headers: { ...headers },
    retryAttempts: 0,
  });
  return {
    follow: (document, heard) =>
      client.subscribe(
        { ...document },
        {
          next: (result) => heard(result as Heard),
          error: (error) => heard(failed(error)),
          complete: () => undefined,
        },
      ),
    close: () => client.dispose(),
  };
}

/** The clients that applications use, each in the way that its manual shows. */
export const LIVE_CLIENTS: Readonly<Record<string, (url: string, headers: Headers) => LiveClient>> = {
  'graphql-ws': graphqlWs,
  'Apollo Client': apollo,
  urql,
  'graphql-sse': graphqlSse,
};
