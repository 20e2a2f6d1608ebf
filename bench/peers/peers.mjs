// peers.mjs - croner and cron-parser on the expressions of a file: one line of JSON for
// each library, zone and expression, as bench/schedule.c prints them.
import { readFileSync } from "node:fs";
import { Cron } from "croner";
import { CronExpressionParser } from "cron-parser";

const FIRES = 16;
const ENOUGH_MS = 10;
// The measured walk begins at the first; answers are compared from each.
const STARTS = [1767225600, 1772841600, 1774656000, 1792800000, 1793404800].map((at) => new Date(at * 1000));

// nanoseconds a call of f, which does n calls at a time
function cost(n, f) {
  f();
  const start = performance.now();
  let rounds = 0;
  while (performance.now() - start < ENOUGH_MS) {
    f();
    rounds++;
  }
  return ((performance.now() - start) * 1e6) / (rounds * n);
}

const libraries = {
  croner: {
    parse: (expr, zone) => new Cron(expr, { timezone: zone, paused: true }),
    walk(schedule, start) {
      const fires = [];
      for (let at = start; fires.length < FIRES && (at = schedule.nextRun(at)); ) fires.push(at);
      return fires.map((at) => at.getTime() / 1000);
    },
  },
  "cron-parser": {
    parse: (expr, zone) => CronExpressionParser.parse(expr, { tz: zone, currentDate: STARTS[0] }),
    walk(schedule, start) {
      schedule.reset(start);
      const fires = [];
      while (fires.length < FIRES && schedule.hasNext()) fires.push(schedule.next());
      return fires.map((at) => at.getTime() / 1000);
    },
  },
};

for (const expr of readFileSync(process.argv[2], "utf8").trim().split("\n")) {
  for (const zone of ["UTC", "America/New_York", "Europe/Paris"]) {
    for (const [who, { parse, walk }] of Object.entries(libraries)) {
      const line = { who, zone, expr, next_ns: 0, parse_ns: 0, fires: [] };
      try {
        const schedule = parse(expr, zone);
        line.fires = STARTS.map((start) => walk(schedule, start));
        line.next_ns = cost(FIRES, () => walk(schedule, STARTS[0]));
        line.parse_ns = cost(1, () => parse(expr, zone));
      } catch (error) {
        line.error = String(error.message);
      }
      console.log(JSON.stringify(line));
    }
  }
}
