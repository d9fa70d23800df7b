export async function servePage(_a: unknown, _b: unknown) {}
