export { Asset, AssetKind, Program, ProgramVersion } from './program.entity.ts';
export { programErrors } from './program.errors.ts';
export { formatProgram, type ParsedProgram, type ProgramFinding, parseProgram } from './program.file.ts';
export { AssetResolver, ProgramResolver } from './program.resolver.ts';
export {
  type AssetDefinition,
  BENEFIT_KINDS,
  BENEFIT_LEVELS,
  type LadderDefinition,
  type ProgramDefinition,
  type RuleDefinition,
} from './program.schema.ts';
export { assetOf, type PinnedProgram, ProgramService, toAsset } from './program.service.ts';
export { type CommitFacts, type UseCase, UseCaseRunner } from './use-case.ts';
