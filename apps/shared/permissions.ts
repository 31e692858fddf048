/**
 * Gives up the permission to load native libraries, which reaches further than it looks: through any library a program can
 * call all functions of the C library, and so start others. Libraries that are open, such as OpenBLAS, stay in use. Node and
 * Bun have no permissions to give up.
 */
export function giveUpFfi(): void {
  if (typeof Deno !== "undefined") Deno.permissions.revokeSync({ name: "ffi" });
}
