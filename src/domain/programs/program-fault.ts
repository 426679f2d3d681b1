/** What is wrong in a definition whose parts are right each by itself. */
export interface ProgramFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
