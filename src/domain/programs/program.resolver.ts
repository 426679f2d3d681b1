import {
  Arg,
  Args,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { localize } from '../../kernel/localized.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { type ConnectionOf, PageArgs, payloadOf, type Row, UserError } from '../shared/index.ts';
import { moneyOf, rateOf } from './asset.schema.ts';
import {
  Asset,
  AssetRate,
  Program,
  type ProgramVersion,
  ProgramVersionConnection,
  Rule,
} from './program.entity.ts';
import { formatProgram } from './program.file.ts';
import { ApplyProgramInput } from './program.inputs.ts';
import type { ProgramService } from './program.service.ts';

/** What the resolvers of programs need from the request. */
interface ProgramContext {
  readonly request: RequestContext;
  readonly services: { readonly programs: ProgramService };
}

@ObjectType({ simpleResolvers: true, description: 'What `applyProgram` answers.' })
class ApplyProgramPayload {
  @Field(() => Program, {
    nullable: true,
    description: 'The program as it is in force now; null when it was refused.',
  })
  program!: Program | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether it is a new version: false when it says what was in force; null when it was refused.',
  })
  changed!: boolean | null;

  @Field(() => [UserError], {
    description: 'Why it was refused, an error for each fault of the file; empty when it was done.',
  })
  userErrors!: UserError[];
}

@Resolver(() => Program)
export class ProgramResolver {
  @Query(() => Program, {
    nullable: true,
    description: 'The program in force; null while the tenant has none.',
  })
  @Extensions({ roles: ['STAFF'] })
  async program(@Ctx() { request, services }: ProgramContext): Promise<Program | null> {
    return await services.programs.describe(request.tenantKey);
  }

  @Query(() => ProgramVersionConnection, {
    description: 'Every version of the program that ever was in force, newest first.',
  })
  @Extensions({ roles: ['STAFF'] })
  async programVersions(
    @Args(() => PageArgs) { first, after }: PageArgs,
    @Ctx() { request, services }: ProgramContext,
  ): Promise<ConnectionOf<ProgramVersion>> {
    return await services.programs.versions(request, first, after);
  }

  @Mutation(() => ApplyProgramPayload, {
    description:
      'Checks a program file and puts it in force as the next version. What is under way ends under one version.',
  })
  @Extensions({ roles: ['STAFF'] })
  applyProgram(
    @Arg('input', () => ApplyProgramInput, { description: 'The program file.' }) input: ApplyProgramInput,
    @Ctx() { request, services }: ProgramContext,
  ): Promise<ApplyProgramPayload> {
    const refused: ApplyProgramPayload = { program: null, changed: null, userErrors: [] };
    return payloadOf(request, refused, async () => ({
      ...(await services.programs.applySource(request, input)),
      userErrors: [],
    }));
  }

  @FieldResolver(() => String, {
    description: 'The program as a file, YAML: applied again, it changes nothing.',
  })
  source(@Root() program: Row<Program>): string {
    return formatProgram(program.definition);
  }

  @FieldResolver(() => [Rule], { description: 'Its rules, in the order of the program file.' })
  rules(@Root() program: Row<Program>, @Ctx() { request }: ProgramContext): Rule[] {
    return program.definition.rules.map(({ code, name, trigger, when, order, exclusive }) => ({
      code,
      name: localize(name, request.language),
      trigger,
      when: when ?? null,
      order,
      exclusive: exclusive ?? null,
    }));
  }

  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() program: Row<Program>, @Ctx() { request }: ProgramContext): string {
    return localize(program.definition.name, request.language);
  }
}

@Resolver(() => Asset)
export class AssetResolver {
  @FieldResolver(() => String, { description: 'Its name, in the caller’s language.' })
  name(@Root() asset: Row<Asset>, @Ctx() { request }: ProgramContext): string {
    return localize(asset.definition.name, request.language);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What one of it is called, in the caller’s language; null where the program doesn’t say.',
  })
  unit(@Root() { definition }: Row<Asset>, @Ctx() { request }: ProgramContext): string | null {
    return definition.unit === undefined ? null : localize(definition.unit, request.language);
  }

  @FieldResolver(() => AssetRate, {
    nullable: true,
    description: 'What it is worth in money; null where the program doesn’t say.',
  })
  rate(@Root() { definition, currency }: Row<Asset>): AssetRate | null {
    const rate = rateOf(definition, currency);
    if (rate === undefined) return null;
    return { amount: BigInt(rate.amount), money: moneyOf(rate, BigInt(rate.amount), currency) };
  }
}
