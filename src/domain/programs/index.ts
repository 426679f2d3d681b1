export { Asset, ProgramVersion } from './program.entity.ts';
export { programErrors } from './program.errors.ts';
export { formatProgram, parseProgram } from './program.file.ts';
export { AssetResolver, ProgramResolver } from './program.resolver.ts';
export type {
  LadderDefinition,
  ProgramDefinition,
  RuleDefinition,
} from './program.schema.ts';
export { assetOf, type PinnedProgram, ProgramService, toAsset } from './program.service.ts';
export { type CommitFacts, UseCaseRunner } from './use-case.ts';
