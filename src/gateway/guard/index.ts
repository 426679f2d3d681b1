export { type Admitted, Guard, InvalidVariables } from './admit.ts';
export { type Authenticated, Authenticator, type Credentials, tokenKeys } from './authenticate.ts';
export { InvalidDocument } from './document.ts';
