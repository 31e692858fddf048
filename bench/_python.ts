/** The first Python that has PyTorch; undefined where none has. */
export function pythonWithTorch(): string | undefined {
  return ["python3", "/usr/bin/python3"].find((name) => {
    try {
      return new Deno.Command(name, { args: ["-c", "import torch"], stderr: "null" }).outputSync().success;
    } catch {
      // There is no such Python, or it must not be run.
      return false;
    }
  });
}
