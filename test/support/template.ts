/** Prepares the template database that each test file clones. A placeholder until there are migrations. */
export async function prepareTemplate(_adminUrl: string, _appUrl: string): Promise<void> {}
