/** A Python that has the package `websockets`, if there is one. */
export function python(): string | undefined {
  return ["python3", "/usr/bin/python3"].find((command) => {
    try {
      const args = ["-c", "import websockets"];
      return new Deno.Command(command, { args, stderr: "null" }).outputSync().success;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}
