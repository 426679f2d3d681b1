export {
  AFTER_DESCRIPTION,
  type ConnectionOf,
  connectionType,
  type EdgeOf,
  edgeType,
  FIRST_DESCRIPTION,
  FirstType,
  PageInfo,
  toPage,
} from './connection.types.ts';
export { decodeCursor, encodeCursor } from './cursor.ts';
export { MoneyInput, MoneyObject, toMoneyObject } from './money.types.ts';
export { Node, type Refetched } from './node.types.ts';
export { payloadOf, toUserError, UserError, useErrorCatalogue } from './payload.types.ts';
export type { Row } from './row.ts';
export { DateTimeScalar, DecimalScalar, DurationScalar, JsonScalar, PointsScalar } from './scalars.ts';
export { Source, SourceInput } from './source.types.ts';
