/**
 * A value as a statement answered it, for `@Root()` parameters. type-graphql makes a new instance of the
 * class for each field that declares the class itself, through MikroORM's setters; of a row it asks nothing.
 */
export type Row<Type> = Type;
