import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";
import { finish, rankArguments, start, untilStep } from "./testdata/launchers.ts";

async function run(program: string, args: readonly string[], options: { folder?: string } = {}) {
  return await finish(start(undefined, 1, rankArguments(program, args, options)));
}

/** Runs the training program. */
async function train(
  options: { workers: number; folder?: string; epochs?: number; dropout?: number },
  folder?: string,
) {
  const { code, stderr, lines } = await run("training_run.ts", [JSON.stringify(options)], {
    ...(folder && { folder }),
  });
  assert.equal(code, 0, stderr);
  return {
    losses: lines.filter(({ step }) => step !== undefined).map(({ loss }) => loss as number),
    hashes: lines.filter(({ hash }) => hash !== undefined).map(({ hash }) => hash as string),
  };
}

Deno.test("Workers exchange arrays of all types and sizes", async () => {
  const { code, stderr, lines } = await run("exchange.ts", ["3"]);
  assert.equal(code, 0, stderr);
  for (const { rank, size, seen } of lines) {
    assert.deepEqual([size, ...seen], [3, 3, 300, 2, 0, 1, 6, rank, 2, 2, 2, rank]);
  }
  assert.equal(lines.length, 3);
});

Deno.test("1, 2, 3 and 5 Workers have the same losses at every step, and the same weights bit for bit in every run", async () => {
  const alone = await train({ workers: 1 });
  for (const workers of [2, 3, 5]) {
    const [once, again] = [await train({ workers }), await train({ workers })];
    assert.deepEqual([once.hashes.length, new Set([...once.hashes, ...again.hashes]).size], [workers, 1]);
    assert.equal(once.losses.length, 30);
    once.losses.forEach((loss, step) =>
      assert.ok(Math.abs(loss - alone.losses[step]!) <= 1e-5, `step ${step}: ${loss}`)
    );
  }
});

Deno.test("Workers stopped by SIGTERM write a checkpoint and resume bit for bit", () =>
  withFolder(async (folder) => {
    const options = { workers: 2, epochs: 4, dropout: 0.2 };
    const whole = await train({ ...options, folder: `${folder}/whole` }, folder);
    const stopped = { ...options, folder: `${folder}/stopped`, pause: 100 };
    const child = start(undefined, 1, rankArguments("training_run.ts", [JSON.stringify(stopped)], { folder }));
    const { rest: stopping } = await untilStep(child, 13);
    Deno.kill(child.pid, "SIGTERM");
    const { code, lines } = await stopping;
    const { steps } = lines.findLast(({ hash }) => hash !== undefined);
    assert.deepEqual([code, steps < 40], [143, true]);
    const rest = await train({ ...options, folder: `${folder}/stopped` }, folder);
    assert.deepEqual([rest.losses.length, rest.hashes], [40 - steps, whole.hashes]);
  }));

for (
  const [what, program, message] of [
    ["throws", 'if (rank === 1) throw new Error("thrown on purpose"); await c.barrier();', /thrown on purpose/],
    [
      "exits",
      "if (rank === 1) Deno.exit(0); await c.barrier();",
      /Cannot wait at a barrier: all ranks must be running, got rank 1 exited/,
    ],
    [
      "closes itself",
      "if (rank === 1) self.close(); await c.barrier();",
      /^error: .*Cannot wait at a barrier: all ranks must be running, got rank 1 exited$/m,
    ],
    [
      "lacks a permission",
      'if (rank === 1) Deno.env.get("HOME"); await c.barrier();',
      /^error: .*Cannot wait at a barrier: all ranks must be running, got on rank 1 the error: Requires env access to "HOME"/m,
    ],
    [
      "lacks a permission later",
      'if (rank === 1) setTimeout(() => Deno.env.get("HOME"), 1); ' +
      "else await new Promise((resolve) => setTimeout(resolve, 100)); await c.barrier(); await c.barrier();",
      /^error: .*got on rank 1 the error: Requires env access to "HOME"/m,
    ],
    [
      "does not respond",
      "if (rank === 1) await new Promise((resolve) => setTimeout(resolve, 60_000)); await c.barrier();",
      /Cannot wait at a barrier: the other ranks must respond within 10 s, got a timeout/,
    ],
  ] as const
) {
  Deno.test(`a Worker that ${what} ends the run with a message`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/program.ts`;
      const connect = import.meta.resolve("./connect.ts");
      await Deno.writeTextFile(
        path,
        `import { connect } from "${connect}"; const c = await connect({ workers: 2, timeout: 10 }); ` +
          `const { rank } = c; ${program} await c.close();`,
      );
      const args = ["run", "--no-prompt", "--no-check", "--quiet", "--config=deno.json", "--allow-read", path];
      const { code, stderr } = await finish(start(undefined, 1, args));
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.equal(stderr.match(/^error:/gm)?.length, 1, stderr);
    }));
}

Deno.test("the error of a Worker that is a bug comes with its stack", () =>
  withFolder(async (folder) => {
    const path = `${folder}/program.ts`;
    const program = "function inner() { return undefined.x; } if (c.rank === 1) inner(); await c.barrier();";
    await Deno.writeTextFile(
      path,
      `import { connect } from "${import.meta.resolve("./connect.ts")}"; const c = await connect({ workers: 2 }); ` +
        program,
    );
    const args = ["run", "--no-prompt", "--no-check", "--quiet", "--config=deno.json", "--allow-read", path];
    const { code, stderr } = await finish(start(undefined, 1, args));
    assert.equal(code, 1);
    assert.match(
      stderr,
      /got on rank 1 the error: TypeError: Cannot read properties of undefined.*\n +at inner \(file:/,
    );
  }));

Deno.test("Workers that do not connect in time end the run", () =>
  withFolder(async (folder) => {
    const path = `${folder}/program.ts`;
    await Deno.writeTextFile(
      path,
      `import { connect } from "${import.meta.resolve("./connect.ts")}"; ` +
        "if (self.name === '') await connect({ workers: 3, timeout: 0.5 });",
    );
    const args = ["run", "--no-prompt", "--no-check", "--quiet", "--config=deno.json", "--allow-read", path];
    const { code, stderr } = await finish(start(undefined, 1, args));
    assert.equal(code, 1);
    assert.match(
      stderr,
      /Cannot connect: file:\/\/\S+ must call connect\(\) in all 2 Workers within 0.5 s, got a timeout/,
    );
  }));

for (
  const [what, program, message] of [
    [
      "exits",
      "Deno.exit(0)",
      /^error: .*Cannot connect: rank 1 must call connect\(\) in its Worker, got an exit before that$/m,
    ],
    [
      "closes itself",
      "self.close()",
      /^error: .*Cannot connect: rank 1 must call connect\(\) in its Worker, got an exit before that$/m,
    ],
    [
      "throws",
      'throw new Error("no luck")',
      /Cannot connect: rank 1 must call connect\(\) in its Worker, got the error: Error: no luck$/m,
    ],
  ] as const
) {
  Deno.test(`a Worker that ${what} before it connects is noticed at once`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/program.ts`;
      await Deno.writeTextFile(
        path,
        `import { connect } from "${import.meta.resolve("./connect.ts")}"; ` +
          `if (self.name !== "") ${program}; ` +
          'try { await connect({ workers: 2 }); } catch (error) { console.error("error: caught: " + error.message); Deno.exit(7); }',
      );
      const args = ["run", "--no-prompt", "--no-check", "--quiet", "--config=deno.json", "--allow-read", path];
      const { code, stderr } = await finish(start(undefined, 1, args));
      assert.match(stderr, message);
      assert.equal(code, 7);
    }));
}

Deno.test("a permission that Workers lack is an error of connect()", () =>
  withFolder(async (folder) => {
    const path = `${folder}/program.ts`;
    await Deno.writeTextFile(
      path,
      `import { connect } from "${import.meta.resolve("./connect.ts")}"; ` +
        "try { await connect({ workers: 2 }); } catch (error) { console.log(JSON.stringify({ message: error.message })); }",
    );
    // Without --allow-read a Worker cannot load its module.
    const args = ["run", "--no-prompt", "--no-check", "--quiet", "--config=deno.json", path];
    const { code, stderr, lines } = await finish(start(undefined, 1, args));
    assert.equal(code, 0, stderr);
    assert.match(lines[0]!.message as string, /^Cannot connect: rank 1 must .* got the error: Requires read access to/);
  }));

Deno.test("rank 0 that exits without close() exits with 1", () =>
  withFolder(async (folder) => {
    const path = `${folder}/program.ts`;
    const program = "const c = await connect({ workers: 2 }); await c.barrier(); if (c.rank === 0) Deno.exit(0); " +
      "await new Promise((resolve) => setTimeout(resolve, 60_000));";
    await Deno.writeTextFile(path, `import { connect } from "${import.meta.resolve("./connect.ts")}"; ${program}`);
    const args = ["run", "--no-prompt", "--no-check", "--quiet", "--config=deno.json", "--allow-read", path];
    const { code, stderr } = await finish(start(undefined, 1, args));
    assert.match(stderr, /^error: Cannot exit: close\(\) must be called on every rank first$/m);
    assert.equal(code, 1);
  }));
