import { registerEnumType } from 'type-graphql';

/** Where something that is shown comes from. */
export enum Origin {
  OWN = 'OWN',
  OUTSIDE = 'OUTSIDE',
  FALLBACK = 'FALLBACK',
}
registerEnumType(Origin, {
  name: 'Origin',
  description: 'Where something that is shown comes from.',
  valuesConfig: {
    OWN: { description: 'Kept here; no other system had something else to say.' },
    OUTSIDE: { description: 'As an extension of the enterprise says.' },
    FALLBACK: {
      description:
        'Kept here, or registered for that case, since the extension that should say it gave no good answer.',
    },
  },
});
