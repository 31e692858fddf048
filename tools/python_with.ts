/** The first Python that has a module; undefined where none has. */
export function pythonWith(module: string): string | undefined {
  return ["python3", "/usr/bin/python3"].find((name) => {
    try {
      return new Deno.Command(name, { args: ["-c", `import ${module}`], stderr: "null" }).outputSync().success;
    } catch {
      // There is no such Python, or it must not be run.
      return false;
    }
  });
}
