import type { Stream } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { ProgramService } from '../programs/index.ts';
import { ALL_TYPES, type EndpointFilter } from './event-type.policy.ts';

/** A filter as it is given; what is missing stays as it was. */
export interface GivenFilter {
  readonly streams?: readonly Stream[] | null;
  readonly types?: readonly string[] | null;
  readonly assets?: readonly string[] | null;
}

/** @throws Refusal ENDPOINT_FILTER_EMPTY, EVENT_TYPE_UNKNOWN, ASSET_NOT_FOUND, NO_PROGRAM */
export async function readFilter(
  programs: ProgramService,
  { tenantKey }: RequestContext,
  given: GivenFilter,
  before: EndpointFilter,
): Promise<EndpointFilter> {
  const { streams = before.streams, types = before.types, assets = before.assets } = given;
  for (const [field, list] of Object.entries({ streams, types, assets }))
    if (list?.length === 0) throw refuse('ENDPOINT_FILTER_EMPTY', [field]);
  refuseUnknownTypes(given.types, ['types']);
  const program = (given.assets ?? null) === null ? null : await programs.inForce(tenantKey);
  for (const [index, asset] of (given.assets ?? []).entries()) {
    const isKnown = program?.definition.assets.some(({ code }) => code === asset);
    if (isKnown !== true) throw refuse('ASSET_NOT_FOUND', ['assets', String(index)], { asset });
  }
  return { streams: unique(streams), types: unique(types), assets: unique(assets) };
}

/** @throws Refusal EVENT_TYPE_UNKNOWN */
export function refuseUnknownTypes(
  types: readonly string[] | null | undefined,
  field: readonly string[],
): void {
  for (const [index, type] of (types ?? []).entries())
    if (!ALL_TYPES.includes(type))
      throw refuse('EVENT_TYPE_UNKNOWN', [...field, String(index)], { type, known: ALL_TYPES.join(', ') });
}

function unique<Value>(list: readonly Value[] | null): Value[] | null {
  return list === null ? null : [...new Set(list)];
}
