const SIZE = 65_536;

// Copying forward is ten times slower where target and source differ by a few bytes modulo the page, as buffers
// of this size do that were allocated one after the other. Half a page away from where an allocation begins, it is not so.
const SHIFT = 2_048;

// Bytes to send are those of the moment of `write()`, so they are copied. What the host takes at once (almost
// everything) is copied to the same place again and again, which costs no allocation; nor does the view of it
// when the size is that of the last time.
let shared: Buffer | null = null;
let view: Buffer | null = null;

/** Copies `data` to memory that stays as it is during a write. */
export function stage(data: Uint8Array): Buffer {
  if (data.length > SIZE) return Buffer.from(data);
  shared ??= Buffer.allocUnsafeSlow(SIZE + SHIFT).subarray(SHIFT);
  if (view?.length !== data.length) view = shared.subarray(0, data.length);
  view.set(data);
  return view;
}

/** The host still reads `chunk`: if it was staged, it keeps that memory, and the next write gets other. */
export function keepStaged(chunk: Uint8Array): void {
  if (chunk !== view) return;
  shared = null;
  view = null;
}
