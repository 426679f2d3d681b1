import { Field, ID, InterfaceType } from 'type-graphql';

/** What `node` answers with: an object and the name of its GraphQL type. */
export interface Refetched {
  readonly __typename: string;
}

@InterfaceType({
  description: 'Anything that can be fetched again by its id.',
  resolveType: (value: Refetched) => value.__typename,
})
export abstract class Node {
  @Field(() => ID, { description: 'An opaque id, unique over all types.' })
  id!: string;
}
