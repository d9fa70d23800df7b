import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** How large an element is, now and whenever that changes. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** @param before what is said until it is laid out. */
export function useSize(box: RefObject<HTMLElement | null>, before: Size): Size {
  const [size, setSize] = useState(before);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}
