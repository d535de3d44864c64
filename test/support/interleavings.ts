import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { setImmediate as macrotask } from 'node:timers/promises';
import type { MemoryCall, MemoryStore } from './vault-memory-store.ts';

/**
 * Runs several actors against one store, one store call at a time, in an order that is decided outside. Every call is a
 * scheduling point; between two calls an actor computes alone. The same decisions give the same run.
 */
export interface World {
  /** Its `before` must be the one given to `makeWorld`. */
  readonly store: MemoryStore;
  readonly actors: Readonly<Record<string, () => Promise<unknown>>>;
  /** Called after every call that changed something; what it finds ends the run. */
  readonly violation: () => Promise<string | undefined>;
  /** Calls whose order against other actors' calls can matter; the others go on at once. */
  readonly contended: (call: MemoryCall, actor: string) => boolean;
}

export type MakeWorld = (before: (call: MemoryCall) => Promise<void>) => Promise<World>;

export interface Finding {
  readonly violation: string;
  /** Actor and call of every decision. */
  readonly schedule: readonly string[];
}

/** The actor died here: it learns nothing more. */
export class Killed extends Error {}

interface Waiting {
  readonly call: MemoryCall;
  readonly go: () => void;
  readonly kill: (error: Killed) => void;
}

interface Actor {
  readonly name: string;
  readonly waiting: Waiting[];
  finished: boolean;
  killed: boolean;
  /** Of all its calls and what it saw: an actor is a function of this. */
  history: string;
}

export interface Decider {
  /** The actor whose call goes next, one to be killed, or 'stop'. `calls` shows what each waits to do. */
  choose(
    enabled: readonly string[],
    state: () => string,
    calls: ReadonlyMap<string, string>,
  ): { readonly next: string } | { readonly kill: string } | 'stop';
}

export interface Phase {
  readonly actor: string;
  /** The actor goes on until it waits to make a call that matches (`create points/…`), else to its end. */
  readonly until?: RegExp;
}

/** Follows a script, phase by phase. */
export function scripted(phases: readonly Phase[]): Decider {
  const left = [...phases];
  return {
    choose(enabled, _, calls) {
      for (let [phase] = left; phase; [phase] = left) {
        const call = calls.get(phase.actor);
        if (call !== undefined && !phase.until?.test(call)) return { next: phase.actor };
        left.shift();
      }
      return { next: enabled[0] ?? '' };
    },
  };
}

/** One run under the decider. Undefined: no violation. */
export async function play(makeWorld: MakeWorld, decider: Decider): Promise<Finding | undefined> {
  const current = new AsyncLocalStorage<Actor>();
  const world = await makeWorld((call) => {
    const actor = current.getStore();
    if (!actor) return Promise.resolve();
    if (actor.killed) return Promise.reject(new Killed(actor.name));
    return new Promise((go, kill) => actor.waiting.push({ call, go, kill }));
  });
  const actors = new Map<string, Actor>();
  const ends: Promise<unknown>[] = [];
  const start = (name: string, work: () => Promise<unknown>) => {
    const actor: Actor = { name, waiting: [], finished: false, killed: false, history: '' };
    actors.set(name, actor);
    const end = () => {
      actor.finished = true;
    };
    // A run that is fenced or finds its parent gone fails: that is allowed, only lost data is not.
    ends.push(current.run(actor, () => work().then(end, end)));
  };
  for (const [name, work] of Object.entries(world.actors)) start(name, work);
  const versions = new Map([...world.store.objects.keys()].map((key) => [key, 'base']));
  const schedule: string[] = [];
  try {
    for (;;) {
      await settle([...actors.values()], world, versions);
      const enabled = [...actors.values()].filter(({ waiting }) => waiting.length > 0);
      if (enabled.length === 0) return lossOf(await world.violation(), schedule);
      const choice = decider.choose(
        enabled.map(({ name }) => name),
        () => stateOf(actors, versions),
        new Map(
          enabled.map(({ name, waiting }) => [name, waiting.map(({ call }) => `${call.name} ${call.key}`)[0] ?? '']),
        ),
      );
      if (choice === 'stop') return undefined;
      const actor = actors.get('kill' in choice ? choice.kill : choice.next);
      if (!actor) throw new Error('no such actor');
      if ('kill' in choice) {
        schedule.push(`${actor.name} dies`);
        await kill(actor);
        // Whoever ran it starts it again, as a workflow does.
        start(actor.name, world.actors[actor.name] ?? (async () => {}));
        continue;
      }
      const { call } = actor.waiting[0] ?? { call: { name: 'get', key: '' } };
      schedule.push(`${actor.name} ${call.name} ${call.key.replace(/[0-9a-f]{58}(?=\.)/, '…')}`);
      await release(actor, versions, world.store);
      const loss = changes(call) && lossOf(await world.violation(), schedule);
      if (loss) return loss;
    }
  } finally {
    for (const actor of actors.values()) await kill(actor);
    await Promise.all(ends);
  }
}

function lossOf(violation: string | undefined, schedule: readonly string[]): Finding | undefined {
  return violation === undefined ? undefined : { violation, schedule };
}

/** Until every actor waits for a decision or has ended. Threads that seal are outside: they are waited for. */
async function settle(
  actors: readonly Actor[],
  { contended, store }: World,
  versions: Map<string, string>,
): Promise<void> {
  for (let idle = 0; idle < 2; ) {
    await macrotask();
    let moved = false;
    for (const actor of actors) {
      if (actor.finished) continue;
      const [first] = actor.waiting;
      if (!first) moved = true;
      else if (!contended(first.call, actor.name)) {
        moved = true;
        actor.waiting.shift()?.go();
        await macrotask();
        note(versions, store, actor.name);
      }
    }
    idle = moved ? 0 : idle + 1;
  }
}

async function release(actor: Actor, versions: Map<string, string>, store: MemoryStore): Promise<void> {
  const waiting = actor.waiting.shift();
  if (!waiting) return;
  const { call } = waiting;
  const seen = call.name.startsWith('list')
    ? [...versions].filter(([key]) => key.startsWith(call.key)).map((pair) => pair.join(' '))
    : [versions.get(call.key) ?? 'none'];
  actor.history = digest([actor.history, call.name, call.key, ...seen.sort()].join('\n'));
  waiting.go();
  await macrotask();
  note(versions, store, `${actor.name} ${actor.history}`);
}

/** Who made what is there, and knowing what: two objects of one key are the same if so are their makers. */
function note(versions: Map<string, string>, { objects }: MemoryStore, maker: string): void {
  for (const key of versions.keys()) if (!objects.has(key)) versions.delete(key);
  for (const key of objects.keys()) if (!versions.has(key)) versions.set(key, maker);
}

async function kill(actor: Actor): Promise<void> {
  actor.killed = true;
  while (!actor.finished) {
    for (const waiting of actor.waiting.splice(0)) waiting.kill(new Killed(actor.name));
    await macrotask();
  }
}

function changes({ name }: MemoryCall): boolean {
  return name === 'create' || name === 'remove';
}

/** Two runs that come to the same state go on alike. */
function stateOf(actors: ReadonlyMap<string, Actor>, versions: ReadonlyMap<string, string>): string {
  const histories = [...actors].map(
    ([name, { history, waiting }]) => `${name} ${history} ${waiting[0]?.call.key ?? ''}`,
  );
  return digest([...histories, ...[...versions].map((pair) => pair.join(' ')).sort()].join('\n'));
}

function digest(text: string): string {
  return createHash('sha1').update(text).digest('base64');
}

export interface Exploration {
  readonly runs: number;
  readonly states: number;
  /** Nothing was left to look at. */
  readonly complete: boolean;
  readonly finding: Finding | undefined;
}

/**
 * Every order of contended calls, each state once, until a violation or the end of the time. Orders in which an actor is
 * interrupted once come before those in which two are, and so on: most mistakes need few interruptions to show.
 */
export async function explore(makeWorld: MakeWorld, { ms }: { readonly ms: number }): Promise<Exploration> {
  const seen = new Set<string>();
  const open = new Frontier();
  open.push([], 0);
  const end = performance.now() + ms;
  let runs = 0;
  for (let path = open.pop(); path; path = open.pop()) {
    if (performance.now() > end) return { runs, states: seen.size, complete: false, finding: undefined };
    const finding = await play(makeWorld, followThenExplore(path, seen, open));
    runs++;
    if (finding) return { runs, states: seen.size, complete: false, finding };
  }
  return { runs, states: seen.size, complete: true, finding: undefined };
}

interface Path {
  readonly actors: readonly string[];
  readonly interruptions: number;
}

/** Paths still to follow, those with the fewest interruptions first. */
class Frontier {
  readonly #byInterruptions: Path[][] = [];

  push(actors: readonly string[], interruptions: number): void {
    const paths = this.#byInterruptions[interruptions] ?? [];
    this.#byInterruptions[interruptions] = paths;
    paths.push({ actors, interruptions });
  }

  pop(): Path | undefined {
    return this.#byInterruptions.find((paths) => paths && paths.length > 0)?.pop();
  }
}

function followThenExplore({ actors, interruptions }: Path, seen: Set<string>, open: Frontier): Decider {
  const path: string[] = [];
  return {
    choose(enabled, state) {
      const given = actors[path.length];
      if (given !== undefined) {
        path.push(given);
        return { next: given };
      }
      const key = state();
      if (seen.has(key)) return 'stop';
      seen.add(key);
      const last = path.at(-1) ?? '';
      const goesOn = enabled.includes(last);
      const next = goesOn ? last : (enabled[0] ?? '');
      for (const other of enabled) {
        if (other !== next) open.push([...path, other], interruptions + (goesOn ? 1 : 0));
      }
      path.push(next);
      return { next };
    },
  };
}

/** Random orders with deaths, each repeatable by its seed. */
export async function wander(
  makeWorld: MakeWorld,
  { ms, seed, deaths }: { readonly ms: number; readonly seed: number; readonly deaths: number },
): Promise<Exploration & { readonly seed: number }> {
  const end = performance.now() + ms;
  let runs = 0;
  for (; performance.now() < end; runs++) {
    const finding = await play(makeWorld, drunk(seed + runs, deaths));
    if (finding) return { runs: runs + 1, states: 0, complete: false, finding, seed: seed + runs };
  }
  return { runs, states: 0, complete: false, finding: undefined, seed };
}

/** Sticks to one actor for a while: bugs need one that sleeps long, not two that alternate. */
export function drunk(seed: number, deaths: number): Decider {
  let counter = 0;
  let left = deaths;
  let last = '';
  const random = () =>
    Number.parseInt(createHash('sha1').update(`${seed} ${counter++}`).digest('hex').slice(0, 8), 16) / 2 ** 32;
  return {
    choose(enabled) {
      if (!enabled.includes(last) || random() < 0.2) last = enabled[Math.floor(random() * enabled.length)] ?? '';
      if (left > 0 && random() < 0.02) {
        left--;
        return { kill: last };
      }
      return { next: last };
    },
  };
}
