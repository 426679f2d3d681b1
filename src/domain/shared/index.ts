export { askedFields, type Fragments, fieldsOf } from './asked.lookahead.ts';
export { backOffMs } from './back-off.policy.ts';
export {
  type ConnectionOf,
  connectionType,
  edgeType,
  toPage,
} from './connection.types.ts';
export { decodeCursor, encodeCursor, momentPlace, readMomentPlace } from './cursor.ts';
export { MoneyInput, MoneyObject, toMoneyObject } from './money.types.ts';
export { DRY_RUN_DESCRIPTION, KEY_DESCRIPTION } from './mutation.inputs.ts';
export { Node, type Refetched } from './node.types.ts';
export { Origin } from './origin.types.ts';
export { PageArgs } from './page.inputs.ts';
export { payloadOf, toUserErrors, UserError, useErrorCatalogue } from './payload.types.ts';
export type { Row } from './row.ts';
export { DateTimeScalar, DecimalScalar, DurationScalar, JsonScalar, PointsScalar } from './scalars.ts';
export { Source, SourceInput } from './source.types.ts';
export { refuseLong, refuseLongCode, refuseLongSource } from './text.ts';
