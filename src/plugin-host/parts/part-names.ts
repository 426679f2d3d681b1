/** What the names of a plugin's fields begin with: `riskGuard_`. */
export function fieldPrefix(id: string): string {
  return `${id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}_`;
}

/** What the names of a plugin's types begin with: `RiskGuard_`. */
export function typePrefix(id: string): string {
  const prefix = fieldPrefix(id);
  return prefix.charAt(0).toUpperCase() + prefix.slice(1);
}

/** The PostgreSQL schema of a plugin's tables: `plugin_risk_guard`. */
export function tablesSchema(id: string): string {
  return `plugin_${id.replaceAll('-', '_')}`;
}
