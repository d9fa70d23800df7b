import { useEffect, useState } from "preact/hooks";

const query = matchMedia("(max-width: 700px)");

/** Whether the page is as narrow as a phone. */
export function useIsNarrow(): boolean {
  const [isNarrow, setIsNarrow] = useState(query.matches);
  useEffect(() => {
    const changed = (): void => setIsNarrow(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return isNarrow;
}
