/** Why a plugin isn't loaded: one sentence that names it and the mend. */
export class PluginFault extends Error {}
