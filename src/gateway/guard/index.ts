export { type Admitted, Guard, type IncomingOperation, InvalidVariables } from './admit.ts';
export { type Authenticated, Authenticator, type Credentials, tokenKeys } from './authenticate.ts';
export { InvalidDocument } from './document.ts';
