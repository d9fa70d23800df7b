import { SystemClock, VirtualClock } from "@aio/loop";

// Loaded before a program: its loops have virtual time, so that a loaded machine changes nothing in its output.

const virtual = new VirtualClock();
SystemClock.prototype.now = () => virtual.now();
SystemClock.prototype.park = (deadline, wake) => virtual.park(deadline, wake);
SystemClock.prototype.unpark = () => virtual.unpark();
