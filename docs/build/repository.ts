const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_REF_NAME } = process.env;

/** Where a file of the repository is read; null where the site is not built by the repository's host. */
export function sourceLink(path: string, line?: string): string | null {
  if (GITHUB_SERVER_URL === undefined || GITHUB_REPOSITORY === undefined) return null;
  const branch = GITHUB_REF_NAME ?? "main";
  const anchor = line === undefined ? "" : `#L${line}`;
  return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/blob/${branch}/${path}${anchor}`;
}
