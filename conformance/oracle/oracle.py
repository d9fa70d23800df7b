"""Reference interpreter of the conformance scenario language.

Runs one scenario (see ../language.md) on the asyncio of the running CPython, under
a virtual clock, and returns the trace.  Entry point: run_json(text) -> text.

Four sources of run-to-run variation in CPython are pinned down here, all of
them to "insertion order" (../language.md, section "Pinned orders"):

  * asyncio.wait() and TaskGroup keep futures in plain sets, whose iteration
    order depends on object addresses -> an insertion-ordered set is used;
  * as_completed() builds a plain set too -> its constructor is replaced;
  * timers with equal deadlines come out of a binary heap in an unspecified
    order -> ties are broken by registration order;
  * all_tasks() is a set -> the loop records its tasks in creation order.
"""

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.taskgroups
import asyncio.tasks
import collections.abc
import contextvars
import gc
import itertools
import json
import re
import sys
import warnings

warnings.simplefilter("ignore")
sys.unraisablehook = lambda info: None
STEP_BUDGET = 20_000
TEARDOWN_ROUNDS = 3


# --- pinned orders ---------------------------------------------------------

class OrderedSet(collections.abc.MutableSet):
    def __init__(self, items=()):
        self._d = dict.fromkeys(items)

    def __contains__(self, item):
        return item in self._d

    def __iter__(self):
        return iter(self._d)

    def __len__(self):
        return len(self._d)

    def add(self, item):
        self._d[item] = None

    def discard(self, item):
        self._d.pop(item, None)

    def clear(self):
        self._d.clear()


_timer_seq = itertools.count()


class OrderedTimerHandle(asyncio.events.TimerHandle):
    __slots__ = ("_seq",)

    def __init__(self, when, callback, args, loop, context=None):
        super().__init__(when, callback, args, loop, context)
        self._seq = next(_timer_seq)

    def __lt__(self, other):
        return (self._when, self._seq) < (other._when, other._seq)


def _as_completed_init(self, aws, timeout):
    loop = asyncio.get_running_loop()
    self._done = asyncio.Queue()
    self._timeout_handle = None
    self._todo = OrderedSet(
        asyncio.ensure_future(a, loop=loop) for a in OrderedSet(aws))
    self._todo_left = len(self._todo)
    for fut in self._todo:
        fut.add_done_callback(self._handle_completion)
    if self._todo and timeout is not None:
        self._timeout_handle = loop.call_later(timeout, self._handle_timeout)


def pin_orders():
    asyncio.tasks.set = OrderedSet
    asyncio.taskgroups.set = OrderedSet
    asyncio.events.TimerHandle = OrderedTimerHandle
    asyncio.tasks._AsCompletedIterator.__init__ = _as_completed_init


pin_orders()


# --- virtual-time loop -----------------------------------------------------

class Deadlock(BaseException):
    pass


class Budget(BaseException):
    pass


class VirtualLoop(asyncio.BaseEventLoop):
    """Event loop whose selector advances a clock instead of waiting."""

    def __init__(self):
        super().__init__()
        self._now = 0.0
        self._clock_resolution = 1e-9
        self._selector = self
        self._task_seq = itertools.count()
        self._created = []
        self._steps = 0

    def time(self):
        return self._now

    def select(self, timeout):
        if timeout:
            self._now += timeout
        return []

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def _run_once(self):
        if not self._ready and not self._stopping and all(
                h._cancelled for h in self._scheduled):
            raise Deadlock
        self._steps += len(self._ready)
        if self._steps > STEP_BUDGET:
            raise Budget
        super()._run_once()

    def create_task(self, coro, **kwargs):
        seq = next(self._task_seq)
        task = super().create_task(coro, **kwargs)
        self._created.append((seq, task))
        return task

    def unfinished(self):
        self._created.sort(key=lambda p: p[0])
        return [t for _, t in self._created if not t.done()]


# --- values and exceptions -------------------------------------------------

class E1(Exception):
    pass


class E2(Exception):
    pass


class E3(Exception):
    pass


USER = {"E1": E1, "E2": E2, "E3": E3}
RAISABLE = {**USER, "ValueError": ValueError, "RuntimeError": RuntimeError,
            "TimeoutError": TimeoutError,
            "CancelledError": asyncio.CancelledError}


def make_exc(name, arg=None):
    cls = RAISABLE[name]
    return cls() if arg is None else cls(arg)


def exc_repr(e):
    name = type(e).__name__
    if isinstance(e, BaseExceptionGroup):
        return [name, [exc_repr(x) for x in e.exceptions]]
    if isinstance(e, (E1, E2, E3, asyncio.CancelledError)):
        if e.args and e.args[0] not in (None, ""):
            return [name, e.args[0]]
    return [name]


def num(x):
    return int(x) if x == int(x) else x


def enc(v):
    if isinstance(v, BaseException):
        return {"exc": exc_repr(v)}
    if isinstance(v, (list, tuple)):
        return [enc(x) for x in v]
    if isinstance(v, float):
        return num(v)
    return v


def matches(on, e):
    if on == "all":
        return True
    if on == "Exception":
        return isinstance(e, Exception)
    return type(e).__name__ == on


def state_of(f):
    if not f.done():
        return "pending"
    if f.cancelled():
        return "cancelled"
    return "result" if f.exception() is None else "exception"


_DEFAULT_NAME = re.compile(r"^Task-\d+$")


def name_of(task):
    if task is None:
        return None
    name = task.get_name()
    return None if _DEFAULT_NAME.match(name) else name


OBJECTS = {
    "Lock": asyncio.Lock, "Event": asyncio.Event,
    "Condition": asyncio.Condition, "Semaphore": asyncio.Semaphore,
    "BoundedSemaphore": asyncio.BoundedSemaphore, "Barrier": asyncio.Barrier,
    "Queue": asyncio.Queue, "LifoQueue": asyncio.LifoQueue,
    "PriorityQueue": asyncio.PriorityQueue,
}
WHEN = {"ALL": asyncio.ALL_COMPLETED, "FIRST": asyncio.FIRST_COMPLETED,
        "EXC": asyncio.FIRST_EXCEPTION}
BREAK = ("break",)


# --- interpreter -----------------------------------------------------------

class Interpreter:
    def __init__(self, scenario):
        self.bodies = scenario["bodies"]
        self.callbacks = scenario.get("callbacks", {})
        self.objects = {
            k: OBJECTS[v[0]](*v[1:])
            for k, v in scenario.get("objects", {}).items()}
        self.futs = {}
        self.handles = {}
        self.timeouts = {}
        self.groups = {}
        self.counters = {}
        self.names = {}
        self.implicit = 0
        self.cb_funcs = {}
        self.cv = contextvars.ContextVar("cv", default=None)
        self.trace = []
        self.frozen = False
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(self.on_exception)

    # logging

    def emit(self, task, *ev):
        if not self.frozen:
            self.trace.append([num(self.loop.time()), task, *ev])

    def log(self, *ev):
        self.emit(name_of(asyncio.current_task(self.loop)), *ev)

    def on_exception(self, loop, context):
        msg = context.get("message") or ""
        if "never retrieved" in msg or "destroyed" in msg:
            return
        if msg.startswith("Exception in callback"):
            cat = "callback"
        elif msg.endswith("exception in shielded future"):
            cat = "shield"
        elif "its parent task" in msg:
            cat = "taskgroup"
        else:
            cat = "other"
        self.log("exc_handler", cat, exc_repr(context["exception"]))

    def attempt(self, ev, fn, show=False):
        try:
            r = fn()
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log(*ev, "raise", exc_repr(e))
        else:
            if show:
                self.log(*ev, "ok", enc(r))
            else:
                self.log(*ev, "ok")

    # lookup

    def fut(self, var):
        f = self.futs.get(var)
        if f is None:
            self.log("novar", var)
        return f

    def task(self, var):
        f = self.futs.get(var)
        if not isinstance(f, asyncio.Task):
            self.log("novar", var)
            return None
        return f

    def other(self, table, var):
        x = table.get(var)
        if x is None:
            self.log("novar", var)
        return x

    def unique(self, name):
        n = self.names.get(name, 0) + 1
        self.names[name] = n
        return name if n == 1 else f"{name}#{n}"

    # bodies

    async def run_body(self, body, implicit=None):
        if implicit is not None:
            asyncio.current_task().set_name(implicit)
        self.log("start", body)
        try:
            sig = await self.block(self.bodies[body], None)
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log("end", body, "raise", exc_repr(e))
            raise
        v = sig[1] if sig is not None and sig is not BREAK else None
        self.log("end", body, "ok", enc(v))
        return v

    def implicit_coro(self, body):
        self.implicit += 1
        return self.run_body(body, f"{body}~{self.implicit}")

    def items(self, items):
        out = []
        for it in items:
            if isinstance(it, str):
                f = self.fut(it)
                if f is not None:
                    out.append((it, f))
            else:
                out.append((None, self.implicit_coro(it["body"])))
        return out

    async def block(self, stmts, exc):
        for s in stmts:
            sig = await self.stmt(s, exc)
            if sig is not None:
                return sig
        return None

    async def stmt(self, s, exc):
        op = s[0]
        f = getattr(self, "s_" + op, None)
        if f is not None:
            return f(*s[1:])
        f = getattr(self, "x_" + op, None)
        if f is not None:
            return await f(exc, *s[1:])
        return await getattr(self, "a_" + op)(*s[1:])

    def callback(self, name):
        fn = self.cb_funcs.get(name)
        if fn is None:
            stmts = self.callbacks[name]

            def fn(*args):
                self.log("cb", name, *(state_of(a) for a in args))
                self.sync_block(stmts)
            self.cb_funcs[name] = fn
        return fn

    def sync_block(self, stmts):
        for s in stmts:
            if s[0] == "ifdone":
                f = self.fut(s[1])
                if f is not None:
                    self.sync_block(
                        s[2] if f.done() else (s[3] if len(s) > 3 else []))
            else:
                getattr(self, "s_" + s[0])(*s[1:])

    # control flow

    def s_log(self, v):
        self.log("log", v)

    def s_now(self):
        self.log("now", num(asyncio.get_running_loop().time()))

    def s_current(self):
        self.log("current", name_of(asyncio.current_task()))

    def s_return(self, v=None):
        return ("return", v)

    def s_break(self):
        return BREAK

    def s_raise(self, name, arg=None):
        raise make_exc(name, arg)

    def s_inc(self, c, by=1):
        self.counters[c] = self.counters.get(c, 0) + by

    def s_counter(self, c):
        self.log("counter", c, self.counters.get(c, 0))

    async def x_reraise(self, exc):
        raise exc

    async def x_try(self, exc, body, handlers=(), opts={}):
        error = sig = None
        try:
            sig = await self.block(body, exc)
        except GeneratorExit:
            raise
        except BaseException as e:
            error = e
        if error is not None:
            for on, do in handlers:
                if matches(on, error):
                    caught, error = error, None
                    self.log("except", exc_repr(caught))
                    try:
                        sig = await self.block(do, caught)
                    except GeneratorExit:
                        raise
                    except BaseException as e:
                        error = e
                    break
        elif sig is None and "else" in opts:
            try:
                sig = await self.block(opts["else"], exc)
            except GeneratorExit:
                raise
            except BaseException as e:
                error = e
        if "finally" in opts:
            self.log("finally")
            await self.block(opts["finally"], exc)
        if error is not None:
            raise error
        return sig

    async def x_loop(self, exc, n, body):
        for _ in range(n):
            sig = await self.block(body, exc)
            if sig is BREAK:
                break
            if sig is not None:
                return sig
        return None

    async def x_ifdone(self, exc, var, then, otherwise=()):
        f = self.fut(var)
        if f is not None:
            return await self.block(then if f.done() else otherwise, exc)

    async def a_call(self, body):
        self.log("called", body, enc(await self.run_body(body)))

    async def a_sleep(self, d):
        await asyncio.sleep(d)
        self.log("slept", d)

    # tasks and futures

    def s_spawn(self, var, body, opts={}):
        kw = {"eager_start": True} if opts.get("eager") else {}
        name = self.unique(opts.get("name", var))
        self.futs[var] = asyncio.create_task(
            self.run_body(body), name=name, **kw)

    async def a_await(self, var):
        f = self.fut(var)
        if f is not None:
            self.log("await", var, enc(await f))

    def s_cancel(self, var, msg=None):
        f = self.fut(var)
        if f is not None:
            r = f.cancel() if msg is None else f.cancel(msg)
            self.log("cancel", var, bool(r))

    def s_uncancel(self, var=None):
        t = asyncio.current_task() if var is None else self.task(var)
        if t is not None:
            self.log("uncancel", var, t.uncancel())

    def s_cancelling(self, var=None):
        t = asyncio.current_task() if var is None else self.task(var)
        if t is not None:
            self.log("cancelling", var, t.cancelling())

    def s_state(self, var):
        f = self.fut(var)
        if f is not None:
            self.log("state", var, state_of(f))

    def s_result(self, var):
        f = self.fut(var)
        if f is not None:
            self.attempt(("result", var), f.result, True)

    def s_exception(self, var):
        f = self.fut(var)
        if f is not None:
            self.attempt(("exception", var), f.exception, True)

    def s_future(self, var):
        self.futs[var] = asyncio.get_running_loop().create_future()

    def s_set_result(self, var, v):
        f = self.fut(var)
        if f is not None:
            self.attempt(("set_result", var), lambda: f.set_result(v))

    def s_set_exception(self, var, name, arg=None):
        f = self.fut(var)
        if f is not None:
            self.attempt(("set_exception", var),
                         lambda: f.set_exception(make_exc(name, arg)))

    def s_add_cb(self, var, cb):
        f = self.fut(var)
        if f is not None:
            f.add_done_callback(self.callback(cb))

    def s_remove_cb(self, var, cb):
        f = self.fut(var)
        if f is not None:
            self.log("remove_cb", var, cb,
                     f.remove_done_callback(self.callback(cb)))

    # combinators

    async def a_gather(self, items, opts={}):
        g = asyncio.gather(*(x for _, x in self.items(items)),
                           return_exceptions=bool(opts.get("ret")))
        if "as" in opts:
            self.futs[opts["as"]] = g
        else:
            self.log("gather", enc(await g))

    async def a_wait(self, vs, opts={}):
        pairs = self.items(vs)
        done, pending = await asyncio.wait(
            [f for _, f in pairs], timeout=opts.get("timeout"),
            return_when=WHEN[opts.get("when", "ALL")])
        self.log("wait", sorted({v for v, f in pairs if f in done}),
                 sorted({v for v, f in pairs if f in pending}))

    async def a_as_completed(self, items, opts={}):
        pairs = self.items(items)
        labels = {}
        for v, x in pairs:
            if v is not None:
                labels.setdefault(id(x), v)
        it = asyncio.as_completed([x for _, x in pairs],
                                  timeout=opts.get("timeout"))
        left = opts.get("limit", 1_000_000)
        if opts.get("aiter"):
            while left > 0:
                try:
                    f = await it.__anext__()
                except StopAsyncIteration:
                    break
                left -= 1
                st = state_of(f)
                ev = ("ac", labels.get(id(f)), st)
                if st == "result":
                    self.log(*ev, enc(f.result()))
                elif st == "exception":
                    self.log(*ev, exc_repr(f.exception()))
                else:
                    self.log(*ev)
        else:
            while left > 0:
                try:
                    aw = it.__next__()
                except StopIteration:
                    break
                left -= 1
                try:
                    v = await aw
                except Exception as e:
                    self.log("ac", "raise", exc_repr(e))
                else:
                    self.log("ac", "ok", enc(v))
        self.log("ac_end")

    async def a_wait_for(self, item, timeout):
        if isinstance(item, str):
            x = self.fut(item)
            if x is None:
                return
        else:
            x = self.run_body(item["body"])
        self.log("wait_for", enc(await asyncio.wait_for(x, timeout)))

    async def a_shield(self, item, opts={}):
        if isinstance(item, str):
            x = self.fut(item)
            if x is None:
                return
        else:
            x = self.implicit_coro(item["body"])
        s = asyncio.shield(x)
        if "as" in opts:
            self.futs[opts["as"]] = s
        else:
            self.log("shield", enc(await s))

    def make_timeout(self, spec):
        if spec is None:
            return asyncio.timeout(None)
        if "at" in spec:
            return asyncio.timeout_at(spec["at"])
        return asyncio.timeout(spec["in"])

    async def x_timeout(self, exc, var, spec, body):
        cm = self.make_timeout(spec)
        try:
            async with cm:
                self.timeouts[var] = cm
                sig = await self.block(body, exc)
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log("timeout_exit", var, cm.expired(), "raise", exc_repr(e))
            raise
        self.log("timeout_exit", var, cm.expired(), "ok")
        return sig

    def s_reschedule(self, var, spec):
        cm = self.other(self.timeouts, var)
        if cm is None:
            return
        if spec is None:
            when = None
        elif "at" in spec:
            when = spec["at"]
        else:
            when = asyncio.get_running_loop().time() + spec["in"]
        self.attempt(("reschedule", var), lambda: cm.reschedule(when))

    def s_expired(self, var):
        cm = self.other(self.timeouts, var)
        if cm is not None:
            self.log("expired", var, cm.expired())

    def s_when(self, var):
        cm = self.other(self.timeouts, var)
        if cm is not None:
            self.log("when", var, enc(cm.when()))

    async def x_tg(self, exc, var, body):
        try:
            async with asyncio.TaskGroup() as tg:
                self.groups[var] = tg
                sig = await self.block(body, exc)
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log("tg_exit", var, "raise", exc_repr(e))
            raise
        self.log("tg_exit", var, "ok")
        return sig

    def s_tg_spawn(self, group, var, body, opts={}):
        tg = self.other(self.groups, group)
        if tg is None:
            return
        kw = {"eager_start": True} if opts.get("eager") else {}
        name = self.unique(opts.get("name", var))

        def start():
            self.futs[var] = tg.create_task(
                self.run_body(body), name=name, **kw)
        self.attempt(("tg_spawn", group, var), start)

    # synchronisation

    async def a_acquire(self, o):
        await self.objects[o].acquire()
        self.log("acquired", o)

    def s_release(self, o):
        self.attempt(("release", o), self.objects[o].release)

    def s_locked(self, o):
        self.log("locked", o, self.objects[o].locked())

    async def x_with(self, exc, o, body):
        try:
            async with self.objects[o] as got:
                if isinstance(got, int):
                    self.log("enter", o, got)
                else:
                    self.log("enter", o)
                sig = await self.block(body, exc)
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log("exit", o, "raise", exc_repr(e))
            raise
        self.log("exit", o, "ok")
        return sig

    def s_ev_set(self, o):
        self.objects[o].set()

    def s_ev_clear(self, o):
        self.objects[o].clear()

    def s_ev_is_set(self, o):
        self.log("ev_is_set", o, self.objects[o].is_set())

    async def a_ev_wait(self, o):
        self.log("ev_wait", o, await self.objects[o].wait())

    async def a_cond_wait(self, o):
        self.log("cond_wait", o, await self.objects[o].wait())

    async def a_cond_wait_for(self, o, c, n):
        r = await self.objects[o].wait_for(
            lambda: self.counters.get(c, 0) >= n)
        self.log("cond_wait_for", o, r)

    def s_notify(self, o, n=1):
        self.attempt(("notify", o), lambda: self.objects[o].notify(n))

    def s_notify_all(self, o):
        self.attempt(("notify_all", o), self.objects[o].notify_all)

    async def a_bar_wait(self, o):
        self.log("bar_wait", o, await self.objects[o].wait())

    async def a_bar_reset(self, o):
        await self.objects[o].reset()
        self.log("bar_reset", o)

    async def a_bar_abort(self, o):
        await self.objects[o].abort()
        self.log("bar_abort", o)

    def s_bar_info(self, o):
        b = self.objects[o]
        self.log("bar_info", o, b.n_waiting, b.broken)

    # queues

    async def a_put(self, o, v):
        await self.objects[o].put(v)
        self.log("put", o, v)

    async def a_get(self, o):
        self.log("get", o, await self.objects[o].get())

    def s_put_nowait(self, o, v):
        self.attempt(("put_nowait", o), lambda: self.objects[o].put_nowait(v))

    def s_get_nowait(self, o):
        self.attempt(("get_nowait", o), self.objects[o].get_nowait, True)

    def s_task_done(self, o):
        self.attempt(("task_done", o), self.objects[o].task_done)

    async def a_join(self, o):
        await self.objects[o].join()
        self.log("join", o)

    def s_q_info(self, o):
        q = self.objects[o]
        self.log("q_info", o, q.qsize(), q.empty(), q.full())

    def s_shutdown(self, o, immediate=False):
        self.objects[o].shutdown(immediate)
        self.log("shutdown", o)

    # loop callbacks

    def s_call_soon(self, cb, var=None):
        self.keep(var, asyncio.get_running_loop().call_soon(self.callback(cb)))

    def s_call_later(self, d, cb, var=None):
        self.keep(var, asyncio.get_running_loop().call_later(
            d, self.callback(cb)))

    def s_call_at(self, t, cb, var=None):
        self.keep(var, asyncio.get_running_loop().call_at(
            t, self.callback(cb)))

    def keep(self, var, handle):
        if var is not None:
            self.handles[var] = handle

    def s_handle_cancel(self, var):
        h = self.other(self.handles, var)
        if h is not None:
            h.cancel()

    def s_handle_info(self, var):
        h = self.other(self.handles, var)
        if h is not None:
            w = h.when() if isinstance(h, asyncio.TimerHandle) else None
            self.log("handle_info", var, h.cancelled(), enc(w))

    # context variable

    def s_ctx_set(self, v):
        self.cv.set(v)

    def s_ctx_get(self):
        self.log("ctx", self.cv.get())

    # whole program

    def run(self):
        loop = self.loop
        try:
            self.program(loop)
        except Deadlock:
            self.emit(None, "deadlock", sorted(
                name_of(t) or "" for t in loop.unfinished()))
        except Budget:
            self.emit(None, "budget")
        finally:
            self.frozen = True
            for t in loop.unfinished():
                t._log_destroy_pending = False
            loop.close()
            asyncio._set_running_loop(None)
        return self.trace

    def program(self, loop):
        main = self.futs["main"] = loop.create_task(
            self.run_body("main"), name=self.unique("main"))
        try:
            v = loop.run_until_complete(main)
        except (Deadlock, Budget):
            raise
        except BaseException as e:
            self.emit(None, "main", "raise", exc_repr(e))
        else:
            self.emit(None, "main", "ok", enc(v))
        for _ in range(TEARDOWN_ROUNDS):
            left = loop.unfinished()
            if not left:
                break
            self.emit(None, "teardown", [name_of(t) for t in left])
            for t in left:
                t.cancel()
            loop.run_until_complete(
                asyncio.gather(*left, return_exceptions=True))
            for t in left:
                st = state_of(t)
                if st == "result":
                    self.emit(None, "final", name_of(t), st, enc(t.result()))
                elif st == "exception":
                    self.emit(None, "final", name_of(t), st,
                              exc_repr(t.exception()))
                else:
                    self.emit(None, "final", name_of(t), st)
        left = loop.unfinished()
        if left:
            self.emit(None, "leftover", [name_of(t) for t in left])
        self.emit(None, "done")


_runs = 0


def run_json(text):
    global _runs
    _runs += 1
    asyncio._set_running_loop(None)
    gc.disable()
    try:
        it = Interpreter(json.loads(text))
        return json.dumps(it.run())
    finally:
        it = None
        if _runs % 20 == 0:
            gc.collect()
