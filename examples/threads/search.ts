import { callSoonThreadsafe, currentSignal, type LoopHandle } from "@aio/executor";

/** Looks for amicable numbers, and tells the loop of each pair that it finds; without an end. */
export function search(handle: LoopHandle<{ found: (a: number, b: number) => void }>) {
  const signal = currentSignal();
  for (let a = 2; ; a += 1) {
    signal.throwIfAborted(); // costs some nanoseconds
    const b = divisorSum(a);
    if (a < b && divisorSum(b) === a) callSoonThreadsafe(handle, "found", a, b);
  }
}

function divisorSum(n: number) {
  let sum = 1;
  for (let divisor = 2; divisor * divisor <= n; divisor += 1)
    if (n % divisor === 0) sum += divisor + (divisor * divisor === n ? 0 : n / divisor);
  return sum;
}
