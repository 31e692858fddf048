import { openLibrary } from "@unfold/core/support";
import assert from "node:assert/strict";

Deno.test("openLibrary returns the first library that opens, with its path", () => {
  const open = (path: string) => {
    if (path === "/a") throw new Error("no such file: /a");
    return path.toUpperCase();
  };
  const options = { doing: "use BLAS", name: "OpenBLAS", open };
  assert.deepEqual(openLibrary({ ...options, paths: ["/a", "/b", "/c"] }), { library: "/B", path: "/b" });
  assert.throws(() => openLibrary({ ...options, paths: ["/a"] }), { message: "Cannot use BLAS: no such file: /a" });
  const broken = () => {
    throw new Error("no such function");
  };
  assert.throws(() => openLibrary({ ...options, open: broken, paths: ["/a"] }), {
    message: "Cannot use BLAS: /a: no such function",
  });
  assert.throws(() => openLibrary({ ...options, paths: ["/a", "/a"] }), {
    message: "Cannot use BLAS: OpenBLAS must be installed, or its path given; it is at none of /a, /a",
  });
});

Deno.test("openLibrary reports a missing permission before a missing file", () => {
  const open = (path: string) => {
    throw path === "/a" ? new Error("no such file") : new Deno.errors.NotCapable("Requires ffi access");
  };
  assert.throws(() => openLibrary({ doing: "connect", name: "MPI", paths: ["/a", "/b"], open }), {
    message: "Cannot connect: Requires ffi access; " +
      "to allow one library alone, give its absolute path and pass --allow-ffi=PATH",
  });
});
