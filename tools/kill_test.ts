import assert from "node:assert/strict";
import { callAtKill, callsIn } from "./kill.ts";

/** The end of a trace: two other threads are in calls too. */
const KILLED = `\
27994 rename("/run/.checkpoint-000000021.safetensors.tmp", "/run/checkpoint-000000021.safetensors") = 0
27995 close(24</run> <unfinished ...>
27996 openat(AT_FDCWD</home>, "/run/.checkpoint-000000028.safetensors.tmp", O_RDONLY|O_NOFOLLOW <unfinished ...>
27995 <... close resumed>)             = 0
27996 <... openat resumed>)             = ?
27995 +++ killed by SIGKILL +++
27996 +++ killed by SIGKILL +++
`;

Deno.test("the call at which a run was killed is found, with its file, also if its line is in two parts", () => {
  assert.equal(callAtKill(KILLED, "openat"), "openat of an unfinished checkpoint");
  assert.equal(callAtKill(KILLED, "rename"), undefined);
  assert.equal(callAtKill(KILLED, "close"), undefined);
  const dead = "7 +++ killed by SIGKILL +++\n";
  const lines: [line: string, call: string, place: string][] = [
    ["14428 fsync(25</run/.checkpoint-000000014.safetensors.tmp>) = ?\n", "fsync", "an unfinished checkpoint"],
    ['14428 unlink("/run/checkpoint-000000014.safetensors") = ?\n', "unlink", "a checkpoint"],
    ['14428 mkdir("/run", 0777)        = ?\n', "mkdir", "the folder"],
    // strace pads the numbers of threads.
    ["7     flock(24</run/.lock>, LOCK_EX|LOCK_NB) = ?\n", "flock", "the lock"],
    ["7     fsync(24</run> <unfinished ...>\n", "fsync", "the folder"],
  ];
  for (const [line, call, place] of lines) assert.equal(callAtKill(line + dead, call), `${call} of ${place}`);
  // The log may hold the ends of the threads alone.
  assert.equal(callAtKill(dead, "fsync"), undefined);
});

Deno.test("the calls on a run's files are counted by thread, and their paths listed", () => {
  const trace = `\
7     openat(AT_FDCWD</home>, "/lib/libc.so.6", O_RDONLY|O_CLOEXEC) = 3</lib/libc.so.6>
7     mkdir("/run", 0777)               = 0
7     openat(AT_FDCWD</home>, "/run/.lock", O_RDWR|O_CREAT, 0666) = 23</run/.lock>
12345 openat(AT_FDCWD</home>, "/run/a", O_RDONLY <unfinished ...>
7     openat(AT_FDCWD</home>, "/run/a", O_RDONLY) = 24</run/a>
12345 <... openat resumed>)             = 25</run/a>
7     rename("/run/a", "/run/b")        = 0
7     +++ exited with 0 +++
`;
  const { calls, paths } = callsIn(trace, "/run");
  assert.deepEqual([...calls], [["mkdir", 1], ["openat", 2], ["rename", 1]]);
  assert.deepEqual(paths.toSorted(), ["/run", "/run/.lock", "/run/a", "/run/b"]);
});
