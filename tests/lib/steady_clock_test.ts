import { assert, assertEquals } from "@std/assert";
import { SteadyClock } from "../../lib/steady_clock.ts";
import { collectLog } from "../kit/collected_log.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

/** A machine with a clock that can be set, and that can sleep. */
class Machine {
  #wall = START;
  #awake = 5000;
  #up = 7000;
  constructor(readonly knowsUptime: boolean) {}
  readonly wall = (): number => this.#wall;
  readonly monotonic = (): number => this.#awake;
  readonly uptime = (): number | undefined =>
    this.knowsUptime ? Math.floor(this.#up / 1000) * 1000 : undefined;

  /** Lets time pass, reading the clock regularly as a hub does. */
  pass(milliseconds: number, clock: SteadyClock): void {
    for (let left = milliseconds; left > 0; left -= 500) {
      const step = Math.min(500, left);
      this.#wall += step;
      this.#awake += step;
      this.#up += step;
      clock.now();
    }
  }

  set(by: number): void {
    this.#wall += by;
  }

  sleep(milliseconds: number): void {
    this.#wall += milliseconds;
    this.#up += milliseconds;
  }
}

for (const knowsUptime of [true, false]) {
  const name = `\`SteadyClock\`, ${knowsUptime ? "with" : "without"} an uptime,`;

  Deno.test(`${name} follows the system clock and its small corrections`, () => {
    const machine = new Machine(knowsUptime);
    const clock = new SteadyClock(machine);
    assertEquals(clock.now(), START);
    machine.pass(10 * MINUTE, clock);
    assertEquals(clock.now(), START + 10 * MINUTE);
    for (const by of [900, -1300, 5, -5]) {
      machine.set(by);
      machine.pass(2000, clock);
      assertEquals(clock.now(), machine.wall());
    }
  });

  Deno.test(`${name} ignores a clock that is wrong for a moment, with one warning`, async () => {
    for (
      const by of [
        10 * MINUTE,
        10 * 365 * 24 * 60 * MINUTE,
        -10 * MINUTE,
        -30 * 365 * 24 * 60 * MINUTE,
      ]
    ) {
      await using log = await collectLog();
      const machine = new Machine(knowsUptime);
      const clock = new SteadyClock(machine);
      machine.pass(MINUTE, clock);
      machine.set(by);
      for (let n = 0; n < 50; n++) {
        machine.pass(1000, clock);
        assertEquals(clock.now(), START + MINUTE + (n + 1) * 1000);
      }
      machine.set(-by);
      machine.pass(5 * MINUTE, clock);
      assertEquals(clock.now(), machine.wall());
      assertEquals(log.records.map(({ level }) => level), ["warning", "info"]);
    }
  });

  Deno.test(`${name} follows a clock that stays changed`, async () => {
    for (const by of [10 * MINUTE, -10 * MINUTE, 365 * 24 * 60 * MINUTE]) {
      await using log = await collectLog();
      const machine = new Machine(knowsUptime);
      const clock = new SteadyClock(machine);
      machine.set(by);
      machine.pass(50_000, clock);
      assertEquals(clock.now(), START + 50_000);
      machine.pass(15_000, clock);
      assertEquals(clock.now(), machine.wall());
      assertEquals(log.records.map(({ level }) => level), ["warning", "info"]);
      assertEquals(clock.elapsed() - 5000, 65_000);
    }
  });

  Deno.test(`${name} warns once about a clock that jumps back and forth`, async () => {
    await using log = await collectLog();
    const machine = new Machine(knowsUptime);
    const clock = new SteadyClock(machine);
    for (let n = 1; n <= 30; n++) {
      machine.set(n * MINUTE);
      machine.pass(2000, clock);
      assertEquals(clock.now(), START + n * 2000);
    }
    assertEquals(log.records.map(({ level }) => level), ["warning"]);
  });
}

Deno.test("`SteadyClock` counts time asleep immediately, without a warning", async () => {
  await using log = await collectLog();
  const machine = new Machine(true);
  const clock = new SteadyClock(machine);
  for (const hours of [8, 0.01, 72]) {
    machine.pass(MINUTE, clock);
    const before = clock.elapsed();
    machine.sleep(hours * 60 * MINUTE);
    machine.pass(1000, clock);
    assert(Math.abs(clock.now() - machine.wall()) <= 2000);
    assert(Math.abs(clock.elapsed() - before - hours * 60 * MINUTE - 1000) <= 2000);
  }
  assertEquals(log.records.map(({ level }) => level), []);
});
