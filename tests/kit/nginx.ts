/** Whether nginx is not installed; prints a warning if so. */
export function nginxIsMissing(): boolean {
  try {
    return !new Deno.Command("nginx", { args: ["-v"], stderr: "null" }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a skipped test must not look like a passed one
    console.warn("SKIPPED: tests behind a proxy, because nginx is not installed");
    return true;
  }
}

/** An nginx process. Disposing of it stops it. */
export class Nginx implements AsyncDisposable {
  private constructor(
    private readonly child: Deno.ChildProcess,
    private readonly errors: Promise<string>,
  ) {}

  /** Starts nginx in `folder`; `config` becomes part of its `http` block. */
  static async start(folder: string, config: string): Promise<Nginx> {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; worker_processes 1; pid ${folder}/pid;
       error_log stderr warn;
       events { worker_connections 256; }
       http { access_log off; ${temporary}
       ${config} }`,
    );
    const child = new Deno.Command("nginx", {
      args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new Nginx(child, new Response(child.stderr).text());
  }

  /** Its error output, once it has exited. */
  async ended(): Promise<string> {
    await this.child.status;
    return await this.errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch (error) {
      // It has already exited.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.ended();
  }
}
